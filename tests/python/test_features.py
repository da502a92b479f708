"""What a feature of a batch may be given as, and what it becomes."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import weft
from weft import Ragged, SparseTensor, _core


def feature(value):
    return _core._features({"f": value})["f"]


def test_names_are_kept():
    features = {"b": [1], "a": [2], "\u00fc": [3]}
    assert sorted(_core._features(features)) == ["a", "b", "\u00fc"]
    assert _core._features({b"a": [1]}).keys() == {"a"}
    with pytest.raises(TypeError, match="'feature name' must be str or bytes"):
        _core._features({1: [1]})
    with pytest.raises(TypeError, match="'features' must be a dict"):
        _core._features([1])


def test_ragged_and_sparse_pass_through():
    ragged = Ragged.from_lists([[1], []])
    assert feature(ragged) == ragged
    sparse = SparseTensor([[0, 1]], [1], [1, 2])
    assert feature(sparse) == sparse


def test_nested_lists_are_ragged():
    assert feature([[1, -1], []]) == Ragged.from_lists([[1, -1], []])
    assert feature([[[1], [2, 3]], []]).ragged_rank == 2
    assert feature(([1, 2], [3])).to_lists() == [[1, 2], [3]]
    assert feature([[], []]).dtype == weft.int64
    assert feature([np.array([1, 2]), np.array([3])]).to_lists() == [[1, 2], [3]]
    frame = np.empty(2, dtype=object)
    frame[:] = [[1, 2], [3]]
    assert feature(frame).to_lists() == [[1, 2], [3]]
    frame = np.array([None, [3], float("nan"), np.array([4, 5])], dtype=object)
    assert feature(frame[:3]).to_lists() == [[], [3], []]


def test_flat_lists_and_arrays_are_dense():
    assert feature([1, 2]).tolist() == [1, 2]
    assert feature(["a"]).tolist() == [b"a"]
    assert feature([]).shape == (0,)
    dense = np.array([[1, -1], [2, 3]])
    assert np.shares_memory(feature(dense), dense)
    assert feature(np.array([["a", ""]])).tolist() == [[b"a", b""]]


def test_padded_arrays_with_lengths():
    padded = np.array([[1, 2, 0], [3, 0, 0]])
    assert feature((padded, np.array([2, 1]))).to_lists() == [[1, 2], [3]]
    assert feature((padded, [2, 1])).to_lists() == [[1, 2], [3]]
    # Two rows, not an array with lengths.
    assert feature((padded, [])).shape == (2, None, 3)
    assert feature((np.array([1, 2]), np.array([3]))).to_lists() == [[1, 2], [3]]
    with pytest.raises(ValueError, match=r"'f': length 4 of row 0 is outside \[0, 3\]"):
        feature((padded, np.array([4, 1])))


@pytest.mark.parametrize("value", [None, 3, "text", {"a": 1}, object(), {1, 2}])
def test_anything_else_is_refused_by_name(value):
    with pytest.raises(TypeError, match="feature 'f' must be a weft.Ragged"):
        feature(value)


class Jagged:
    """What torch's jagged tensors look like to weft."""

    __module__ = "torch.nested"
    is_nested = True

    def __init__(self, values, offsets, lengths=None):
        self.parts = values, offsets, lengths

    def values(self):
        return self

    def detach(self):
        return self.parts[0]

    def offsets(self):
        return self.parts[1]

    def lengths(self):
        return self.parts[2]


def test_torch_jagged_tensors_are_checked_and_borrowed():
    values = np.arange(3)
    ragged = feature(Jagged(values, np.array([0, 2, 3])))
    assert ragged.to_lists() == [[0, 1], [2]]
    assert np.shares_memory(ragged.values, values)
    with pytest.raises(ValueError, match="decrease"):
        feature(Jagged(values, np.array([0, 3, 2, 99])))
    with pytest.raises(ValueError, match="gaps"):
        feature(Jagged(values, np.array([0, 2, 3]), np.array([1, 1])))


