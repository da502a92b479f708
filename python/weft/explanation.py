"""One record through the columns, value by value: what to look at when two sides disagree."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from weft import feature_column as fc
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.feature_column.numeric import NumberColumn
from weft.ragged import Ragged, SparseTensor

__all__ = ["Explanation", "Line", "explain"]


class Line(NamedTuple):
    """What one value became."""

    column: str  # the column's name
    key: str  # the feature that was read
    step: int | None  # of a sequence; None where a row has no steps
    value: Any  # as the record has it; None if the feature is not there
    result: Any  # the id, or the number of a numeric column; None if there is none
    meaning: str  # "id", "out of vocabulary, bucket 2", "bucket [0.0, 1.5)", "an error: ...", ...
    weight: float | None = None


class Explanation(tuple[Line, ...]):
    """Lines, printed as a table."""

    __slots__ = ()

    def _cells(self) -> list[list[str]]:
        shown = [
            field for field in Line._fields if any(getattr(x, field) is not None for x in self)
        ]
        return [shown, *([_text(getattr(line, field)) for field in shown] for line in self)]

    def __str__(self) -> str:
        if not self:
            return "no values"
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        if not self:
            return "<p>no values</p>"
        head, *rows = self._cells()

        def row(cells: list[str], tag: str) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)

        body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
        return f"<table><tr>{row(head, 'th')}</tr>{body}</table>"


class _Row(NamedTuple):
    """One record, as one column is given it."""

    raw: dict[str, list[Any]]  # the values as they are in the record
    features: dict[str, Any]  # what the column reads: a batch of one row


def explain(
    record: bytes | bytearray | memoryview | np.ndarray | Mapping[str, Any],
    columns: Iterable[fc.FeatureColumn] | fc.FeatureColumn,
) -> Explanation:
    """What `columns` make of one record: key, raw values, ids, what the ids are, weights.

    Args:
        record: a serialized tf.Example or SequenceExample, or a mapping from names to the values of
            one row: a list or an array; a list of lists, or a `Ragged`, where a step holds several;
            or a `SparseTensor` of rank 1.
        columns: of any kind, categorical ones included; one column, or some in a list.

    An Example is parsed with the spec of each column, and each value is looked up by itself with
    the column that a layer would use, so the ids are a layer's. What would be an error in parsing
    or in a layer is a line that says so. Print the result, or go through its lines.

    Raises TypeError for a record or columns of another type, ValueError for bytes that are no
    record and if there are no columns.
    """
    given = _given(columns)
    raw, example = _taken(record)
    return Explanation(line for column in given for line in _explained(column, raw, example))


def _given(columns: Any) -> list[fc.FeatureColumn]:
    given = [columns] if isinstance(columns, fc.FeatureColumn) else columns
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise WrongTypeError(f"`columns` must be a list of columns, got {type(columns).__name__}")
    given = list(given)
    if not given:
        raise InvalidArgumentError("`columns` must not be empty")
    for column in given:
        if not isinstance(column, fc.FeatureColumn):
            raise WrongTypeError(f"`columns` must be feature columns, got {column!r}")
    return given


def _taken(record: Any) -> tuple[dict[str, list[Any]], bytes | None]:
    """The values of a record; and its bytes, if it is an Example."""
    from weft.io.sequence_example import decode_either

    example = None
    if isinstance(record, bytearray | memoryview):
        record = bytes(record)
    elif getattr(record, "ndim", None) == 0:
        record = record.item()
    if isinstance(record, bytes):
        features, lists = decode_either(record)
        example = None if lists else record
        record = {**features, **lists}
    if not isinstance(record, Mapping):
        raise WrongTypeError(f"a record is bytes or a mapping, not {type(record).__name__}")
    return {key: _row_of(key, values) for key, values in record.items()}, example


def _row_of(key: str, values: Any) -> list[Any]:
    """The values of a feature as lists of what Python has."""
    if isinstance(values, Ragged) and values.ragged_rank == 1:
        return values.to_lists()
    if isinstance(values, SparseTensor) and len(values.shape) == 1:
        return values.values.tolist()
    if isinstance(values, list | tuple | str | bytes | int | float) or hasattr(values, "tolist"):
        found = _lists(values)
        return found if isinstance(found, list) else [found]
    raise WrongTypeError(
        f"feature {key!r} must be a list, an array, a Ragged of steps or a SparseTensor of rank 1, "
        f"got {values!r}"
    )


def _lists(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    return [_lists(one) for one in value] if isinstance(value, list | tuple) else value


def _explained(
    column: fc.FeatureColumn, raw: dict[str, list[Any]], example: bytes | None
) -> Iterator[Line]:
    """The lines of one of the user's columns; `example`: the record's bytes, if it is one."""
    from weft.io import parse_example

    lines: list[Line] = []
    try:
        if example is not None:
            features = parse_example([example], fc.make_parse_example_spec([column]))
        else:
            batches = (_batch(key, spec, raw) for key, spec in column.parse_example_spec.items())
            features = {key: batch for one in batches for key, batch in one.items()}
        lines = list(_lines(column, _Row(raw, features), column.name))
        is_ids = isinstance(column, fc.CategoricalColumn)
        ids = column if is_ids else getattr(column, "categorical_column", None)
        if ids is not None:
            ids.ids(features)  # for errors that are of no single value: weights, steps
    except (ValueError, TypeError) as error:
        if not any("an error" in line.meaning for line in lines):
            key = getattr(error, "key", None) or column.name
            lines = [Line(column.name, key, None, raw.get(key), None, f"an error: {error}")]
    yield from lines


def _batch(key: str, feature: Any, raw: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The feature as a batch of one row: what parsing would give a record that lacks it."""
    from weft.io import VarLenFeature

    if isinstance(feature, VarLenFeature):
        rows = [raw.get(key, [])]
        return {key: rows if list(_flat(rows)) else Ragged.from_lists(rows, feature.dtype)}
    if key in raw:
        return {key: [raw[key]]}
    if feature.default_value is None:
        return {}
    values = np.array(feature.default_value, feature.dtype.as_numpy_dtype)
    return {key: values.reshape(1, *feature.shape)}


