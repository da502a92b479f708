"""Counts of ids."""

from __future__ import annotations

from typing import Any

from weft import _core
from weft.feature_column.base import CategoricalColumn, DenseColumn, categorical_core

__all__ = ["IndicatorColumn", "indicator_column"]


class IndicatorColumn(DenseColumn):
    """How often each id occurs. See `indicator_column`."""

    _FIELDS = ("categorical_column",)

    def __init__(self, categorical_column: CategoricalColumn):
        core = _core.indicator_column(categorical_core(categorical_column, "indicator_column"))
        self._declare(core, categorical_column=categorical_column)

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """(1, num_buckets)."""
        return (1, self.categorical_column.num_buckets)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the categorical column."""
        return self.categorical_column.parse_example_spec


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """How often each id occurs in the step, or in the row of a column that is no sequence.

    [num_buckets] numbers: one-hot for one id. Raises ValueError unless the column is categorical.
    """
    return IndicatorColumn(categorical_column)
