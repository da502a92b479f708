"""Parsing and writing `tf.Example`s: the functions and classes of `tf.io`.

The bytes mean what protobuf says that they mean. What the results are:

=========================  ====================================  ===================================
feature                    `parse_example` of B records          `parse_single_example`
=========================  ====================================  ===================================
`FixedLenFeature`          array [B, *shape]                     array [*shape]
`FixedLenSequenceFeature`  array [B, longest, *shape], padded    array [N, *shape]
`VarLenFeature`            `SparseTensor` [B, longest]           `SparseTensor` [N]
`RaggedFeature`            `Ragged`, the records outermost       array [N]; `Ragged` if partitioned
`SparseFeature`            `SparseTensor` [B, *size]             `SparseTensor` [*size]
=========================  ====================================  ===================================

dtypes are int64, float32 and string (bytes).
"""

import collections
from collections.abc import Mapping, Sequence, Sized
from typing import Any

import numpy as np

from weft import _core
from weft.config import Limits
from weft.dtypes import as_dtype
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.compiled import parser_of

__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "RaggedFeature",
    "SparseFeature",
    "VarLenFeature",
    "decode_example",
    "encode_example",
    "encode_examples",
    "parse_example",
    "parse_single_example",
]


def _dtype(dtype: Any) -> Any:
    """The weft dtype; None is refused when the feature is used, where its name is known."""
    return None if dtype is None else as_dtype(dtype)


