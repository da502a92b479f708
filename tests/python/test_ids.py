"""column.ids: features -> ids, from every kind of input."""

from __future__ import annotations

import numpy as np
import pytest
import weft
from weft import feature_column as fc

BAG = fc.categorical_column_with_identity("a", 10)
SEQUENCE = fc.sequence_categorical_column_with_identity("a", 10)


def ids(value, column=SEQUENCE, **options):
    return column.ids({"a": value}, **options).to_lists()


def test_inputs():
    rows = [[1, 2], [], [3]]
    ragged = weft.Ragged.from_lists(rows)
    sparse = weft.SparseTensor([[0, 0], [0, 1], [2, 0]], [1, 2, 3], [3, 5])
    padded = np.array([[1, 2], [0, 0], [3, 0]])
    for value in (rows, ragged, sparse, (padded, np.array([2, 0, 1]))):
        assert ids(value) == rows
        assert ids(value, BAG) == rows
    assert ids(np.array([[1, 2], [-1, -1], [3, -1]])) == rows
    assert ids([1, 2]) == [[1], [2]]
    assert ids([[[1, 2], []], [[3]]]) == [[[1, 2], []], [[3]]]


def test_what_is_not_read_may_be_anything():
    assert SEQUENCE.ids({"a": [[1]], "b": None, 3: object()}).to_lists() == [[1]]


def test_ids_are_shared_when_they_can_be():
    ragged = weft.Ragged.from_lists([[1, 2], [3]])
    assert np.shares_memory(SEQUENCE.ids({"a": ragged}).values, ragged.values)
    assert BAG.ids({"a": ragged}).values.dtype == np.int64


def test_holes_are_steps_without_ids():
    assert ids(np.array([[1, -1, 2], [-1, -1, -1]])) == [[[1], [], [2]], []]
    assert ids(np.array([[1, -1, 2], [-1, -1, -1]]), BAG) == [[1, 2], []]


def test_missing():
    with pytest.raises(ValueError, match="missing=-1"):
        ids([[1, -1]])
    assert ids([[1, -1]], missing=-1) == [[1]]
    assert ids([[1, 0, 2]], missing=0) == [[[1], [], [2]]]
    with pytest.raises(ValueError, match="id -1"):
        ids(np.array([[1, -1]]), missing=None)
    with pytest.raises(ValueError, match="id -1"):
        ids(np.array([[1, -1]]), missing="")  # a string: no integer is absent
    with pytest.raises(TypeError, match="'missing' must be an integer"):
        ids([[1]], missing=1.5)


def test_strict():
    with pytest.raises(ValueError, match="strict: a value of column 'a' counts") as caught:
        ids(np.array([[1, 2], [3, -1]]), strict=True)
    assert (caught.value.key, caught.value.row, caught.value.step) == ("a", 1, 1)
    assert "missing=-1" in str(caught.value)
    assert ids(np.array([[1, 2], [3, -1]]), strict=True, missing=-1) == [[1, 2], [3]]


def test_errors_say_where():
    with pytest.raises(weft.errors.OutOfRangeError, match=r"id 10 of column 'a'") as caught:
        ids([[1], [2, 10]])
    assert (caught.value.key, caught.value.row, caught.value.step) == ("a", 1, 1)
    for wrong in ([[1.0]], [["1"]], np.array([[True]]), np.ones((1, 1), np.float32)):
        with pytest.raises(TypeError, match="not integer"):
            ids(wrong)
    with pytest.raises(ValueError, match="Feature a is not in features"):
        SEQUENCE.ids({"b": [[1]]})
    with pytest.raises(ValueError, match="expected a dictionary"):
        SEQUENCE.ids([1])
    with pytest.raises(ValueError, match="18446744073709551614"):
        ids(np.array([[2**64 - 2]], np.uint64))


def test_fingerprint64_takes_bytes():
    assert weft.fingerprint64(b"") == 0x9AE16A3B2F90404F
    with pytest.raises(TypeError, match="takes bytes"):
        weft.fingerprint64("text")


def test_nested_lists_without_a_value_suit_columns_of_strings():
    column = fc.categorical_column_with_hash_bucket("h", 10)
    assert column.ids({"h": [[], []]}).to_lists() == [[], []]


def test_masked_arrays_are_refused():
    masked = np.ma.array([[1, 2]], mask=[[False, True]])
    with pytest.raises(TypeError, match="'h' is a masked array"):
        fc.categorical_column_with_identity("h", 10).ids({"h": masked})
