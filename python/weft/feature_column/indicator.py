"""Counts of ids."""

from __future__ import annotations

from weft.feature_column.base import CategoricalColumn, DenseColumn, column_class

__all__ = ["IndicatorColumn", "indicator_column"]


@column_class
class IndicatorColumn(DenseColumn):
    """How often each id occurs. See `indicator_column`."""

    categorical_column: CategoricalColumn


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """How often each id occurs in the step, or in the row of a column that is no sequence.

    [num_buckets] numbers: one-hot for one id. Raises ValueError unless the column is categorical.
    """
    return IndicatorColumn(categorical_column)