def _plain(value: Any) -> Any:
    """What numpy holds as Python has it: numbers become the feature's dtype if they fit it."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


class VarLenFeature(collections.namedtuple("VarLenFeature", ["dtype"])):
    """Any number of values of `dtype` in a record; parses to a SparseTensor."""

    __slots__ = ()

    def __new__(cls, dtype: Any) -> "VarLenFeature":
        """Takes the dtype under any of its names."""
        return super().__new__(cls, _dtype(dtype))


class FixedLenFeature(
    collections.namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])
):
    """As many values as `shape` has elements; parses to an array.

    A record without the feature takes `default_value`, which has that many elements, or, when it is
    None, is an error.
    """

    __slots__ = ()

    def __new__(cls, shape: Any, dtype: Any, default_value: Any = None) -> "FixedLenFeature":
        """Takes the dtype under any of its names."""
        return super().__new__(cls, _plain(shape), _dtype(dtype), _plain(default_value))


class FixedLenSequenceFeature(
    collections.namedtuple(
        "FixedLenSequenceFeature", ["shape", "dtype", "allow_missing", "default_value"]
    )
):
    """Any number of steps of `shape`; parses to an array, padded to the longest record.

    `default_value`, one element, is what pads: 0 or b"" when it is None. In Examples
    `allow_missing` must be True: a record without the feature has no steps.
    """

    __slots__ = ()

    def __new__(
        cls, shape: Any, dtype: Any, allow_missing: bool = False, default_value: Any = None
    ) -> "FixedLenSequenceFeature":
        """Takes the dtype under any of its names."""
        shape, default_value = _plain(shape), _plain(default_value)
        return super().__new__(cls, shape, _dtype(dtype), allow_missing, default_value)


class SparseFeature(
    collections.namedtuple(
        "SparseFeature", ["index_key", "value_key", "dtype", "size", "already_sorted"]
    )
):
    """Values of `value_key` at the places that the int64 features `index_key` give.

    `index_key` is a name and `size` an int, or both are lists of the same length. Parses to a
    SparseTensor in the order of the indices, or in the record's when `already_sorted`.
    """

    __slots__ = ()

    def __new__(
        cls, index_key: Any, value_key: str, dtype: Any, size: Any, already_sorted: bool = False
    ) -> "SparseFeature":
        """Takes the dtype under any of its names."""
        index_key, size = _plain(index_key), _plain(size)
        return super().__new__(cls, index_key, value_key, _dtype(dtype), size, already_sorted)


class RaggedFeature(
    collections.namedtuple(
        "RaggedFeature", ["dtype", "value_key", "partitions", "row_splits_dtype", "validate"]
    )
):
    """Values of `value_key` (None: of the feature's own name), cut into rows by `partitions`.

    `partitions`, outermost first, are `RowSplits(key)`, `RowLengths(key)`, `RowStarts(key)`,
    `RowLimits(key)` and `ValueRowIds(key)`, which name int64 features, and
    `UniformRowLength(length)`. `row_splits_dtype` and `validate` are taken for TensorFlow's sake:
    row splits are int64 and always checked.
    """

    __slots__ = ()

    RowSplits = collections.namedtuple("RowSplits", ["key"])
    RowLengths = collections.namedtuple("RowLengths", ["key"])
    RowStarts = collections.namedtuple("RowStarts", ["key"])
    RowLimits = collections.namedtuple("RowLimits", ["key"])
    ValueRowIds = collections.namedtuple("ValueRowIds", ["key"])
    UniformRowLength = collections.namedtuple("UniformRowLength", ["length"])

    def __new__(
        cls,
        dtype: Any,
        value_key: str | None = None,
        partitions: Sequence[Any] = (),
        row_splits_dtype: Any = np.int32,
        validate: bool = False,
    ) -> "RaggedFeature":
        """Takes the dtype under any of its names."""
        if value_key is not None and not isinstance(value_key, str):
            raise InvalidArgumentError(f"`value_key` must be a string; got {value_key!r}")
        if value_key == "":
            raise InvalidArgumentError("`value_key` must not be empty")
        dtype, splits = as_dtype(dtype), as_dtype(row_splits_dtype)
        if dtype.name not in ("int64", "float32", "string"):
            raise InvalidArgumentError(f"`dtype` must be int64, float32, or bytes; got {dtype!r}")
        if splits.name not in ("int32", "int64"):
            raise InvalidArgumentError(f"`row_splits_dtype` must be int32 or int64; got {splits!r}")
        if not isinstance(partitions, (list, tuple)):
            raise WrongTypeError(f"`partitions` must be a list or tuple; got {partitions!r}")
        for partition in partitions:
            if not isinstance(partition, _PARTITIONS):
                raise WrongTypeError(
                    f"`partitions` must be partition objects, RaggedFeature.RowSplits(key) and the "
                    f"like; got {partition!r}"
                )
        if not isinstance(validate, bool):
            raise WrongTypeError(f"`validate` must be a bool; got {validate!r}")
        return super().__new__(cls, dtype, value_key, partitions, splits, validate)


_PARTITIONS = (
    RaggedFeature.RowSplits,
    RaggedFeature.RowLengths,
    RaggedFeature.RowStarts,
    RaggedFeature.RowLimits,
    RaggedFeature.ValueRowIds,
    RaggedFeature.UniformRowLength,
)
for _partition in _PARTITIONS:
    _partition.__qualname__ = f"RaggedFeature.{_partition.__name__}"  # where pickle finds it


def _parser(
    features: Mapping[str, Any], strict: bool, limits: Limits | None
) -> _core.ExampleParser:
    if features is not None and not isinstance(features, Mapping):
        raise WrongTypeError(f"`features` must be a dict, got {type(features).__name__}")
    if not features:
        raise InvalidArgumentError("Argument `features` cannot be None or empty.")
    return parser_of(_core.ExampleParser, features, strict=bool(strict), limits=limits)


def parse_example(
    serialized: Any,
    features: Mapping[str, Any],
    example_names: Sequence[Any] | None = None,
    name: str | None = None,
    *,
    strict: bool = True,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Parses a batch of serialized Examples, as tf.io.parse_example.

    `serialized` is a list or object array of bytes [B]; one bytes alone is parsed as by
    `parse_single_example`. `features` maps names to the features of this module. `example_names`,
    if given, has B entries and no effect; `name` has none either. With `strict`, a SequenceExample
    is an error; otherwise it is parsed as its context, with a warning. `limits`: what a record may
    ask for.

    Returns a dict from name to array, SparseTensor or Ragged; strings are arrays of bytes.

    Raises `weft.CorruptDataError` for bytes that are no Example, ValueError or TypeError for a spec
    that cannot work, and ValueError for a record that does not fit the spec. Errors have `.key`,
    `.row` and `.offset`.
    """
    del name
    parser = _parser(features, strict, limits)
    if is_one_record(serialized):
        return parser.parse_single(one_record(serialized))
    check_names(example_names, serialized)
    return parser.parse(serialized)


def check_names(example_names: Any, serialized: Any) -> None:
    """One name for each record, or None."""
    if example_names is None:
        return
    if not isinstance(example_names, Sized):
        raise WrongTypeError(f"`example_names` must be a list, got {example_names!r}")
    if len(example_names) != len(serialized):
        raise InvalidArgumentError(
            f"{len(example_names)} example_names for {len(serialized)} records"
        )


def parse_single_example(
    serialized: Any,
    features: Mapping[str, Any],
    example_names: Any = None,
    name: str | None = None,
    *,
    strict: bool = True,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Parses one serialized Example, as tf.io.parse_single_example: without a batch dimension.

    `serialized` is bytes, or an array of rank 0 that holds them. See `parse_example`.
    """
    del example_names, name
    return _parser(features, strict, limits).parse_single(one_record(serialized))


def decode_example(
    serialized: Any, *, strict: bool = True, limits: Limits | None = None
) -> dict[str, np.ndarray]:
    """The features of one serialized Example, whatever they are: `encode_example` the other way.

    Gives a dict from feature name to array [N]: int64, float32, or object of bytes. A feature
    without a kind is left out. To look at a record or a few; `parse_example` reads many.

    `strict`, `limits`: see `parse_example`. Raises `weft.CorruptDataError` for bytes that are no
    Example.
    """
    return _core.decode_example(one_record(serialized), strict, limits)


def is_one_record(serialized: Any) -> bool:
    """Whether it is bytes, or an array of rank 0."""
    return isinstance(serialized, bytes) or getattr(serialized, "ndim", 1) == 0


def one_record(serialized: Any) -> bytes:
    """The bytes of a record that may be an array of rank 0."""
    if getattr(serialized, "ndim", None) == 0:
        serialized = serialized.item()
    if not isinstance(serialized, bytes):
        raise WrongTypeError(f"'serialized' must be bytes, got {type(serialized).__name__}")
    return serialized


def encode_example(features: Mapping[str, Any]) -> bytes:
    """The serialized Example of these features, as protobuf writes it deterministically.

    Values are arrays of any shape (written flat), lists, or single values: integers and bools
    become an int64 list, floats a float list, bytes and str (as UTF-8) a bytes list. A list without
    values does not say which: give an array with a dtype, `numpy.array([], numpy.int64)`.

    Raises ValueError for a key that is not UTF-8, an empty list or an integer out of int64's range,
    TypeError for values of another kind.
    """
    refuse_no_dtype(features, "features")
    return _core.encode_example(dict(features))


def encode_examples(columns: Any) -> list[bytes]:
    """One serialized Example for each row of `columns`: a dict, a DataFrame or an Arrow table.

    Columns are what a parsed batch holds, or what becomes that: arrays [B, ...] (a row is written
    flat), `Ragged`s of one level and nested lists, SparseTensors of rank 2 without holes. All have
    the same number of rows.

    Raises as `encode_example`.
    """
    if isinstance(columns, Mapping):
        refuse_no_dtype(columns, "columns")
    return _core.encode_examples(columns)


def refuse_no_dtype(features: Mapping[str, Any], argument: str) -> None:
    """Lists without values would be written as a list of some kind that nobody chose."""
    if not isinstance(features, Mapping):
        raise WrongTypeError(f"`{argument}` must be a dict, got {type(features).__name__}")
    for key, value in features.items():
        if value is None:
            raise WrongTypeError(f"feature {key!r} is None: leave it out")
        if _has_no_values(value):
            raise InvalidArgumentError(
                f"feature {key!r} has no values, and so no dtype: give an array or a Ragged that"
                " has one, as `weft.Ragged.from_lists(rows, weft.float32)`"
            )


def _has_no_values(value: Any, depth: int = 0) -> bool:
    return (
        isinstance(value, (list, tuple))
        and depth < 64
        and all(_has_no_values(item, depth + 1) for item in value)
    )
