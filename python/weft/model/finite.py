"""NaN and infinity in a training: which rows, features and records they came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from weft.errors import NonFiniteError
from weft.feature_column.base import select
from weft.model.feed import Batch, Feed
from weft.model.goals import Measured
from weft.ragged import Ragged, SparseTensor

_SHOWN = 5


class _Place(NamedTuple):
    """A number that is not finite."""

    row: int
    step: int | None
    number: float


def fault(
    step: int | None,
    what: str,
    keys: Iterable[str],
    batch: Batch,
    outputs: Any,
    measured: list[Measured],
    weights: Mapping[str, np.ndarray],
    feed: Feed | None,
) -> NonFiniteError:
    """The error that stops a training at this step, with everything that is known of its cause.

    `what` is not finite; a step of None is that of an evaluation. `keys` are the features that the
    model reads.
    """
    of_loss = _rows_of_loss(measured, outputs)
    causes: list[str] = []
    rows: set[int] = set()
    key = None
    for text, name, places in _causes(keys, batch, measured):
        mine = [p for p in places if not of_loss or p.row in of_loss]
        if mine:
            key = key or name
            rows.update(p.row for p in mine)
            shown = ", ".join(map(_shown, mine[:_SHOWN])) + (", ..." if len(mine) > _SHOWN else "")
            causes.append(f"{text} {shown}")
    spoilt = [name for name, weight in weights.items() if not np.isfinite(weight).all()]
    if spoilt:
        causes.append(f"before the step, not finite: {', '.join(spoilt[:_SHOWN])}")
    found = sorted(rows or of_loss)
    message = f"evaluation: {what}. "
    if step is not None:
        message = f"training step {step}: {what}; the weights were not changed. "
    if causes:
        text = "; ".join(causes)
        message += text[0].upper() + text[1:]
    elif found:
        message += f"Its inputs are finite: it grew too large in {_numbers('row', found)}"
    else:
        message += "All inputs are finite: it grew too large"
    origins = None if feed is None else feed.origins()
    records = [] if origins is None else [origins[row] for row in found]
    if found:
        message += ". Batch" + (f" {feed.taken - 1}" if feed else "")
        message += f", {_numbers('row', found)}"
    if records:
        message += ": " + _numbers("record", [f"{number} of {file}" for file, number in records])
    file, record = records[0] if records else (None, None)
    where = {"file": file, "record": record, "key": key, "row": found[0] if found else None}
    return NonFiniteError(message, rows=found, records=records, step=step, **where)


def not_finite(layers: Iterable[Any], features: Any) -> str | None:
    """What of a batch is not finite, in words: of the numbers that layers read as they are."""
    if isinstance(features, np.ndarray):
        return "an input is not finite" if _spoilt(features) else None
    keys = {key for layer in layers for key in getattr(layer, "_plain_keys", ())}
    for key, value in select(features, sorted(keys)).items():
        if _spoilt(value):
            return f"the feature {key!r} is not finite"
    return None


def _spoilt(value: Any) -> bool:
    """Whether a feature has places, told quickly where it is arrays."""
    numbers = value[0] if isinstance(value, tuple) and len(value) == 2 else value
    if isinstance(numbers, Ragged):
        numbers = numbers.flat_values
    elif isinstance(numbers, SparseTensor):
        numbers = numbers.values
    if isinstance(numbers, np.ndarray):
        if numbers.dtype.kind != "f" or np.isfinite(numbers).all():
            return False
    return bool(_places(value))


def _rows_of_loss(measured: list[Measured], outputs: Any) -> set[int]:
    """The rows whose own loss is not finite."""
    rows: set[int] = set()
    for goal, labels, weights, *_ in measured:
        if goal.loss is not None:
            out = outputs[goal.head] if goal.head else outputs
            samples = goal.loss.samples(labels, out, weights)
            rows.update(p.row for p in _places(samples))
    return rows


def _causes(
    keys: Iterable[str], batch: Batch, measured: list[Measured]
) -> Iterable[tuple[str, str | None, list[_Place]]]:
    """What went in: (in words, its key, where it is not finite)."""
    if isinstance(batch.features, np.ndarray):
        yield "the inputs have", None, _places(batch.features)
    else:
        for key, value in select(batch.features, keys).items():
            yield f"the feature {key!r} has", key, _places(value)
    for goal, labels, weights, *_ in measured:
        yield f"the label of {goal!r} is", goal.label, _places(labels)
        if weights is not None:
            yield f"the sample weight of {goal!r} is", None, _places(weights)


def _places(value: Any) -> list[_Place]:
    """Where a feature is not finite, in order; what holds no floats is."""
    lengths = None
    if isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "shape"):
        value, lengths = np.asarray(value[0]), np.asarray(value[1])
    if isinstance(value, SparseTensor):
        rows, steps, values = value.indices[:, 0], value.indices[:, 1], value.values
    elif isinstance(value, Ragged):
        values = value.flat_values
        at = np.arange(len(values))
        for splits in reversed(value.nested_row_splits):  # outermost last
            steps = at
            at = np.searchsorted(splits, at, side="right") - 1
            steps = steps - splits[at]
        rows = at
    elif isinstance(value, np.ndarray):
        return _places_of_array(value, lengths)
    else:
        try:
            parts = [np.asarray(row, np.float64).reshape(-1) for row in value]
        except (TypeError, ValueError):
            return []
        values = np.concatenate([*parts, np.empty(0)])
        rows = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
        steps = np.concatenate([*(np.arange(len(p)) for p in parts), np.empty(0, np.int64)])
    if values.dtype.kind != "f":
        return []
    bad = ~np.isfinite(values.reshape(len(values), -1)).all(1)
    numbers = _first_bad(values.reshape(len(values), -1)[bad])
    return [
        _Place(int(r), int(s), n) for r, s, n in zip(rows[bad], steps[bad], numbers, strict=True)
    ]


def _places_of_array(value: np.ndarray, lengths: np.ndarray | None) -> list[_Place]:
    if value.dtype.kind != "f" or value.ndim == 0 or value.size == 0:
        return []
    by_step = value.reshape(*value.shape[:2], -1)
    if value.ndim == 1:
        by_step = value.reshape(len(value), 1, 1)
    bad = ~np.isfinite(by_step).all(2)
    if lengths is not None:
        bad &= np.arange(bad.shape[1]) < lengths.reshape(-1, 1)
    numbers = _first_bad(by_step[bad])
    steps = [None] * len(numbers) if by_step.shape[1] == 1 else np.nonzero(bad)[1].tolist()
    return [
        _Place(int(r), s, n) for r, s, n in zip(np.nonzero(bad)[0], steps, numbers, strict=True)
    ]


def _first_bad(values: np.ndarray) -> list[float]:
    """Of each row of [N, D], which all have one, the first number that is not finite."""
    return values[np.arange(len(values)), (~np.isfinite(values)).argmax(1)].tolist()


def _shown(place: _Place) -> str:
    step = "" if place.step is None else f", step {place.step}"
    return f"{place.number} in row {place.row}{step}"


def _numbers(what: str, numbers: list[Any]) -> str:
    """As "row 3", or "rows 3, 5, 8"."""
    shown = ", ".join(map(str, numbers[:_SHOWN])) + (", ..." if len(numbers) > _SHOWN else "")
    return f"{what}{'s' if len(numbers) > 1 else ''} {shown}"
