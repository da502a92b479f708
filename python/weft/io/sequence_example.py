"""Parsing and writing `tf.SequenceExample`s: a context, and feature lists, which are steps.

What the results are (`T`: the steps of the longest record; `N`: the values of the longest step):

=========================  ====================================  ===================================
feature list               `parse_sequence_example` of B         `parse_single_sequence_example`
=========================  ====================================  ===================================
`FixedLenSequenceFeature`  array [B, T, *shape], padded          array [T, *shape]
`VarLenFeature`            `SparseTensor` [B, T, N]              `SparseTensor` [T, N]
`RaggedFeature`            `Ragged`: records, steps, values      `Ragged`: steps, values
=========================  ====================================  ===================================

The context is what `parse_example` makes of an Example of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from weft import _core
from weft.config import Limits
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.compiled import parser_of
from weft.io.parsing import (
    check_names,
    decode_example,
    is_one_record,
    one_record,
    refuse_no_dtype,
)
from weft.ragged import Ragged

__all__ = [
    "decode_sequence_example",
    "encode_sequence_example",
    "parse_sequence_example",
    "parse_single_sequence_example",
]

Batch = dict[str, Any]


def check_specs(context: Mapping[str, Any] | None, lists: Mapping[str, Any] | None) -> None:
    """Raises as `parse_sequence_example` for specs that are no dicts, or both empty."""
    for argument, spec in {"context_features": context, "sequence_features": lists}.items():
        if spec is not None and not isinstance(spec, Mapping):
            raise WrongTypeError(f"`{argument}` must be a dict, got {type(spec).__name__}")
    if not (context or lists):
        raise InvalidArgumentError(
            "Both `context_features` and `sequence_features` arguments are None or empty, but at"
            " least one should have values."
        )


def _parser(
    context: Mapping[str, Any] | None,
    lists: Mapping[str, Any] | None,
    strict: bool,
    limits: Limits | None,
) -> _core.SequenceExampleParser:
    check_specs(context, lists)
    specs = (context or {}, lists or {})
    return parser_of(_core.SequenceExampleParser, *specs, strict=bool(strict), limits=limits)


def parse_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_names: Sequence[Any] | None = None,
    name: str | None = None,
    *,
    strict: bool = True,
    limits: Limits | None = None,
) -> tuple[Batch, Batch, Batch]:
    """Parses a batch of serialized SequenceExamples, as tf.io.parse_sequence_example.

    `serialized` is a list or object array of bytes [B], or one bytes alone, whose results have no
    batch dimension. `context_features` maps names to the features that `parse_example` takes;
    `sequence_features` maps names to `FixedLenSequenceFeature` (without `default_value`; a record
    without the list is an error unless `allow_missing`), `VarLenFeature` and `RaggedFeature`.
    Either may be None. `example_names`, if given, has B entries and no effect; `name` has none
    either. With `strict`, an Example is an error; otherwise it is parsed as a context, with a
    warning. `limits`: what a record may ask for.

    Returns three dicts: the context, the feature lists, and the lengths, int64 [B], of those
    feature lists that are a `FixedLenSequenceFeature`.

    Raises `weft.CorruptDataError` for bytes that are no SequenceExample, ValueError or TypeError
    for specs that cannot work, and ValueError for a record that does not fit them. Errors have
    `.key`, `.row`, `.step` and `.offset`.
    """
    del name
    parser = _parser(context_features, sequence_features, strict, limits)
    if is_one_record(serialized):
        return parser.parse_single(one_record(serialized))
    check_names(example_names, serialized)
    return parser.parse(serialized)


def parse_single_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_name: Any = None,
    name: str | None = None,
    *,
    strict: bool = True,
    limits: Limits | None = None,
) -> tuple[Batch, Batch]:
    """Parses one SequenceExample, as tf.io.parse_single_sequence_example.

    `serialized` is bytes, or an array of rank 0 that holds them. Returns two dicts without a
    batch dimension, the context and the feature lists. See `parse_sequence_example`.
    """
    del example_name, name
    parser = _parser(context_features, sequence_features, strict, limits)
    return parser.parse_single(one_record(serialized))[:2]


def decode_either(record: Any) -> tuple[dict[str, np.ndarray], dict[str, Ragged]]:
    """Features and feature lists of an Example or a SequenceExample, whichever `record` is."""
    try:
        return decode_example(record), {}
    except ValueError:
        try:
            return decode_sequence_example(record)
        except ValueError:
            pass
        raise


def decode_sequence_example(
    serialized: Any, *, strict: bool = True, limits: Limits | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Ragged]]:
    """What one serialized SequenceExample holds: `encode_sequence_example` the other way.

    Gives two dicts: the context as `decode_example` gives features, and the feature lists, each a
    `Ragged` of steps. A step without a kind is empty; a list in which none has a kind is int64.

    `strict`, `limits`: see `parse_sequence_example`. Raises `weft.CorruptDataError` for bytes that
    are no SequenceExample, ValueError for steps of different kinds in one list.
    """
    return _core.decode_sequence_example(one_record(serialized), strict, limits)


def encode_sequence_example(
    context: Mapping[str, Any] | None = None, feature_lists: Mapping[str, Any] | None = None
) -> bytes:
    """The serialized SequenceExample of these, as protobuf writes it deterministically.

    `context` is what `encode_example` takes. `feature_lists` maps names to steps: an array
    [T, ...], a nested list or a `Ragged` of one level, each row of which is a step.

    Raises as `encode_example`.
    """
    context, feature_lists = context or {}, feature_lists or {}
    refuse_no_dtype(context, "context")
    refuse_no_dtype(feature_lists, "feature_lists")
    return _core.encode_sequence_example(dict(context), feature_lists)