@singledispatch
def _lines(column: Any, row: _Row, name: str) -> Iterator[Line]:
    """The lines of one kind of column; `name` is that of the column that the user gave."""
    raise WrongTypeError(f"a feature column is expected, not {column!r}")


@_lines.register(fc.EmbeddingColumn)
@_lines.register(fc.IndicatorColumn)
@_lines.register(fc.SequenceCategoricalColumn)
def _(column: Any, row: _Row, name: str) -> Iterator[Line]:
    inner, is_ids = column.categorical_column, isinstance(column, fc.CategoricalColumn)
    if isinstance(inner, fc.CrossedColumn):
        yield from _crosses(column if is_ids else inner, inner, row, name)
        return
    if is_ids and isinstance(inner, fc.WeightedCategoricalColumn) and not inner._core.is_sequence:
        steps = fc.SequenceCategoricalColumn(inner.categorical_column)  # the same, for its ids
        inner = fc.WeightedCategoricalColumn(steps, inner.weight_feature_key, inner.dtype)
    for line in _lines(inner, row, name):
        sequence = column._core.is_sequence and line.value is not None
        yield line if sequence else line._replace(step=None)


@_lines.register
def _(column: fc.WeightedCategoricalColumn, row: _Row, name: str) -> Iterator[Line]:
    weights = iter(_flat(row.raw.get(column.weight_feature_key, [])))
    for line in _lines(column.categorical_column, row, name):
        yield line._replace(weight=next(weights, None))


@_lines.register
def _(column: fc.IdentityCategoricalColumn, row: _Row, name: str) -> Iterator[Line]:
    size = column.num_buckets
    for step, value in _values(row, column.key):
        found, meaning = _id(column, step, value)
        if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value < size:
            end = "an error" if found is None else "default_value"
            meaning = f"outside [0, {size}), {end}"
        yield Line(name, column.key, step, value, found, meaning or "id")


@_lines.register
def _(column: fc.HashedCategoricalColumn, row: _Row, name: str) -> Iterator[Line]:
    for step, value in _values(row, column.key):
        found, error = _id(column, step, value)
        meaning = error or f"hash modulo {column.hash_bucket_size}"
        yield Line(name, column.key, step, value, found, meaning)


@_lines.register(fc.VocabularyListCategoricalColumn)
@_lines.register(fc.VocabularyFileCategoricalColumn)
def _(column: Any, row: _Row, name: str) -> Iterator[Line]:
    size = column.num_buckets - column.num_oov_buckets
    fields = {field: getattr(column, field) for field in column._fields()}
    entries_only = type(column)(**{**fields, "default_value": -1, "num_oov_buckets": 0})
    for step, value in _values(row, column.key):
        found, error = _id(column, step, value)
        meaning = error or "entry"
        if found is not None and _id(entries_only, step, value)[0] == -1:
            bucket = f"bucket {found - size}" if found >= size else "default_value"
            meaning = f"out of vocabulary, {'no id' if found == -1 else bucket}"
        yield Line(name, column.key, step, value, found, meaning)


@_lines.register
def _(column: fc.BucketizedColumn, row: _Row, name: str) -> Iterator[Line]:
    key = _key(column)
    edges = ["-inf", *map(str, column.boundaries), "inf"]
    try:
        (ids,) = column.ids(row.features).to_lists()
    except (ValueError, TypeError) as error:
        yield Line(name, key, None, row.raw.get(key), None, f"an error: {error}")
        return
    sequence = column._core.is_sequence
    steps = [(step, one) for step, found in enumerate(ids) for one in _flat([found])]
    if not steps:
        yield from _missing(name, key, row)
    values = itertools.chain(_flat(row.raw.get(key, [])), itertools.repeat(None))
    for (step, found), value in zip(steps, values, strict=False):
        bucket = found % (len(column.boundaries) + 1)
        opening = "(" if bucket == 0 else "["
        meaning = f"bucket {opening}{edges[bucket]}, {edges[bucket + 1]})"
        meaning = f"default_value, {meaning}" if value is None else meaning
        yield Line(name, key, step if sequence else None, value, found, meaning)


