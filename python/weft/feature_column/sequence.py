"""Sequences of ids."""

from __future__ import annotations

from typing import Any

from weft import _core
from weft.feature_column.base import CategoricalColumn, categorical_core

__all__ = ["SequenceCategoricalColumn"]


class SequenceCategoricalColumn(CategoricalColumn):
    """The ids of another categorical column, step by step."""

    _FIELDS = ("categorical_column",)

    def __init__(self, categorical_column: CategoricalColumn):
        core = _core.sequence_column(
            categorical_core(categorical_column, "SequenceCategoricalColumn")
        )
        self._declare(core, categorical_column=categorical_column)

    @property
    def key(self) -> str:
        """The name of the feature that is read."""
        return self.categorical_column.key

    @property
    def num_buckets(self) -> int:
        """How many ids there are."""
        return self.categorical_column.num_buckets

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the column inside."""
        return self.categorical_column.parse_example_spec
