"""Masks of sequences, and the hash of strings."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import _core, dtypes

__all__ = ["fingerprint64", "lookup", "lookup_backward", "sequence_mask"]


def sequence_mask(
    lengths: Any,
    maxlen: int | None = None,
    dtype: Any = dtypes.bool,
    name: str | None = None,
    *,
    pad: str = "right",
) -> np.ndarray:
    """True at the first `length` positions of each row, or, with pad="left", at the last.

    `lengths`: integers of any shape; the result has shape lengths.shape + (maxlen,), maxlen being
    the longest length unless given. It is then narrower than the data of a layer that pads further:
    use the mask that `SequenceFeatures` returns with `pad_to` and pad="left".

    Raises TypeError for lengths that are no integers, ValueError if `maxlen` < 0.
    """
    return _core.sequence_mask(lengths, maxlen, dtype, pad)


def fingerprint64(data: bytes) -> int:
    """FarmHash's Fingerprint64 of a bytes object: TensorFlow's hash of strings, unsigned."""
    return _core.fingerprint64(data)


def lookup(
    table: Any,
    ids: Any,
    weights: Any = None,
    *,
    combiner: str = "mean",
    max_norm: float | None = None,
) -> np.ndarray:
    """Rows of a table [V, D] of float32 or float64.

    `ids`, an int64 array: one row each, of shape ids.shape + (D,). `ids`, a Ragged: the rows of
    each innermost list combined by "mean", "sqrtn" or "sum", weighted by `weights` (float32, one
    per id). Id -1 stands for no row: zeros, or nothing in a list. `max_norm` scales larger rows
    down first.

    Raises ValueError for an id outside the table, TypeError for ids that are not int64.
    """
    return _core.lookup(table, ids, weights, combiner, max_norm)


def lookup_backward(
    table: Any,
    ids: Any,
    grad: Any,
    weights: Any = None,
    *,
    combiner: str = "mean",
    max_norm: float | None = None,
) -> _core.IndexedSlices:
    """The gradient of the table, given `grad`, that of the result of the same `lookup`.

    Rows are summed by id in the order in which they came: the same bits with any number of threads.
    Raises what `lookup` raises, ValueError for a `grad` of another shape than the result's.
    """
    return _core.lookup_backward(table, ids, grad, weights, combiner, max_norm)