@_lines.register
def _(column: fc.CrossedColumn, row: _Row, name: str) -> Iterator[Line]:
    yield from _crosses(column, column, row, name)


def _crosses(
    column: fc.CategoricalColumn, cross: fc.CrossedColumn, row: _Row, name: str
) -> Iterator[Line]:
    """The combinations of a row; of each step if `column`, which makes the ids, is a sequence."""
    leaves = [_leaf(key, row) for key in _leaves(cross)]
    sequence = column._core.is_sequence
    try:
        (ids,) = column.ids(row.features).to_lists()
    except (ValueError, TypeError) as error:
        yield Line(name, column.name, None, None, None, f"an error: {error}")
        return
    for key in () if ids else dict.fromkeys(map(_key, _leaves(cross))):
        yield from _missing(name, key, row)
    if not sequence:
        ids, leaves = [ids], [[list(_flat(values))] for values in leaves]
    for step, found in enumerate(ids):
        combinations = itertools.product(*(_flat(values[step : step + 1]) for values in leaves))
        for combination, one in zip(combinations, _flat([found]), strict=False):
            meaning = f"cross modulo {cross.hash_bucket_size}"
            yield Line(name, cross.name, step if sequence else None, combination, one, meaning)


@_lines.register
def _(column: NumberColumn, row: _Row, name: str) -> Iterator[Line]:
    from weft.layers import DenseFeatures, SequenceFeatures

    key, sequence = column.key, column._core.is_sequence
    try:
        batch = (SequenceFeatures if sequence else DenseFeatures)([column])(row.features)
    except (ValueError, TypeError) as error:
        yield Line(name, key, None, row.raw.get(key), None, f"an error: {error}")
        return
    numbers = batch.data[0] if sequence else batch
    if not numbers.size:
        yield from _missing(name, key, row)
    raw = row.raw.get(key, [])
    values = itertools.chain(_padded(raw) if sequence else _flat(raw), itertools.repeat(None))
    good = "number" if column.normalizer_fn is None else "normalized"
    for place, (number, value) in enumerate(zip(numbers.ravel().tolist(), values, strict=False)):
        step = place // numbers.shape[-1] if sequence else None
        yield Line(name, key, step, value, number, "default_value" if value is None else good)


def _missing(name: str, key: str, row: _Row) -> Iterator[Line]:
    """A line if the record lacks the feature."""
    if key not in row.raw:
        yield Line(name, key, None, None, None, "not in the record")


def _id(column: Any, step: int | None, value: Any) -> tuple[int | None, str]:
    """The id of one value by itself; or None, and why there is none."""
    if step is None:
        return None, "not in the record"
    text = column.parse_example_spec[column.key].dtype.name == "string"
    if isinstance(value, bool) or not isinstance(value, str | bytes if text else int):
        return None, "wrong type, an error"
    try:
        return column.ids({column.key: [[value]]}).to_lists()[0][0], ""
    except (ValueError, TypeError) as error:
        return None, f"an error: {error}"


def _values(row: _Row, key: str) -> Iterator[tuple[int | None, Any]]:
    """(step, value) of a feature; (None, None) if it is not there."""
    if key not in row.raw:
        yield None, None
    for step, value in enumerate(row.raw.get(key, [])):
        yield from ((step, one) for one in _flat([value]))


def _leaves(column: fc.CrossedColumn) -> Iterator[Any]:
    for key in column.keys:
        key = key.categorical_column if isinstance(key, fc.SequenceCategoricalColumn) else key
        yield from _leaves(key) if isinstance(key, fc.CrossedColumn) else [key]


def _key(column: Any) -> str:
    """The feature that is read by what may be a key of a cross."""
    if isinstance(column, fc.BucketizedColumn):
        return column.source_column.key
    return column if isinstance(column, str) else column.key


def _leaf(key: Any, row: _Row) -> list[Any]:
    """The raw values that one key of a cross reads: those of each step, if it has steps."""
    values = row.raw.get(_key(key))
    if values is None:  # the default, if there is one
        default = row.features.get(_key(key))
        return default[0].tolist() if isinstance(default, np.ndarray) else []
    source = getattr(key, "source_column", None)
    if not isinstance(source, fc.SequenceNumericColumn) or list in map(type, values):
        return values
    size = math.prod(source.shape)
    return [values[i : i + size] for i in range(0, len(values), size)]


def _padded(steps: list[Any]) -> list[Any]:
    """The values as a sequence layer lays them out: each step as wide as the widest."""
    rows = [list(_flat([step])) for step in steps]
    width = max(map(len, rows), default=0)
    return [value for row in rows for value in [*row, *[None] * (width - len(row))]]


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _flat(value) if isinstance(value, list) else [value]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, tuple):
        return " x ".join(map(_text, cell))
    if isinstance(cell, bytes):
        return repr(cell.decode("utf-8", "backslashreplace"))
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)
