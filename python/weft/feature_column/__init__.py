"""`tf.feature_column`: what a user declares about features, and how they are parsed.

Columns are immutable values: equal and of equal hash when their fields are, rebuilt by
`type(column).from_config(column.get_config())`. Functions, arguments and attributes are
TensorFlow's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.feature_column.base import (
    CategoricalColumn,
    DenseColumn,
    FeatureColumn,
)
from weft.feature_column.bucketized import (
    BucketizedColumn,
    bucketized_column,
    log_boundaries,
    sequence_bucketized_column,
)
from weft.feature_column.crossed import (
    CrossedColumn,
    crossed_column,
    sequence_crossed_column,
)
from weft.feature_column.embedding import (
    EmbeddingColumn,
    embedding_column,
)
from weft.feature_column.hashed import (
    HashedCategoricalColumn,
    categorical_column_with_hash_bucket,
    sequence_categorical_column_with_hash_bucket,
)
from weft.feature_column.identity import (
    IdentityCategoricalColumn,
    categorical_column_with_identity,
    sequence_categorical_column_with_identity,
)
from weft.feature_column.indicator import (
    IndicatorColumn,
    indicator_column,
)
from weft.feature_column.numeric import (
    NumericColumn,
    SequenceNumericColumn,
    numeric_column,
    sequence_numeric_column,
)
from weft.feature_column.sequence import (
    SequenceCategoricalColumn,
)
from weft.feature_column.serialization import (
    columns_from_json,
    columns_to_json,
    deserialize_feature_columns,
    serialize_feature_columns,
)
from weft.feature_column.shared_embedding import (
    SharedEmbeddingColumn,
    shared_embeddings,
)
from weft.feature_column.time_delta import (
    SequenceTimeDeltaColumn,
    sequence_time_delta_column,
)
from weft.feature_column.vocabulary import (
    VocabularyFileCategoricalColumn,
    VocabularyListCategoricalColumn,
    categorical_column_with_vocabulary_file,
    categorical_column_with_vocabulary_list,
    sequence_categorical_column_with_vocabulary_file,
    sequence_categorical_column_with_vocabulary_list,
)
from weft.feature_column.weighted import (
    WeightedCategoricalColumn,
    sequence_weighted_categorical_column,
    weighted_categorical_column,
)

__all__ = [
    "BucketizedColumn",
    "CategoricalColumn",
    "CrossedColumn",
    "DenseColumn",
    "EmbeddingColumn",
    "FeatureColumn",
    "HashedCategoricalColumn",
    "IdentityCategoricalColumn",
    "IndicatorColumn",
    "NumericColumn",
    "SequenceCategoricalColumn",
    "SequenceNumericColumn",
    "SequenceTimeDeltaColumn",
    "SharedEmbeddingColumn",
    "VocabularyFileCategoricalColumn",
    "VocabularyListCategoricalColumn",
    "WeightedCategoricalColumn",
    "bucketized_column",
    "categorical_column_with_hash_bucket",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file",
    "categorical_column_with_vocabulary_list",
    "columns_from_json",
    "columns_to_json",
    "concatenate_context_backward",
    "concatenate_context_input",
    "crossed_column",
    "deserialize_feature_columns",
    "embedding_column",
    "indicator_column",
    "log_boundaries",
    "make_parse_example_spec",
    "numeric_column",
    "sequence_bucketized_column",
    "sequence_categorical_column_with_hash_bucket",
    "sequence_categorical_column_with_identity",
    "sequence_categorical_column_with_vocabulary_file",
    "sequence_categorical_column_with_vocabulary_list",
    "sequence_crossed_column",
    "sequence_numeric_column",
    "sequence_time_delta_column",
    "sequence_weighted_categorical_column",
    "serialize_feature_columns",
    "shared_embeddings",
    "weighted_categorical_column",
]

_OF_TENSORFLOW_1 = {"input_layer", "linear_model"}


def __getattr__(name: str) -> Any:
    if name == "shared_embedding_columns":  # compat.v1's name, with the same arguments
        return shared_embeddings
    if name in _OF_TENSORFLOW_1:
        raise AttributeError(
            f"{name} is of TensorFlow 1's graphs; use weft.layers.DenseFeatures over the columns"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def make_parse_example_spec(feature_columns: Iterable[FeatureColumn]) -> dict[str, Any]:
    """The spec for `weft.io.parse_example` that gives these columns their features.

    Raises ValueError for anything that is not a column, for a column that is not in a list, and if
    two columns want one feature parsed in different ways; TypeError for what is no list at all.
    """
    if not isinstance(feature_columns, Iterable):
        kind = (
            InvalidArgumentError if isinstance(feature_columns, FeatureColumn) else WrongTypeError
        )
        raise kind(
            "All feature_columns must be FeatureColumn instances, in a list. "
            f"Given: {feature_columns!r}"
        )
    columns = list(feature_columns)
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise InvalidArgumentError(
                f"All feature_columns must be FeatureColumn instances. Given: {column}"
            )
    _core.check_parse_example_spec([column._core for column in columns])
    return {k: v for column in columns for k, v in column.parse_example_spec.items()}


def concatenate_context_input(context_input: Any, sequence_input: Any) -> np.ndarray:
    """Appends each row's context to every step: [B, d1], [B, T, d0] -> [B, T, d0 + d1].

    Raises ValueError for other ranks or different B, TypeError unless both are float32 (or both
    float64).
    """
    return _core.concatenate_context_input(context_input, sequence_input)


def concatenate_context_backward(grad: Any, context_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of `concatenate_context_input`'s arguments, given that of its result.

    [B, T, d0 + d1], d1 being `context_size` -> [B, d1], the sum over the steps, and [B, T, d0].
    Raises ValueError for another rank or a `context_size` outside [0, d0 + d1], TypeError unless
    `grad` is float32 or float64.
    """
    return _core.concatenate_context_backward(grad, context_size)
