"""Arrays cross without a copy, keep what they point into alive, and are refused in weft's words."""

from __future__ import annotations

import array
import gc
import pickle
import weakref

import numpy as np
import pytest
import weft
from weft.config import config

NUMERIC = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split()


def round_trip(value):
    """An array into weft and out again: what flat_values gives of a Ragged over it."""
    return weft.Ragged.from_row_splits(value, [0, len(value)]).flat_values


def address(value: np.ndarray) -> int:
    return value.__array_interface__["data"][0]


@pytest.mark.parametrize("name", NUMERIC)
def test_numeric_arrays_are_borrowed(name):
    source = np.arange(12).astype(name)
    back = round_trip(source)
    assert type(back) is np.ndarray
    assert address(back) == address(source)
    assert back.dtype == source.dtype
    assert back.dtype.char == source.dtype.char  # int64, not numpy's longlong
    np.testing.assert_array_equal(back, source)


def test_inner_dimensions_are_kept():
    source = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    assert round_trip(source).shape == (4, 3, 2)


def test_borrowed_memory_outlives_its_array():
    source = np.arange(1000, dtype=np.int64)
    gone = weakref.ref(source)
    back = round_trip(source)
    del source
    gc.collect()
    assert gone() is not None
    np.testing.assert_array_equal(back, np.arange(1000))
    del back
    gc.collect()
    assert gone() is None


def test_outputs_outlive_what_made_them():
    ragged = weft.Ragged.from_lists([[1, 2], [3]])
    values, splits = ragged.values, ragged.row_splits
    del ragged
    gc.collect()
    weft.Ragged.from_lists([[7, 7], [7]])
    assert values.tolist() == [1, 2, 3]
    assert splits.tolist() == [0, 2, 3]


def test_blocks_return_to_the_pool():
    weft.trim()
    before = config()
    values = weft.Ragged.from_lists([[0] * 100_000]).values
    held = config()
    assert held["used_bytes"] >= before["used_bytes"] + 800_000
    del values
    gc.collect()
    after = config()
    assert after["used_bytes"] == before["used_bytes"]
    assert after["pooled_bytes"] >= 800_000
    assert weft.trim() >= 800_000


@pytest.mark.parametrize("size", [0, 1, 3, 1000])
def test_outputs_are_aligned(size):
    ragged = weft.Ragged.from_lists([[1.0] * size])
    for out in (ragged.values, ragged.row_splits, ragged.row_lengths()):
        assert address(out) % 64 == 0
        assert out.flags.c_contiguous


def test_outputs_are_writable_unless_that_would_break_something():
    ragged = weft.Ragged.from_lists([[1, 2], [3]])
    assert ragged.values.flags.writeable
    assert ragged.row_lengths().flags.writeable
    assert not ragged.row_splits.flags.writeable
    frozen = np.arange(3)
    frozen.flags.writeable = False
    assert not round_trip(frozen).flags.writeable
    assert round_trip(np.arange(3)).flags.writeable


def test_everything_with_a_buffer_is_taken():
    source = array.array("d", [1.0, 2.5])
    assert round_trip(source).tolist() == [1.0, 2.5]
    view = memoryview(bytearray(b"\x01\x02"))
    assert round_trip(view).dtype == np.uint8


class OnlyDLPack:
    """What torch and JAX look like: no buffer protocol, but DLPack."""

    def __init__(self, held):
        self.held = held

    def __dlpack__(self, **kwargs):
        return self.held.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.held.__dlpack_device__()

    def __len__(self):
        return len(self.held)


def test_dlpack_is_borrowed():
    source = np.arange(6, dtype=np.float32).reshape(3, 2)
    back = round_trip(OnlyDLPack(source))
    assert address(back) == address(source)
    assert back.shape == (3, 2)
    with pytest.raises(ValueError, match="contiguous"):
        round_trip(OnlyDLPack(source.T))


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.arange(10)[::2], ValueError, "'values' must be C-contiguous"),
        (np.ones((3, 3))[:, :2], ValueError, "'values' must be C-contiguous"),
        (np.arange(3, dtype=">i8"), TypeError, "'values' must hold numbers.* >i8"),
        (np.zeros(3, dtype="M8[s]"), TypeError, "'values' must hold numbers.*datetime64"),
        (np.zeros(3, dtype=complex), TypeError, "'values' must hold numbers.*complex128"),
        (np.zeros(3, dtype=[("a", "i4")]), TypeError, "'values' must hold numbers"),
        (np.array([object()]), TypeError, r"'values'\[0\] must be a number, bool or string"),
    ],
)
def test_other_arrays_are_refused(value, error, words):
    with pytest.raises(error, match=words):
        round_trip(value)


def test_strings_are_object_arrays_of_bytes():
    strings = [b"a", b"", b"nul\x00", "\u00fc".encode(), b"\xff"]
    for source in (strings, np.array(strings, dtype=object)):
        back = round_trip(source)
        assert back.dtype == object
        assert back.tolist() == strings
    assert round_trip(np.array(["\u00fc", "b"])).tolist() == ["\u00fc".encode(), b"b"]
    assert round_trip(np.array([b"xy", b"z"])).tolist() == [b"xy", b"z"]
    assert round_trip(np.array([[b"a", b"b"]], dtype=object)).shape == (1, 2)


def test_lists_are_arrays():
    assert round_trip([1, 2]).dtype == np.int64
    assert round_trip([1.5, 2]).dtype == np.float32
    assert round_trip([True]).dtype == bool
    assert round_trip([[1, 2], [3, 4]]).shape == (2, 2)
    assert round_trip([np.int32(3), 4]).tolist() == [3, 4]
    with pytest.raises(ValueError, match="lengths 1 and 2"):
        round_trip([[1], [2, 3]])


def test_dtypes_are_named_as_in_tensorflow():
    for name in [*NUMERIC, "string"]:
        dtype = getattr(weft, name)
        assert dtype.name == name
        assert repr(dtype) == f"weft.{name}"
        assert weft.as_dtype(name) is dtype
        assert weft.as_dtype(dtype) is dtype
        assert pickle.loads(pickle.dumps(dtype)) is dtype
        assert hash(dtype) == hash(weft.as_dtype(name))
    assert weft.string.as_numpy_dtype is np.object_


def test_dtypes_equal_numpys():
    for name in NUMERIC:
        dtype = getattr(weft, name)
        assert dtype == np.dtype(name)
        assert dtype == name
        assert weft.as_dtype(np.dtype(name).type) is dtype
    for string in (str, bytes, np.dtype("S3"), np.dtype(object), np.str_, "string"):
        assert weft.string == string
    assert weft.int64 != np.int32 and weft.int64 != None and weft.int64 != "nothing"  # noqa: E711
    assert weft.as_dtype(int) is weft.int64 and weft.as_dtype(float) is weft.float32
    assert np.zeros(2, weft.float32.as_numpy_dtype).dtype == np.float32


@pytest.mark.parametrize("value", [None, "int65", 3, object(), "M8[s]"])
def test_what_is_no_dtype_is_refused(value):
    with pytest.raises(TypeError, match="'dtype' must be a dtype"):
        weft.as_dtype(value)
