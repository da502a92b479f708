"""Ids by place in a vocabulary: a list, or a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, ClassVar

import numpy as np

from weft import dtypes
from weft.arguments import path
from weft.errors import InvalidArgumentError, OutOfRangeError
from weft.feature_column.base import CategoricalColumn, column_class
from weft.feature_column.sequence import SequenceCategoricalColumn

__all__ = [
    "VocabularyFileCategoricalColumn",
    "VocabularyListCategoricalColumn",
    "categorical_column_with_vocabulary_file",
    "categorical_column_with_vocabulary_list",
    "sequence_categorical_column_with_vocabulary_file",
    "sequence_categorical_column_with_vocabulary_list",
]


@column_class
class VocabularyListCategoricalColumn(CategoricalColumn):
    """Ids by place in a list. See `categorical_column_with_vocabulary_list`."""

    _KEPT: ClassVar[frozenset[str]] = frozenset({"vocabulary_list"})

    key: str
    vocabulary_list: Sequence[str | bytes | int]
    dtype: Any = None
    default_value: int = -1
    num_oov_buckets: int = 0

    def __post_init__(self) -> None:
        """Takes the list and the dtype in all their forms."""
        given = self.vocabulary_list
        listed = isinstance(given, Iterable) and not isinstance(given, str | bytes | Set | Mapping)
        entries = tuple(given) if listed else ()
        if not entries:
            raise InvalidArgumentError(
                f"vocabulary_list {given!r} must be a list and non-empty, column_name: {self.key}"
            )
        entries = tuple(e.item() if isinstance(e, np.generic) else e for e in entries)
        self.__dict__["vocabulary_list"] = entries
        super().__post_init__(
            vocabulary_list=_entries(entries, self.key),
            dtype=None if self.dtype is None else dtypes.as_dtype(self.dtype),
            num_oov_buckets=self.num_oov_buckets or 0,
        )


@column_class
class VocabularyFileCategoricalColumn(CategoricalColumn):
    """Ids by place in a file. See `categorical_column_with_vocabulary_file`."""

    _ADDED: ClassVar[dict[str, Any]] = {"file_format": None}

    key: str
    vocabulary_file: str | os.PathLike[str]
    vocabulary_size: int | None = None
    num_oov_buckets: int = 0
    dtype: Any = dtypes.string
    default_value: int = -1
    file_format: str | None = None

    def __post_init__(self) -> None:
        """Takes path, dtype and default in all their forms."""
        if not self.vocabulary_file:
            raise InvalidArgumentError(f"Missing vocabulary_file in {self.key}.")
        super().__post_init__(
            vocabulary_file=path(self.vocabulary_file, "vocabulary_file"),
            dtype=dtypes.as_dtype(self.dtype),
            num_oov_buckets=self.num_oov_buckets or 0,
            default_value=-1 if self.default_value is None else self.default_value,
        )


def _entries(entries: tuple[Any, ...], key: str) -> np.ndarray:
    """The entries as the library takes them: all strings or all integers."""
    if all(isinstance(entry, str | bytes) for entry in entries):
        return np.array(entries, object)
    if all(isinstance(entry, int) and not isinstance(entry, bool) for entry in entries):
        try:
            return np.array(entries, np.int64)
        except OverflowError:
            raise OutOfRangeError(
                f"an entry does not fit into int64, column_name: {key} vocabulary"
            ) from None
    raise InvalidArgumentError(
        f"vocabulary dtype must be string or integer, column_name: {key} vocabulary"
    )


def categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[str | bytes | int],
    dtype: Any = None,
    default_value: int = -1,
    num_oov_buckets: int = 0,
) -> VocabularyListCategoricalColumn:
    """The id of a value is its place in `vocabulary_list`: strings or integers, each once.

    A value that is not in the list has, with `num_oov_buckets`, the id
    `len(vocabulary_list) + hash modulo num_oov_buckets`, and otherwise `default_value`; -1 is no
    id: it embeds to zeros and counts in a sequence's length.

    `dtype`: of the feature; the list's own when None.

    Raises ValueError for an empty list, a repeated entry, both `num_oov_buckets` and
    `default_value`, a default that is neither -1 nor an id of the list, and a dtype that does not
    go with the list.
    """
    return VocabularyListCategoricalColumn(**locals())


def sequence_categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[str | bytes | int],
    dtype: Any = None,
    default_value: int = -1,
    num_oov_buckets: int = 0,
) -> SequenceCategoricalColumn:
    """The same for a sequence: the second dimension of the feature is time."""
    return SequenceCategoricalColumn(VocabularyListCategoricalColumn(**locals()))


def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str | os.PathLike[str],
    vocabulary_size: int | None = None,
    dtype: Any = dtypes.string,
    default_value: int | None = None,
    num_oov_buckets: int = 0,
    file_format: str | None = None,
) -> VocabularyFileCategoricalColumn:
    """The id of a value is its place in a file.

    The file is text with an entry a line, a TFRecord file with an entry a record, either of them
    gzip-compressed or not, or a table file of `weft.vocabulary`, which many processes share and
    which opens at once. It is told by its content; `file_format` ("tfrecord_gzip") is kept for
    TensorFlow's sake. Layers read it when they are made; columns that name one file share what is
    read.

    Args:
        key: the feature's name, and the column's.
        vocabulary_file: the file.
        vocabulary_size: how many of its entries count; all when None, and then it is counted now.
        dtype: of the feature: string, or an integer type for a file of decimal numbers.
        default_value: the id of a value that is not in the file; -1, which is no id, when None.
        num_oov_buckets: instead of it, so many ids after the vocabulary's, taken by hash.
        file_format: no effect.

    Raises ValueError for what cannot work, a file that is to be counted and not there included;
    FileNotFoundError if it is not there when it is read; and, when it is read, ValueError naming
    file and entry for an empty line, a repeated entry or fewer entries than `vocabulary_size`.
    """
    return VocabularyFileCategoricalColumn(**locals())


def sequence_categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str | os.PathLike[str],
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = dtypes.string,
) -> SequenceCategoricalColumn:
    """The same for a sequence: the second dimension of the feature is time."""
    return SequenceCategoricalColumn(VocabularyFileCategoricalColumn(**locals()))
