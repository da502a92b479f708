"""Numbers to buckets."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from weft import _core
from weft.arguments import number
from weft.errors import InvalidArgumentError
from weft.feature_column.base import CategoricalColumn, DenseColumn, column_class

__all__ = [
    "BucketizedColumn",
    "bucketized_column",
    "log_boundaries",
    "sequence_bucketized_column",
]


@column_class
class BucketizedColumn(DenseColumn, CategoricalColumn):
    """The bucket of each number. See `bucketized_column`."""

    _KEPT: ClassVar[frozenset[str]] = frozenset({"boundaries"})

    source_column: DenseColumn
    boundaries: Sequence[float]

    def __post_init__(self) -> None:
        """Checks what TensorFlow checks by words of its own."""
        if not isinstance(self.source_column, DenseColumn):
            raise InvalidArgumentError(
                "source_column must be a column generated with numeric_column(). "
                f"Given: {self.source_column!r}"
            )
        bounds = self.boundaries
        if not isinstance(bounds, list | tuple | np.ndarray):
            raise InvalidArgumentError("boundaries must be a sorted list.")
        if len(bounds) == 0:
            raise InvalidArgumentError("boundaries must not be empty.")
        bounds = tuple(bound.item() if isinstance(bound, np.number) else bound for bound in bounds)
        if not all(isinstance(bound, numbers.Real) for bound in bounds):
            raise InvalidArgumentError(f"boundaries must be numbers. Given: {self.boundaries!r}")
        self.__dict__["boundaries"] = bounds
        super().__post_init__(boundaries=np.array([number(b, "boundaries") for b in bounds]))


def bucketized_column(source_column: Any, boundaries: Sequence[float]) -> BucketizedColumn:
    """Which bucket each number of `source_column` falls into: (-inf, b0), [b0, b1), ..., [bn, inf).

    Numbers are compared as float32; NaN falls into the last bucket. For a layer it is one-hot,
    [size(shape), len(boundaries) + 1]; for an embedding or a cross it is an id. The source is a
    `numeric_column`, or a `sequence_numeric_column` or `sequence_time_delta_column`, of which the
    result is a sequence too.

    Raises ValueError for a source of another kind or of rank > 1, and unless the boundaries ascend.
    """
    return BucketizedColumn(source_column, boundaries)


def sequence_bucketized_column(source_column: Any, boundaries: Sequence[float]) -> BucketizedColumn:
    """The same of a sequence; ValueError if `source_column` is none. Not in TensorFlow."""
    column = BucketizedColumn(source_column, boundaries)
    if column._core.is_sequence:
        return column
    raise InvalidArgumentError(
        "sequence_bucketized_column: source_column must be a sequence_numeric_column or a "
        f"sequence_time_delta_column. Given: {source_column!r}"
    )


def log_boundaries(first: float, last: float, count: int) -> tuple[float, ...]:
    """`count` boundaries from `first` to `last`, each larger by the same factor: for times, prices.

    Raises TypeError for what is no number, ValueError unless 0 < first < last and count >= 2. Not
    in TensorFlow.
    """
    return tuple(_core.log_boundaries(first, last, count).tolist())
