"""Crosses of features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import ClassVar

from weft.errors import InvalidArgumentError
from weft.feature_column.base import CategoricalColumn, column_class
from weft.feature_column.sequence import SequenceCategoricalColumn

__all__ = ["CrossedColumn", "crossed_column", "sequence_crossed_column"]

Key = str | CategoricalColumn


@column_class
class CrossedColumn(CategoricalColumn):
    """Combinations of the values of several features. See `crossed_column`."""

    _KEPT: ClassVar[frozenset[str]] = frozenset({"keys"})

    keys: Iterable[Key]
    hash_bucket_size: int
    hash_key: int | None = None

    def __post_init__(self) -> None:
        """Checks the keys as TensorFlow does."""
        listed = isinstance(self.keys, Iterable) and not isinstance(self.keys, str | Set | Mapping)
        keys = tuple(self.keys) if listed else ()
        if len(keys) < 2:
            raise InvalidArgumentError(f"keys must be a list with length > 1. Given: {self.keys!r}")
        for key in keys:
            if not isinstance(key, str | CategoricalColumn):
                raise InvalidArgumentError(
                    "Unsupported key type. All keys must be either string, or categorical column "
                    f"except HashedCategoricalColumn. Given: {key!r}"
                )
        if not self.hash_bucket_size:
            raise InvalidArgumentError(
                f"hash_bucket_size must be > 1. hash_bucket_size: {self.hash_bucket_size}"
            )
        self.__dict__["keys"] = keys
        super().__post_init__()


def crossed_column(
    keys: Iterable[Key], hash_bucket_size: int, hash_key: int | None = None
) -> CrossedColumn:
    """Every combination of one value of each of `keys`, hashed to `hash_bucket_size` ids.

    A key is the name of a feature of strings or integers, or a categorical column (but none with
    hash buckets: name its feature). The hash is TensorFlow's: `hash_key` seeds it, and the order of
    the keys counts. With sequence columns among the keys it is a sequence, crossed step by step;
    names are sequences then too, of the same lengths.

    Raises ValueError for fewer than two keys, a key of another kind, a column with weights, and
    `hash_bucket_size` < 1.
    """
    return CrossedColumn(keys, hash_bucket_size, hash_key)


def sequence_crossed_column(
    keys: Iterable[Key], hash_bucket_size: int, hash_key: int | None = None
) -> CategoricalColumn:
    """The same step by step: all keys are sequences. Not in TensorFlow."""
    if isinstance(keys, Iterable) and not isinstance(keys, str):
        keys = tuple(_as_sequences(keys))
    crossed = CrossedColumn(keys, hash_bucket_size, hash_key)
    return crossed if crossed._core.is_sequence else SequenceCategoricalColumn(crossed)


def _as_sequences(keys: Iterable[Key]) -> Iterator[Key]:
    for key in keys:
        if isinstance(key, CrossedColumn):
            yield from _as_sequences(key.keys)
        elif isinstance(key, CategoricalColumn) and not key._core.is_sequence:
            yield SequenceCategoricalColumn(key)
        else:
            yield key
