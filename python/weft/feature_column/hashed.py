"""Ids by hash."""

from __future__ import annotations

from typing import Any

from weft import dtypes
from weft.errors import InvalidArgumentError
from weft.feature_column.base import CategoricalColumn, column_class
from weft.feature_column.sequence import SequenceCategoricalColumn

__all__ = [
    "HashedCategoricalColumn",
    "categorical_column_with_hash_bucket",
    "sequence_categorical_column_with_hash_bucket",
]


@column_class
class HashedCategoricalColumn(CategoricalColumn):
    """Ids by hash. See `categorical_column_with_hash_bucket`."""

    key: str
    hash_bucket_size: int
    dtype: Any = dtypes.string

    def __post_init__(self) -> None:
        """Takes a dtype in all its forms."""
        if self.hash_bucket_size is None:
            raise InvalidArgumentError(f"hash_bucket_size must be set. key: {self.key}")
        super().__post_init__(dtype=dtypes.as_dtype(self.dtype))


def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = dtypes.string
) -> HashedCategoricalColumn:
    """The id of a value is its FarmHash fingerprint modulo `hash_bucket_size`, as TensorFlow's.

    `dtype`: string, or an integer type; integers are hashed as their decimal text. Different values
    may share an id. For what counts as absent see `weft.layers.SequenceFeatures`.

    Raises ValueError if `hash_bucket_size` < 1 or `dtype` is another, TypeError if the size is no
    integer.
    """
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


def sequence_categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = dtypes.string
) -> SequenceCategoricalColumn:
    """The same for a sequence: the second dimension of the feature is time."""
    return SequenceCategoricalColumn(
        categorical_column_with_hash_bucket(key, hash_bucket_size, dtype)
    )
