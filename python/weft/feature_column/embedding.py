"""Rows of a table for ids."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from weft.arguments import path
from weft.errors import InvalidArgumentError
from weft.feature_column.base import CategoricalColumn, DenseColumn, column_class

__all__ = ["EmbeddingColumn", "embedding_column"]


@column_class
class EmbeddingColumn(DenseColumn):
    """One row of a table for each id. See `embedding_column`."""

    _ADDED: ClassVar[dict[str, Any]] = {"use_safe_embedding_lookup": True}

    categorical_column: CategoricalColumn
    dimension: int
    combiner: str = "mean"
    initializer: Any = None
    ckpt_to_load_from: str | os.PathLike[str] | None = None
    tensor_name_in_ckpt: str | None = None
    max_norm: float | None = None
    trainable: bool = True
    use_safe_embedding_lookup: bool = True

    def __post_init__(self) -> None:
        """Checks what TensorFlow checks by names of its own."""
        if self.dimension is None:
            raise InvalidArgumentError("Invalid dimension None.")
        if self.initializer is not None and not callable(self.initializer):
            name = getattr(self.categorical_column, "name", self.categorical_column)
            raise InvalidArgumentError(
                f"initializer must be callable if specified. Embedding of column_name: {name}"
            )
        file = self.ckpt_to_load_from
        super().__post_init__(
            ckpt_to_load_from=None if file is None else path(file, "ckpt_to_load_from"),
            trainable=bool(self.trainable),
            use_safe_embedding_lookup=bool(self.use_safe_embedding_lookup),
        )


def embedding_column(
    categorical_column: CategoricalColumn,
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    ckpt_to_load_from: str | os.PathLike[str] | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> EmbeddingColumn:
    """One row of a table [num_buckets, dimension] for each id.

    Several ids, of one step or of one row of a column that is no sequence, are combined: "mean",
    "sum", or "sqrtn" (the sum over the square root of their number). An id that is absent or out of
    vocabulary counts for nothing; no id at all gives zeros.

    Args:
        categorical_column: where the ids come from.
        dimension: the size of a row.
        combiner: "mean", "sqrtn" or "sum".
        initializer: of the table: an object of `weft.initializers` or a callable
            `(shape, dtype) -> array`. Truncated normal with mean 0 and standard deviation
            1 / sqrt(dimension) when it is None.
        ckpt_to_load_from: kept for TensorFlow's sake; a layer refuses it for now.
        tensor_name_in_ckpt: as above.
        max_norm: rows with a larger l2 norm are scaled down to it before they are combined.
        trainable: whether training changes the table.
        use_safe_embedding_lookup: no effect: lookups are always safe.

    Raises ValueError for what cannot work: a column that is not categorical, a dimension < 1, an
    unknown combiner; TypeError for an argument of another type.
    """
    return EmbeddingColumn(**locals())
