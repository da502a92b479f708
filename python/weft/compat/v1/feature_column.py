"""`tf.compat.v1.feature_column`: the columns of `weft.feature_column`, one with other arguments."""

from __future__ import annotations

import os
from typing import Any

from weft import dtypes
from weft import feature_column as _v2
from weft.feature_column import *  # noqa: F403
from weft.feature_column import VocabularyFileCategoricalColumn

shared_embedding_columns = _v2.shared_embeddings

__all__ = [*_v2.__all__, "shared_embedding_columns"]  # noqa: PLE0604


def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str | os.PathLike[str],
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = dtypes.string,
) -> VocabularyFileCategoricalColumn:
    """As `weft.feature_column`'s, with the order of arguments that TensorFlow 1 had."""
    return VocabularyFileCategoricalColumn(**locals())


def __getattr__(name: str) -> Any:
    return getattr(_v2, name)