# --- Arrow's C Data Interface, without Arrow ---------------------------------------------------


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))
Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.POINTER(Schema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]
new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Arrow:
    """An Arrow array of one format over numpy buffers, exported by hand; counts its releases."""

    def __init__(self, format, length, buffers, child=None, offset=0, nulls=0):
        self.released = 0
        self.child = child
        self.buffers = buffers
        pointers = [None if b is None else b.ctypes.data for b in buffers]
        self.pointers = (ctypes.c_void_p * len(buffers))(*pointers)
        self.release_schema = RELEASE_SCHEMA(lambda _: None)
        self.release_array = RELEASE_ARRAY(self.release)
        count = int(child is not None)
        self.schemas = (ctypes.POINTER(Schema) * 1)()
        self.arrays = (ctypes.POINTER(Array) * 1)()
        if child is not None:
            self.schemas[0] = ctypes.pointer(child.schema)
            self.arrays[0] = ctypes.pointer(child.array)
        self.schema = Schema(
            format.encode(), b"", None, 2, count, self.schemas, None, self.release_schema, None
        )
        self.array = Array(
            length,
            nulls,
            offset,
            len(buffers),
            count,
            self.pointers,
            self.arrays,
            None,
            self.release_array,
            None,
        )

    def release(self, _):
        self.released += 1

    def __arrow_c_array__(self, requested_schema=None):
        return (
            new_capsule(ctypes.addressof(self.schema), b"arrow_schema", None),
            new_capsule(ctypes.addressof(self.array), b"arrow_array", None),
        )


def int64s(values, offset=0):
    return Arrow("l", len(values) - offset, [None, np.array(values, np.int64)], offset=offset)


def test_arrow_lists_are_borrowed_and_released():
    numbers = int64s([9, 1, 2, 3], offset=1)
    lists = Arrow("+l", 2, [None, np.array([0, 2, 3], np.int32)], numbers)
    ragged = feature(lists)
    assert ragged.to_lists() == [[1, 2], [3]]
    assert np.shares_memory(ragged.values, numbers.buffers[1])
    assert not ragged.values.flags.writeable
    values = ragged.values
    del ragged
    assert lists.released == 0
    del values
    assert lists.released == 1


def test_arrow_lists_of_lists():
    inner = Arrow("+L", 4, [None, np.array([0, 0, 1, 1, 3], np.int64)], int64s([4, 5, 6]))
    outer = Arrow("+l", 2, [None, np.array([0, 1, 3, 4], np.int32)], inner, offset=1)
    assert feature(outer).to_lists() == [[[4], []], [[5, 6]]]


def test_arrow_strings_and_bools():
    text = np.frombuffer(b"abbccc", np.uint8)
    strings = Arrow("u", 3, [None, np.array([0, 1, 3, 6], np.int32), text])
    lists = Arrow("+l", 2, [None, np.array([0, 2, 3], np.int32)], strings)
    assert feature(lists).to_lists() == [[b"a", b"bb"], [b"ccc"]]
    large = Arrow("Z", 1, [None, np.array([1, 3], np.int64), text])
    assert feature(large).tolist() == [b"bb"]
    bits = Arrow("b", 3, [None, np.array([0b0110], np.uint8)], offset=1)
    assert feature(bits).tolist() == [True, True, False]


def test_arrow_without_rows():
    assert feature(Arrow("+l", 0, [None, None], int64s([]))).to_lists() == []
    assert feature(Arrow("l", 0, [None, None])).tolist() == []


def test_arrow_nulls_are_absent():
    valid = np.array([0b101], np.uint8)
    lists = Arrow("+l", 3, [valid, np.array([0, 1, 2, 3], np.int32)], int64s([1, 2, 3]), nulls=1)
    assert feature(lists).to_lists() == [[1], [], [3]]
    unknown = Arrow("l", 3, [valid, np.arange(3)], nulls=-1)
    assert feature(unknown) == SparseTensor([[0], [2]], [0, 2], [3])
    assert (lists.released, unknown.released) == (1, 1)


def test_wrong_arrow_is_refused():
    with pytest.raises(ValueError, match=r"from 0 to 9 of 2 elements \(key 'f', row 0\)"):
        feature(Arrow("+l", 1, [None, np.array([0, 9], np.int32)], int64s([1, 2])))
    with pytest.raises(weft.CorruptDataError, match="from 2 to 1 of 2 elements") as caught:
        feature(Arrow("+l", 3, [None, np.array([0, 2, 1, 2], np.int32)], int64s([1, 2])))
    assert (caught.value.key, caught.value.row) == ("f", 1)
    with pytest.raises(TypeError, match="Arrow type map '\\+m' is not taken.*key 'f'"):
        feature(Arrow("+m", 1, [None], int64s([1])))


