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
from weft.feature_column.base import CategoricalColumn, DenseColumn, FeatureColumn
from weft.feature_column.embedding import EmbeddingColumn, embedding_column
from weft.feature_column.identity import (
    IdentityCategoricalColumn,
    categorical_column_with_identity,
    sequence_categorical_column_with_identity,
)
from weft.feature_column.indicator import IndicatorColumn, indicator_column
from weft.feature_column.numeric import (
    NumericColumn,
    SequenceNumericColumn,
    numeric_column,
    sequence_numeric_column,
)
from weft.feature_column.sequence import SequenceCategoricalColumn

__all__ = [
    "CategoricalColumn",
    "DenseColumn",
    "EmbeddingColumn",
    "FeatureColumn",
    "IdentityCategoricalColumn",
    "IndicatorColumn",
    "NumericColumn",
    "SequenceCategoricalColumn",
    "SequenceNumericColumn",
    "categorical_column_with_identity",
    "concatenate_context_input",
    "embedding_column",
    "indicator_column",
    "make_parse_example_spec",
    "numeric_column",
    "sequence_categorical_column_with_identity",
    "sequence_numeric_column",
]

# TensorFlow's other names, compat.v1's included.
_NOT_YET = {
    "bucketized_column",
    "categorical_column_with_hash_bucket",
    "categorical_column_with_vocabulary_file",
    "categorical_column_with_vocabulary_list",
    "crossed_column",
    "input_layer",
    "linear_model",
    "sequence_categorical_column_with_hash_bucket",
    "sequence_categorical_column_with_vocabulary_file",
    "sequence_categorical_column_with_vocabulary_list",
    "shared_embedding_columns",
    "shared_embeddings",
    "weighted_categorical_column",
}


def __getattr__(name: str) -> Any:
    if name in _NOT_YET:
        made = ", ".join(n for n in __all__ if "_column" in n)
        raise AttributeError(f"weft does not have {name} yet; its columns are {made}")
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
