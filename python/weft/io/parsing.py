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
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from weft import _core
from weft.dtypes import as_dtype
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "RaggedFeature",
    "SparseFeature",
    "VarLenFeature",
    "encode_example",
    "encode_examples",
    "parse_example",
    "parse_single_example",
]


def _dtype(dtype: Any) -> Any:
    """The weft dtype; None is refused when the feature is used, where its name is known."""
    return None if dtype is None else as_dtype(dtype)


def _default(value: Any) -> Any:
    """Numbers of numpy as Python's, which become the feature's dtype if they fit it."""
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
        return super().__new__(cls, shape, _dtype(dtype), _default(default_value))


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
        return super().__new__(cls, shape, _dtype(dtype), allow_missing, _default(default_value))


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


def _same(now: Any, then: Any) -> bool:
    """Equal, and of the same types all through: RowSplits("k") == RowLengths("k"), and 1 == 1.0."""
    if now is then:
        return True
    if type(now) is not type(then):
        return False
    if isinstance(now, (list, tuple)):
        return len(now) == len(then) and all(map(_same, now, then))
    return now == then


class _Compiled:
    """A parser, and what its spec was when it was made."""

    def __init__(self, features: Mapping[str, Any], strict: bool) -> None:
        self.parser = _core.ExampleParser(features, strict)
        self.strict = strict
        self.features = dict(features)
        # What a caller could change inside a feature.
        self.lists = [
            (field, field.copy())
            for feature in self.features.values()
            for field in feature
            if isinstance(field, list)
        ]

    def fits(self, features: Mapping[str, Any], strict: bool) -> bool:
        return (
            self.strict is strict
            and self.features.keys() == features.keys()
            and all(_same(features[key], then) for key, then in self.features.items())
            and all(_same(now, then) for now, then in self.lists)
        )


_compiled: tuple[_Compiled, ...] = ()
_KEPT = 16


def _parser(features: Mapping[str, Any], strict: bool) -> _core.ExampleParser:
    """The parser of this spec: specs come again and again, and parsers learn the order of keys."""
    global _compiled
    if not features:
        raise InvalidArgumentError("Argument `features` cannot be None or empty.")
    if not isinstance(features, Mapping):
        raise WrongTypeError(f"`features` must be a dict, got {type(features).__name__}")
    kept = _compiled
    for compiled in kept:
        if compiled.fits(features, strict):
            return compiled.parser
    compiled = _Compiled(features, strict)
    _compiled = (compiled, *kept[: _KEPT - 1])
    return compiled.parser


def parse_example(
    serialized: Any,
    features: Mapping[str, Any],
    example_names: Sequence[Any] | None = None,
    name: str | None = None,
    *,
    strict: bool = True,
) -> dict[str, Any]:
    """Parses a batch of serialized Examples, as tf.io.parse_example.

    `serialized` is a list or object array of bytes [B]; one bytes alone is parsed as by
    `parse_single_example`. `features` maps names to the features of this module. `example_names`,
    if given, has B entries and no effect; `name` has none either. With `strict`, a SequenceExample
    is an error; otherwise it is parsed as its context, with a warning.

    Returns a dict from name to array, SparseTensor or Ragged; strings are arrays of bytes.

    Raises `weft.CorruptDataError` for bytes that are no Example, ValueError or TypeError for a spec
    that cannot work, and ValueError for a record that does not fit the spec. Errors have `.key`,
    `.row` and `.offset`.
    """
    del name
    parser = _parser(features, strict)
    if isinstance(serialized, bytes) or getattr(serialized, "ndim", 1) == 0:
        return parse_single_example(serialized, features, example_names, strict=strict)
    if example_names is not None and len(example_names) != len(serialized):
        raise InvalidArgumentError(
            f"{len(example_names)} example_names for {len(serialized)} records"
        )
    return parser.parse(serialized)


def parse_single_example(
    serialized: Any,
    features: Mapping[str, Any],
    example_names: Any = None,
    name: str | None = None,
    *,
    strict: bool = True,
) -> dict[str, Any]:
    """Parses one serialized Example, as tf.io.parse_single_example: without a batch dimension.

    `serialized` is bytes, or an array of rank 0 that holds them. See `parse_example`.
    """
    del example_names, name
    if getattr(serialized, "ndim", None) == 0:
        serialized = serialized.item()
    if not isinstance(serialized, bytes):
        raise WrongTypeError(f"'serialized' must be bytes, got {type(serialized).__name__}")
    return _parser(features, strict).parse_single(serialized)


def encode_example(features: Mapping[str, Any]) -> bytes:
    """The serialized Example of these features, as protobuf writes it deterministically.

    Values are arrays of any shape (written flat), lists, or single values: integers and bools
    become an int64 list, floats a float list, bytes and str (as UTF-8) a bytes list. A list without
    values does not say which: give an array with a dtype, `numpy.array([], numpy.int64)`.

    Raises ValueError for a key that is not UTF-8, an empty list or an integer out of int64's range,
    TypeError for values of another kind.
    """
    for key, value in features.items():
        if isinstance(value, (list, tuple)) and not value:
            raise InvalidArgumentError(
                f"feature {key!r} is an empty list, which has no dtype: give an array that has one"
            )
    return _core.encode_example(dict(features))


def encode_examples(columns: Mapping[str, Any]) -> list[bytes]:
    """One serialized Example for each row of `columns`.

    Columns are what a parsed batch holds, or what becomes that: arrays [B, ...] (a row is written
    flat), `Ragged`s of one level and nested lists, SparseTensors of rank 2 without holes. All have
    the same number of rows.
    """
    return _core.encode_examples(columns)
