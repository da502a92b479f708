"""Sequences of ids."""

from __future__ import annotations

from weft.feature_column.base import CategoricalColumn, column_class

__all__ = ["SequenceCategoricalColumn"]


@column_class
class SequenceCategoricalColumn(CategoricalColumn):
    """The ids of another categorical column, step by step."""

    categorical_column: CategoricalColumn

    @property
    def key(self) -> str:
        """The name of the feature that is read."""
        return self.categorical_column.key
