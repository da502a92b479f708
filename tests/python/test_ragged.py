"""Ragged: made from everything, checked, sliced, and back."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import weft
from hypothesis import given
from hypothesis import strategies as st
from weft import Ragged

ROWS = [[1, 2], [], [3]]
NESTED = [[[b"a"], [b"b", b"c"]], [], [[]]]


def test_from_lists_guesses_as_tensorflow_does():
    assert Ragged.from_lists(ROWS).dtype == weft.int64
    assert Ragged.from_lists([[1.5], [2]]).dtype == weft.float32
    assert Ragged.from_lists([["a"], [b"b"]]).to_lists() == [[b"a"], [b"b"]]
    assert Ragged.from_lists([[True], []]).dtype == weft.bool
    assert Ragged.from_lists([[], []]).dtype == weft.float32


def test_from_lists_in_a_given_dtype():
    assert Ragged.from_lists(ROWS, dtype=np.float64).values.dtype == np.float64
    assert Ragged.from_lists([[], []], dtype=weft.string).dtype == weft.string
    assert Ragged.from_lists([[1], [2]], dtype="int8").values.dtype == np.int8
    with pytest.raises(ValueError, match="300, which does not fit into int8"):
        Ragged.from_lists([[300]], dtype="int8")
    with pytest.raises(TypeError, match="must be int64, got a list of float"):
        Ragged.from_lists([[1.5]], dtype="int64")
    with pytest.raises(TypeError, match="'dtype' must be a dtype"):
        Ragged.from_lists(ROWS, dtype="nothing")


def test_any_depth():
    ragged = Ragged.from_lists(NESTED)
    assert ragged.to_lists() == NESTED
    assert ragged.ragged_rank == 2
    assert ragged.shape == (3, None, None)
    assert [s.tolist() for s in ragged.nested_row_splits] == [[0, 2, 2, 3], [0, 1, 3, 3]]
    assert [s.tolist() for s in ragged.nested_row_lengths()] == [[2, 0, 1], [1, 2, 0]]
    assert ragged.values.to_lists() == [[b"a"], [b"b", b"c"], []]
    assert ragged.flat_values.tolist() == [b"a", b"b", b"c"]
    deep = [[[[[[[1]]]]]]]
    assert Ragged.from_lists(deep).to_lists() == deep


def test_rows_may_be_numpy_arrays():
    ragged = Ragged.from_lists(
        [np.array([1, 2], np.int32), np.array([], np.int32), np.array([3], np.int32)]
    )
    assert ragged.values.dtype == np.int32
    assert ragged.to_lists() == ROWS
    wide = Ragged.from_lists([np.ones((2, 3), np.float32), np.zeros((1, 3), np.float32)])
    assert wide.shape == (2, None, 3)
    assert wide.values.shape == (3, 3)
    with pytest.raises(TypeError, match="rows of different dtypes"):
        Ragged.from_lists([np.array([1, 2]), np.array([1.5])])


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([1, 2], ValueError, "a list of rows"),
        (3, ValueError, "a list of rows"),
        ([[1], 2], ValueError, r"'rows'\[1\] is not a list where"),
        ([1, [2]], ValueError, r"'rows'\[1\] is a list where"),
        ([[1], [[2]]], ValueError, r"'rows'\[1\]\[0\] is a list where"),
        ([[1, None]], TypeError, r"'rows'\[0\]\[1\] must be a number.*got None"),
        (
            [[1], ["a"]],
            TypeError,
            r"'rows'\[1\]\[0\] is str or bytes where values before it are int",
        ),
        ([[True, 1]], TypeError, r"'rows'\[0\]\[1\] is int where values before it are bool"),
        ([[2**63]], ValueError, r"'rows'\[0\]\[0\] does not fit into int64"),
        ([[{}]], TypeError, "got a value of type dict"),
        ([["\ud800"]], ValueError, "characters that UTF-8 has not"),
    ],
)
def test_wrong_lists_are_refused_with_their_place(rows, error, words):
    with pytest.raises(error, match=words):
        Ragged.from_lists(rows)


def test_a_list_that_holds_itself():
    rows = [[1]]
    rows.append(rows)
    with pytest.raises(ValueError, match="more than 32 levels|not a list|is a list"):
        Ragged.from_lists(rows)
    rows = []
    rows.append(rows)
    with pytest.raises(ValueError, match="more than 32 levels"):
        Ragged.from_lists(rows)


def test_no_rows():
    for rows in ([], ()):
        ragged = Ragged.from_lists(rows)
        assert len(ragged) == 0
        assert ragged.shape == (0, None)
        assert ragged.to_lists() == []
        assert ragged.row_splits.tolist() == [0]
        assert ragged.to_sparse().shape == (0, 0)


def test_from_row_splits_and_lengths():
    for splits in ([0, 2, 2, 3], np.array([0, 2, 2, 3]), np.array([0, 2, 2, 3], np.int32)):
        assert Ragged.from_row_splits([1, 2, 3], splits).to_lists() == ROWS
    assert Ragged.from_row_lengths([1, 2, 3], [2, 0, 1]).to_lists() == ROWS
    inner = Ragged.from_row_splits([1, 2, 3], [0, 2, 2, 3])
    assert Ragged.from_row_lengths(inner, [1, 2]).to_lists() == [[[1, 2]], [[], [3]]]
    assert Ragged.from_row_splits(inner, [0, 1, 3]) == Ragged.from_row_lengths(inner, [1, 2])
    two = Ragged.from_nested_row_splits([1, 2, 3], [[0, 1, 3], [0, 2, 2, 3]])
    assert two == Ragged.from_nested_row_lengths([1, 2, 3], [[1, 2], [2, 0, 1]])
    assert two.to_lists() == [[[1, 2]], [[], [3]]]


@pytest.mark.parametrize(
    ("splits", "error", "words"),
    [
        ([], ValueError, "at least one entry"),
        ([1, 3], ValueError, "start at 0, got 1"),
        ([0, 2, 1, 3], ValueError, "decrease from 2 to 1 at position 2"),
        ([0, 2], ValueError, "end at 2 but there are 3 elements"),
        ([0, 4], ValueError, "end at 4 but there are 3 elements"),
        ([0, 3, 2, 99], ValueError, "decrease from 3 to 2"),
        ([[0, 3]], ValueError, "1-D"),
        (np.array([0.0, 3.0]), TypeError, "int64 or int32, got float64"),
        (np.array([0, 3], np.uint64), TypeError, "int64 or int32, got uint64"),
        (["03"], TypeError, "int64 or int32, got string"),
        (None, TypeError, r"'row_splits' must be an array or nested lists, got None"),
    ],
)
def test_splits_are_checked(splits, error, words):
    with pytest.raises(error, match=words):
        Ragged.from_row_splits(np.arange(3), splits)


def test_lengths_are_checked():
    with pytest.raises(ValueError, match="negative row length -1 at position 1"):
        Ragged.from_row_lengths(np.arange(3), [4, -1])
    with pytest.raises(ValueError, match="more than 2\\^63"):
        Ragged.from_row_lengths(np.arange(3), [2**62, 2**62, 2**62])
    with pytest.raises(ValueError, match="end at 1 but"):
        Ragged.from_row_lengths(np.arange(3), [1])


def test_splits_are_copied_and_values_are_not():
    values, splits = np.array([1, 2, 3]), np.array([0, 2, 3])
    ragged = Ragged.from_row_splits(values, splits)
    splits[1] = 99
    values[0] = 7
    assert ragged.to_lists() == [[7, 2], [3]]
    with pytest.raises(ValueError, match="read-only"):
        ragged.row_splits[1] = 99


def test_from_tensor():
    padded = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    ragged = Ragged.from_tensor(padded, [1, 3])
    assert ragged.to_lists() == [[[0, 1]], [[6, 7], [8, 9], [10, 11]]]
    words = np.array([["a", "b"], ["c", ""]], dtype=object)
    assert Ragged.from_tensor(words, np.array([2, 1], np.int32)).to_lists() == [
        [b"a", b"b"],
        [b"c"],
    ]
    assert Ragged.from_tensor(np.zeros((0, 3)), []).to_lists() == []
    for lengths in ([1, 4], [-1, 1]):
        with pytest.raises(ValueError, match=r"outside \[0, 3\]"):
            Ragged.from_tensor(padded, lengths)
    with pytest.raises(ValueError, match="with lengths"):
        Ragged.from_tensor(padded, [1])
    with pytest.raises(TypeError):
        Ragged.from_tensor(padded, [0.5, 1.0])


def test_to_tensor():
    assert Ragged.from_lists(ROWS).to_tensor().tolist() == [[1, 2], [0, 0], [3, 0]]
    assert Ragged.from_lists(ROWS).to_tensor(-1).tolist() == [[1, 2], [-1, -1], [3, -1]]
    assert Ragged.from_lists([["a"], []]).to_tensor().tolist() == [[b"a"], [b""]]
    assert Ragged.from_lists([[[1], [2, 3]], []]).to_tensor().shape == (2, 2, 2)
    padded = np.arange(12).reshape(2, 3, 2)
    assert (Ragged.from_tensor(padded, [3, 3]).to_tensor() == padded).all()
    for rows in ([], [[], []]):
        assert Ragged.from_lists(rows).to_tensor().shape == (len(rows), 0)


def test_items():
    ragged = Ragged.from_lists([[1, 2], [], [3, 4, 5]])
    assert ragged[0].tolist() == [1, 2]
    assert ragged[-1].tolist() == [3, 4, 5]
    assert ragged[1:].to_lists() == [[], [3, 4, 5]]
    assert ragged[5:].to_lists() == []
    assert ragged[2:1].to_lists() == []
    assert [row.tolist() for row in ragged] == ragged.to_lists()
    assert len(ragged) == ragged.nrows() == 3
    nested = Ragged.from_lists(NESTED)
    assert nested[0].to_lists() == NESTED[0]
    assert nested[1].to_lists() == []
    assert nested[-1].to_lists() == [[]]
    assert nested[1:3].to_lists() == NESTED[1:3]
    assert nested[0][1].tolist() == [b"b", b"c"]
    for index in (3, -4):
        with pytest.raises(IndexError, match="of a Ragged with 3 rows"):
            ragged[index]
    with pytest.raises(TypeError, match="'index' must be an integer"):
        ragged["a"]
    with pytest.raises(ValueError, match="step 1"):
        ragged[::2]


def test_with_values():
    ragged = Ragged.from_lists(ROWS)
    assert ragged.with_values(["a", "b", "c"]).to_lists() == [[b"a", b"b"], [], [b"c"]]
    with pytest.raises(ValueError, match="hold 3 values, got 2"):
        ragged.with_values([1, 2])


def test_equality_and_copies():
    for rows in (ROWS, NESTED, [[1.5, 2.0]], [], [[True]]):
        ragged = Ragged.from_lists(rows)
        assert ragged == Ragged.from_lists(rows)
        assert pickle.loads(pickle.dumps(ragged)) == ragged
        assert copy.deepcopy(ragged) == ragged
        assert copy.copy(ragged) == ragged
    ragged = Ragged.from_lists(ROWS)
    assert ragged != Ragged.from_lists([[1, 2], [3], []])
    assert ragged != Ragged.from_lists([[1, 2], [], [4]])
    assert ragged != Ragged.from_lists(ROWS, dtype="int32")
    assert ragged != ROWS
    with pytest.raises(TypeError, match="unhashable"):
        hash(ragged)


def test_representation_is_short():
    assert (
        repr(Ragged.from_lists(ROWS))
        == "<weft.Ragged [[1, 2], [], [3]], shape=(3, None), dtype=int64>"
    )
    long = Ragged.from_lists([list(range(1000))] * 1000)
    assert len(repr(long)) < 600 and "..." in repr(long)
    page = Ragged.from_lists([["<b>"]])._repr_html_()
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert "1000 rows" in long._repr_html_()


lists = st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5), max_size=6)
words = st.lists(st.lists(st.lists(st.binary(max_size=4), max_size=3), max_size=3), max_size=4)


@given(lists)
def test_lists_come_back(rows):
    assert Ragged.from_lists(rows, dtype=weft.int64).to_lists() == rows


@given(words)
def test_nested_words_come_back(rows):
    ragged = Ragged.from_lists(rows, dtype=weft.string)
    assert ragged.to_lists() == rows
    assert pickle.loads(pickle.dumps(ragged)) == ragged
    parts = [ragged[i] for i in range(len(rows))]
    if ragged.ragged_rank == 2:
        assert [part.to_lists() for part in parts] == rows


def test_levels_are_bounded():
    splits = np.array([0, 1])
    deep = weft.Ragged.from_nested_row_splits(np.array([1]), [splits] * 32)
    assert deep.to_sparse().dense_shape.tolist() == [1] * 33
    with pytest.raises(ValueError, match="at most 32 levels, got 200000"):
        weft.Ragged.from_nested_row_splits(np.array([1]), [splits] * 200_000)


def test_arrow_strings_with_broken_offsets_are_refused():
    arrow = pytest.importorskip("pyarrow")
    for offsets in ([0, 6000, 3000], [0, 5, 2]):
        buffers = [
            None,
            arrow.py_buffer(np.array(offsets, np.int32)),
            arrow.py_buffer(b"x" * 9000),
        ]
        array = arrow.Array.from_buffers(arrow.string(), 2, buffers)
        with pytest.raises(ValueError, match="an Arrow string from byte .* row 1"):
            weft.io.encode_examples({"a": array})


@pytest.mark.parametrize(
    ("lists", "value"),
    [([[1]], "x"), ([[1]], 1.5), ([[1]], float("nan")), ([[1]], 2**70), ([["a"]], 1)],
)
def test_a_default_value_is_of_the_dtype(lists, value):
    ragged = Ragged.from_lists([*lists, []])
    for dense in (ragged.to_tensor, ragged.to_sparse().to_dense):
        with pytest.raises(weft.WrongTypeError, match="`default_value` must be (int64|string)"):
            dense(value)


def test_a_default_value_that_fits():
    assert Ragged.from_lists([["a"], []]).to_tensor("x").tolist() == [[b"a"], [b"x"]]
    assert Ragged.from_lists([[1], []]).to_tensor(2.0).tolist() == [[1], [2]]
    assert Ragged.from_lists([[0.5], []]).to_tensor(0.1)[1] == np.float32(0.1)
