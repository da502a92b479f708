"""Arrow in and out, without pyarrow.

Whatever follows Arrow's PyCapsule interface is taken: arrays, record batches, tables, chunked
arrays and readers of pyarrow, and what polars, duckdb and pandas have. What is given follows it
too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from weft import _core
from weft._core import ArrowBatch
from weft.errors import InvalidArgumentError, MissingKeyError, WrongTypeError

__all__ = ["ArrowBatch", "ArrowStream", "batches", "from_arrow", "to_arrow"]


def from_arrow(obj: Any, columns: Iterable[str] | None = None) -> Any:
    """The features of a record batch, a table or a whole stream, as a dict by column names.

    Of a single column (an array, a chunked array, a series): the one feature.

    A column of numbers, bools, strings or times is an array; of lists, at any depth, a `Ragged`; of
    fixed-size lists an array of another dimension, or a `Ragged` over such arrays. A null list is
    empty; a null value is absent, and a column that has one is a `SparseTensor`. Numbers without
    nulls in one chunk share their memory with `obj`.

    `columns` are those that are read; others may be of types that weft does not take; a single
    column has none, and they are a ValueError. Raises
    TypeError for such a type and for an `obj` that is no Arrow, ValueError for an array that
    contradicts itself, each naming column and row; `weft.errors.MissingKeyError`, a KeyError, for a
    column that `obj` does not have.
    """
    names = _names(columns)
    features = _core.from_arrow(obj, names)
    if isinstance(features, dict):
        _refuse_missing(names, features)
    elif names is not None:
        raise InvalidArgumentError("`columns` are those of a batch, but `obj` is a single column")
    return features


def batches(obj: Any, columns: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """The same batch by batch: a dict for each record batch of a table, a reader or a stream."""
    names = _names(columns)
    reader = _core.arrow_reader(obj, names)
    while (batch := reader.next()) is not None:
        _refuse_missing(names, batch)
        yield batch


def _names(columns: Iterable[str] | None) -> list[str] | None:
    if columns is None:
        return None
    if isinstance(columns, (str, bytes)) or not isinstance(columns, Iterable):
        raise WrongTypeError(f"'columns' must be a list of names, got {columns!r}")
    return [name.decode() if isinstance(name, bytes) else name for name in columns]


def _refuse_missing(names: list[str] | None, features: Mapping[str, Any]) -> None:
    for name in names or ():
        if name not in features:
            raise MissingKeyError(f"there is no column {name!r}", key=name)


def to_arrow(features: Any) -> ArrowBatch | ArrowStream:
    """A batch, or an iterable of batches such as a dataset, for whatever takes Arrow.

    `pyarrow.record_batch(...)`, `pyarrow.table(...)`, `pyarrow.RecordBatchReader.from_stream(...)`,
    `polars.DataFrame(...)`, duckdb and pandas take the result.

    A batch is a dict, each of its values anything that a feature may be. An array becomes a column
    of its dtype, strings binary; further dimensions fixed-size lists; a `Ragged` or a
    `SparseTensor` large lists, with nulls where a `SparseTensor` has holes. Memory is shared, not
    copied. A stream's batches must all be of the same types.

    Features of different numbers of rows raise ValueError when they are exported: when pyarrow, or
    whoever takes the result, asks for it.
    """
    if isinstance(
        features, (str, bytes, np.ndarray, _core.StringArray, _core.Ragged, _core.SparseTensor)
    ):
        raise WrongTypeError(
            "`features` must be a batch, which is a dict from names to features, or an iterable of "
            f"batches, got {type(features).__name__}; a Ragged or a SparseTensor needs no "
            "to_arrow: whatever takes Arrow takes it"
        )
    if isinstance(features, Mapping) or not isinstance(features, Iterable):
        return ArrowBatch(features)
    return ArrowStream(features)


class ArrowStream:
    """Batches as a stream of Arrow's PyCapsule interface: each reader iterates from the start."""

    def __init__(self, batches: Iterable[Mapping[str, Any]]):
        """Reads nothing yet."""
        self._batches = batches

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The stream; `requested_schema` has no effect."""
        return _core.arrow_stream(self._batches)