def test_capsules_are_taken_once():
    class Twice:
        """Hands out the same capsules each time."""

        def __init__(self, arrow):
            self.capsules = arrow.__arrow_c_array__()

        def __arrow_c_array__(self, requested_schema=None):
            return self.capsules

    numbers = int64s([1, 2])
    twice = Twice(numbers)
    assert feature(twice).tolist() == [1, 2]
    with pytest.raises(ValueError, match="released already"):
        feature(twice)
    assert numbers.released == 1


def test_torch():
    torch = pytest.importorskip("torch")
    jagged = torch.nested.nested_tensor(
        [torch.tensor([1, 2]), torch.tensor([3])], layout=torch.jagged
    )
    assert feature(jagged).to_lists() == [[1, 2], [3]]
    tensor = torch.arange(4)
    assert np.shares_memory(feature(tensor), tensor.numpy())
    trained = torch.ones(2, 2, requires_grad=True)
    assert np.shares_memory(feature(trained), trained.detach().numpy())
    vectors = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(1, 3)], layout=torch.jagged)
    assert feature(vectors).shape == (2, None, 3)
    with pytest.raises(ValueError, match="transposed"):
        feature(vectors.transpose(1, 2))
    broken = torch.nested.nested_tensor_from_jagged(torch.arange(7), torch.tensor([0, 3, 2, 99]))
    with pytest.raises(ValueError, match="decrease from 3 to 2"):
        feature(broken)
    rows = [torch.tensor([1, 2]), torch.tensor([], dtype=torch.int64)]
    assert feature(rows).to_lists() == [[1, 2], []]
    assert feature([[torch.tensor(1), 2], []]).to_lists() == [[1, 2], []]
    with pytest.raises(TypeError, match=r"'f'\[0\] must be a tensor that numpy can hold"):
        feature([torch.ones(2, dtype=torch.bfloat16)])
    with pytest.raises(TypeError, match="layout torch.jagged"):
        feature(torch.nested.nested_tensor([torch.ones(2), torch.ones(1)]))


def test_lengths_beyond_int64_are_not_negative():
    huge = np.array([2**63], np.uint64)
    with pytest.raises(ValueError, match="length 9223372036854775807 of row 0 is outside"):
        weft.io.encode_examples({"a": (np.ones((1, 2, 1)), huge)})
    with pytest.raises(TypeError, match="the lengths of 'a' must be integers, got float64"):
        weft.io.encode_examples({"a": (np.ones((1, 2, 1)), np.array([1.0]))})
    with pytest.raises(ValueError, match="length of 9223372036854775807"):
        weft.layers.GRU(2)(np.ones((1, 2, 1), np.float32), lengths=huge)


def test_rows_that_are_all_empty_have_no_dtype():
    fc = weft.feature_column
    words = fc.sequence_categorical_column_with_vocabulary_list("f", ["a"])
    layer = weft.layers.SequenceFeatures([fc.indicator_column(words)])
    assert layer({"f": [[], []]}).lengths.tolist() == [0, 0]
    assert layer({"f": [[[]], []]}).lengths.tolist() == [1, 0]
    assert words.ids({"f": [[], []]}).to_lists() == [[], []]
    row = fc.categorical_column_with_hash_bucket("f", 3)
    assert row.ids({"f": [[], []]}).to_lists() == [[], []]
    with pytest.raises(ValueError, match="column dtype: string, tensor dtype: int64"):
        words.ids({"f": [[], [1]]})


def test_a_masked_array_is_refused():
    with pytest.raises(TypeError, match=r"'f' is a masked array, whose mask would be lost"):
        feature(np.ma.array([[1, 2]], mask=[[False, True]]))


def test_a_memoryview_is_no_feature_of_rows():
    with pytest.raises(weft.Error, match="'f'"):
        weft.feature_column.categorical_column_with_vocabulary_list("f", ["a"]).ids(
            {"f": memoryview(b"ab")}
        )
