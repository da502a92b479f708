"""Ids with weights."""

from __future__ import annotations

from typing import Any

from weft import dtypes
from weft.feature_column.base import CategoricalColumn, column_class
from weft.feature_column.sequence import SequenceCategoricalColumn

__all__ = [
    "WeightedCategoricalColumn",
    "sequence_weighted_categorical_column",
    "weighted_categorical_column",
]


@column_class
class WeightedCategoricalColumn(CategoricalColumn):
    """Ids with weights. See `weighted_categorical_column`."""

    categorical_column: CategoricalColumn
    weight_feature_key: str
    dtype: Any = dtypes.float32

    def __post_init__(self) -> None:
        """Takes a dtype in all its forms."""
        super().__post_init__(dtype=dtypes.as_dtype(self.dtype))


def weighted_categorical_column(
    categorical_column: CategoricalColumn, weight_feature_key: str, dtype: Any = dtypes.float32
) -> WeightedCategoricalColumn:
    """The ids of `categorical_column`, each with a weight from the feature `weight_feature_key`.

    That feature holds as many weights as there are ids, in the same rows (and steps); in a dense
    array a weight of 0 counts as absent, as TensorFlow has it. An embedding multiplies by them
    (`combiner` says how they are summed), an indicator adds them up.

    Raises ValueError unless the column is categorical and has no weights yet, and `dtype`, the
    feature's, is an integer or floating.
    """
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


def sequence_weighted_categorical_column(
    categorical_column: CategoricalColumn, weight_feature_key: str, dtype: Any = dtypes.float32
) -> SequenceCategoricalColumn:
    """The same for a sequence; `categorical_column` may be one already. Not in TensorFlow."""
    if isinstance(categorical_column, SequenceCategoricalColumn):
        categorical_column = categorical_column.categorical_column
    return SequenceCategoricalColumn(
        WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)
    )
