"""Rows of a table for ids."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from weft import _core, initializers
from weft.errors import InvalidArgumentError
from weft.feature_column.base import CategoricalColumn, DenseColumn, FeatureColumn, categorical_core

__all__ = ["EmbeddingColumn", "embedding_column"]


class EmbeddingColumn(DenseColumn):
    """One row of a table for each id. See `embedding_column`."""

    _FIELDS = (
        "categorical_column",
        "dimension",
        "combiner",
        "initializer",
        "ckpt_to_load_from",
        "tensor_name_in_ckpt",
        "max_norm",
        "trainable",
        "use_safe_embedding_lookup",
    )

    def __init__(
        self,
        categorical_column: CategoricalColumn,
        dimension: int,
        combiner: str = "mean",
        initializer: Any = None,
        ckpt_to_load_from: str | None = None,
        tensor_name_in_ckpt: str | None = None,
        max_norm: float | None = None,
        trainable: bool = True,
        use_safe_embedding_lookup: bool = True,
    ):
        fields = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        if dimension is None:
            raise InvalidArgumentError("Invalid dimension None.")
        if initializer is not None and not callable(initializer):
            name = getattr(categorical_column, "name", categorical_column)
            raise InvalidArgumentError(
                f"initializer must be callable if specified. Embedding of column_name: {name}"
            )
        arguments = {
            **fields,
            "categorical_column": categorical_core(categorical_column, "embedding_column"),
        }
        for flag in ("trainable", "use_safe_embedding_lookup"):
            fields[flag] = arguments[flag] = bool(fields[flag])
        if isinstance(max_norm, numbers.Real):
            fields["max_norm"] = arguments["max_norm"] = float(max_norm)
        core = _core.embedding_column(**arguments)
        fields["dimension"] = int(dimension)
        if initializer is None:
            fields["initializer"] = core.initializer()
        self._declare(core, **fields)

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """(dimension,)."""
        return (self.dimension,)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the categorical column."""
        return self.categorical_column.parse_example_spec

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        columns_by_name: dict[str, FeatureColumn] | None = None,
    ) -> FeatureColumn:
        """As FeatureColumn's; old configs lack use_safe_embedding_lookup."""
        config = {"use_safe_embedding_lookup": True, **config}
        return super().from_config(config, custom_objects, columns_by_name)

    def get_config(self) -> dict[str, Any]:
        """The fields; the initializer by its own config."""
        return {**super().get_config(), "initializer": initializers.serialize(self.initializer)}


def embedding_column(
    categorical_column: CategoricalColumn,
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    ckpt_to_load_from: str | None = None,
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
    unknown combiner.
    """
    return EmbeddingColumn(
        categorical_column,
        dimension,
        combiner,
        initializer,
        ckpt_to_load_from,
        tensor_name_in_ckpt,
        max_norm,
        trainable,
        use_safe_embedding_lookup,
    )
