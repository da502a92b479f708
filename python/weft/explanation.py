"""One record through the columns, value by value: what to look at when two sides disagree."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from weft import feature_column as fc
from weft.errors import WrongTypeError
from weft.feature_column.numeric import NumberColumn

__all__ = ["Explanation", "Line", "explain"]


class Line(NamedTuple):
    """What one value became."""

    column: str  # the column's name
    key: str  # the feature that was read
    step: int | None  # of a sequence; None where a row has no steps
    value: Any  # as the record has it; None if the feature is not there
    result: Any  # the id, or the number of a numeric column; None if there is none
    meaning: str  # "id", "out of vocabulary, bucket 2", "bucket [0.0, 1.5)", ...
    weight: float | None = None


class Explanation(tuple[Line, ...]):
    """Lines, printed as a table."""

    __slots__ = ()

    def _cells(self) -> list[list[str]]:
        shown = [
            field for field in Line._fields if any(getattr(x, field) is not None for x in self)
        ]
        rows = [[_text(getattr(line, field)) for field in shown] for line in self]
        return [shown, *rows]

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self._cells()

        def row(cells: list[str], tag: str) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)

        body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
        return f"<table><tr>{row(head, 'th')}</tr>{body}</table>"


def explain(
    record: bytes | Mapping[str, Any], columns: Iterable[fc.FeatureColumn] | fc.FeatureColumn
) -> Explanation:
    """What `columns` make of one record: key, raw values, ids, what the ids are, weights.

    Args:
        record: a serialized tf.Example or SequenceExample, or a mapping from names to the values of
            one row: a list, or a list of lists where a step holds several.
        columns: of any kind, categorical ones included.

    Each value is looked up by itself with the column that a layer would use, so the ids are a
    layer's. A value that would be an error in a layer is a line that says so. Print the result, or
    go through its lines.
    """
    if isinstance(record, bytes):
        record = _decoded(record)
    if not isinstance(record, Mapping):
        raise WrongTypeError(f"a record is bytes or a mapping, not {type(record).__name__}")
    row = {key: _as_list(values) for key, values in record.items()}
    given = [columns] if isinstance(columns, fc.FeatureColumn) else columns
    return Explanation(line for column in given for line in _lines(column, row, column.name))


Row = Mapping[str, list[Any]]


def _decoded(record: bytes) -> dict[str, Any]:
    from weft.io.sequence_example import decode_either

    features, lists = decode_either(record)
    return {**features, **{key: rows.to_lists() for key, rows in lists.items()}}


@singledispatch
def _lines(column: Any, row: Row, name: str) -> Iterator[Line]:
    """The lines of one kind of column; `name` is that of the column that the user gave."""
    raise WrongTypeError(f"a feature column is expected, not {column!r}")


@_lines.register(fc.EmbeddingColumn)
@_lines.register(fc.IndicatorColumn)
@_lines.register(fc.SequenceCategoricalColumn)
def _(column: Any, row: Row, name: str) -> Iterator[Line]:
    if isinstance(column.categorical_column, fc.CrossedColumn):
        ids = column if isinstance(column, fc.CategoricalColumn) else column.categorical_column
        yield from _crosses(ids, column.categorical_column, row, name)
        return
    for line in _lines(column.categorical_column, row, name):
        sequence = column._core.is_sequence and line.value is not None
        yield line if sequence else line._replace(step=None)


@_lines.register
def _(column: fc.WeightedCategoricalColumn, row: Row, name: str) -> Iterator[Line]:
    weights = iter(_flat(row.get(column.weight_feature_key, [])))
    for line in _lines(column.categorical_column, row, name):
        yield line._replace(weight=next(weights, None))


@_lines.register
def _(column: fc.IdentityCategoricalColumn, row: Row, name: str) -> Iterator[Line]:
    outside = f"outside [0, {column.num_buckets}), "
    for step, value in _values(row, column.key):
        found = _id(column, column.key, value)
        meaning = "id" if found == value else outside + "default_value"
        yield _line(name, column.key, step, value, found, meaning, outside + "an error")


@_lines.register
def _(column: fc.HashedCategoricalColumn, row: Row, name: str) -> Iterator[Line]:
    for step, value in _values(row, column.key):
        found = _id(column, column.key, value)
        meaning = f"hash modulo {column.hash_bucket_size}"
        yield _line(name, column.key, step, value, found, meaning, "another type: an error")


@_lines.register(fc.VocabularyListCategoricalColumn)
@_lines.register(fc.VocabularyFileCategoricalColumn)
def _(column: Any, row: Row, name: str) -> Iterator[Line]:
    size = column.num_buckets - column.num_oov_buckets
    fields = {field: getattr(column, field) for field in column._fields()}
    entries_only = type(column)(**{**fields, "default_value": -1, "num_oov_buckets": 0})
    for step, value in _values(row, column.key):
        found = _id(column, column.key, value)
        meaning = "entry"
        if found is not None and _id(entries_only, column.key, value) == -1:
            bucket = f"bucket {found - size}" if found >= size else "default_value"
            meaning = f"out of vocabulary, {'no id' if found == -1 else bucket}"
        yield _line(name, column.key, step, value, found, meaning, "another type: an error")


@_lines.register
def _(column: fc.BucketizedColumn, row: Row, name: str) -> Iterator[Line]:
    edges = ["-inf", *map(str, column.boundaries), "inf"]
    for line in _lines(column.source_column, row, name):
        if line.result is None:
            yield line
            continue
        bounds = np.array(column.boundaries, np.float32)
        bucket = int(np.searchsorted(bounds, np.float32(line.result), side="right"))
        opening = "(" if bucket == 0 else "["
        meaning = f"bucket {opening}{edges[bucket]}, {edges[bucket + 1]})"
        yield line._replace(result=bucket, meaning=meaning)


@_lines.register
def _(column: fc.CrossedColumn, row: Row, name: str) -> Iterator[Line]:
    yield from _crosses(column, column, row, name)


def _crosses(
    column: fc.CategoricalColumn, cross: fc.CrossedColumn, row: Row, name: str
) -> Iterator[Line]:
    """The combinations of a row; of each step if `column`, which makes the ids, is a sequence."""
    leaves = [_leaf(key, row) for key in _leaves(cross)]
    sequence = column._core.is_sequence
    features = {key: [row[key]] for key in column.parse_example_spec if key in row}
    try:
        (ids,) = column.ids(features).to_lists()
    except (ValueError, TypeError) as error:
        yield Line(name, column.name, None, None, None, f"an error: {error}")
        return
    if not sequence:
        ids, leaves = [ids], [[list(_flat(values))] for values in leaves]
    for step, found in enumerate(ids):
        combinations = itertools.product(*(_as_list(values[step]) for values in leaves))
        for combination, one in zip(combinations, _as_list(found), strict=False):
            meaning = f"cross modulo {cross.hash_bucket_size}"
            yield Line(name, cross.name, step if sequence else None, combination, one, meaning)


@_lines.register
def _(column: NumberColumn, row: Row, name: str) -> Iterator[Line]:
    from weft.layers import DenseFeatures, SequenceFeatures

    sequence = column._core.is_sequence
    features = {key: [row[key]] for key in column.parse_example_spec if key in row}
    meaning = "number" if column.normalizer_fn is None else "normalized"
    try:
        if sequence:
            numbers = SequenceFeatures([column])(features).data[0].ravel().tolist()
        else:
            numbers = DenseFeatures([column])(features)[0].tolist()
    except (ValueError, TypeError) as error:
        yield Line(name, column.key, None, row.get(column.key), None, f"an error: {error}")
        return
    for (step, value), number in zip(_values(row, column.key), numbers, strict=False):
        yield Line(name, column.key, step if sequence else None, value, number, meaning)


def _line(
    name: str, key: str, step: int | None, value: Any, found: int | None, good: str, bad: str
) -> Line:
    if value is None:
        return Line(name, key, None, None, None, "not in the record")
    return Line(name, key, step, value, found, bad if found is None else good)


def _id(column: fc.CategoricalColumn, key: str, value: Any) -> int | None:
    """The id of one value by itself; None where a layer would raise."""
    try:
        ((found,),) = column.ids({key: [[value]]}).to_lists()
    except (ValueError, TypeError):
        return None
    return found


def _values(row: Row, key: str) -> Iterator[tuple[int, Any]]:
    """(step, value) of a feature; (0, None) if it is not there."""
    if key not in row:
        yield 0, None
    for step, value in enumerate(row.get(key, [])):
        for one in value if isinstance(value, list) else [value]:
            yield step, one


def _leaves(column: fc.CrossedColumn) -> Iterator[Any]:
    for key in column.keys:
        if isinstance(key, fc.CrossedColumn):
            yield from _leaves(key)
        else:
            yield key


def _leaf(key: Any, row: Row) -> list[Any]:
    """The raw values that one key of a cross reads."""
    if isinstance(key, fc.FeatureColumn):
        key = next(iter(key.parse_example_spec))
    return row.get(key, [])


def _as_list(values: Any) -> list[Any]:
    values = values.tolist() if hasattr(values, "tolist") else values
    return list(values) if isinstance(values, list | tuple) else [values]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else [value]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        return " x ".join(map(_text, cell))
    if isinstance(cell, bytes):
        return repr(cell.decode("utf-8", "backslashreplace"))
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
