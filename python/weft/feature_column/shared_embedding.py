"""One table for several columns."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import Any

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.feature_column.base import CategoricalColumn, column_class
from weft.feature_column.embedding import EmbeddingColumn

__all__ = ["SharedEmbeddingColumn", "SharedEmbeddingColumnCreator", "shared_embeddings"]


class SharedEmbeddingColumnCreator:
    """What the columns of one `shared_embeddings` call have in common: their table."""

    def __init__(self) -> None:
        """Begins without a table: the first layer makes it."""
        self._tables = _core.SharedTables()

    def __reduce__(self) -> Any:
        return type(self), ()


@column_class
class SharedEmbeddingColumn(EmbeddingColumn):
    """One row of a table that other columns read too. See `shared_embeddings`."""

    shared_embedding_collection_name: str = ""
    shared_embedding_column_creator: dataclasses.InitVar[SharedEmbeddingColumnCreator | None] = None

    def __post_init__(self, creator: SharedEmbeddingColumnCreator | None) -> None:  # type: ignore[override]
        """Takes the table of `creator`, or one of its own."""
        creator = SharedEmbeddingColumnCreator() if creator is None else creator
        self.__dict__["shared_embedding_column_creator"] = creator
        self.__dict__["_tables"] = creator._tables
        super().__post_init__()

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        columns_by_name: dict[str, Any] | None = None,
    ) -> SharedEmbeddingColumn:
        """The column that `get_config` describes.

        Columns of one collection that are read together, with one `columns_by_name`, share their
        table.
        """
        made = super().from_config(config, custom_objects, columns_by_name)
        if columns_by_name is None:
            return made
        key = f"{cls.__name__} of {made.shared_embedding_collection_name}"
        creator = columns_by_name.setdefault(key, made.shared_embedding_column_creator)
        fields = {name: getattr(made, name) for name in cls._fields()}
        return cls(**fields, shared_embedding_column_creator=creator)

    def __reduce__(self) -> Any:
        kind, fields = super().__reduce__()
        return kind, (*fields, self.shared_embedding_column_creator)


def shared_embeddings(
    categorical_columns: Iterable[CategoricalColumn],
    dimension: int,
    combiner: str = "mean",
    initializer: Any = None,
    shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: str | os.PathLike[str] | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> list[SharedEmbeddingColumn]:
    """`embedding_column`s with one table: one for each of `categorical_columns`, in their order.

    They share it in whatever layers they are: a column of a SequenceFeatures with a column of a
    DenseFeatures too. The first of the layers makes it. The columns are all of one class, under
    their weights and sequences, and of one number of buckets.

    `shared_embedding_collection_name` is the table's name; by default those of the columns, sorted:
    "a_b_shared_embedding". The other arguments are `embedding_column`'s.

    Raises ValueError as `embedding_column` does, and for columns that do not go together.
    """
    if not isinstance(categorical_columns, Iterable):
        raise InvalidArgumentError(
            f"categorical_columns must be a list of columns. Given: {categorical_columns!r}"
        )
    columns = list(categorical_columns)
    for column in columns:
        if not isinstance(column, CategoricalColumn):
            raise InvalidArgumentError(
                "All categorical_columns must be subclasses of CategoricalColumn. "
                f"Given: {column!r}, of type: {type(column)}"
            )
    default_name = _core.shared_embedding_name([column._core for column in columns])
    name = shared_embedding_collection_name
    if name is not None and not isinstance(name, str):
        raise WrongTypeError(f"shared_embedding_collection_name must be a string, got {name!r}")
    common = {k: v for k, v in locals().items() if k in SharedEmbeddingColumn.__dataclass_fields__}
    common["shared_embedding_collection_name"] = name or default_name
    common["shared_embedding_column_creator"] = SharedEmbeddingColumnCreator()
    return [SharedEmbeddingColumn(column, **common) for column in columns]
