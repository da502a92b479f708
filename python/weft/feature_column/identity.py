"""Integers that are ids already."""

from __future__ import annotations

from weft.feature_column.base import CategoricalColumn, column_class
from weft.feature_column.sequence import SequenceCategoricalColumn

__all__ = [
    "IdentityCategoricalColumn",
    "categorical_column_with_identity",
    "sequence_categorical_column_with_identity",
]


@column_class
class IdentityCategoricalColumn(CategoricalColumn):
    """Integers that are ids already. See `categorical_column_with_identity`."""

    key: str
    number_buckets: int
    default_value: int | None = None


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> IdentityCategoricalColumn:
    """The values of the integer feature `key` are ids in [0, num_buckets).

    A value outside becomes `default_value`; without one it is an error when a batch is read, which
    names column, row, step and value.

    Raises ValueError if `num_buckets` < 1 or `default_value` is outside [0, num_buckets), TypeError
    if one of them is no integer.
    """
    return IdentityCategoricalColumn(key, num_buckets, default_value)


def sequence_categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> SequenceCategoricalColumn:
    """The same for a sequence: the second dimension of the feature is time.

    Pass it to `embedding_column` or `indicator_column`, and that to `SequenceFeatures`.
    """
    return SequenceCategoricalColumn(
        categorical_column_with_identity(key, num_buckets, default_value)
    )
