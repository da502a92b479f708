"""Columns as JSON, and as TensorFlow serializes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.feature_column.base import FeatureColumn, deserialize, serialize

__all__ = [
    "columns_from_json",
    "columns_to_json",
    "deserialize_feature_columns",
    "serialize_feature_columns",
]


def columns_to_json(feature_columns: Iterable[FeatureColumn]) -> str:
    """The columns as text, for `columns_from_json` here or in a C++ program.

    The text is versioned and stable: equal columns give the same. docs/columns.md has the format.
    Raises ValueError, naming the column, for an initializer or a `normalizer_fn` that is a
    function: use `weft.initializers` and `weft.normalizers`.
    """
    return _core.columns_to_json([column._core for column in checked_columns(feature_columns)])


def columns_from_json(text: str | bytes) -> list[FeatureColumn]:
    """The columns that `columns_to_json` wrote.

    Those of one `shared_embeddings` collection share their table. Raises ValueError or TypeError
    for what is no such text, of another version, or a column that cannot be.
    """
    if not isinstance(text, str | bytes):
        raise WrongTypeError(f"columns_from_json takes text, got {type(text).__name__}")
    _core.check_columns_json(text)
    return deserialize_feature_columns(json.loads(text)["columns"])


def serialize_feature_columns(feature_columns: Iterable[FeatureColumn]) -> list[dict[str, Any]]:
    """[{"class_name": ..., "config": ...}, ...]: TensorFlow's form, for its class names.

    Functions are there by name only.
    """
    return [serialize(column) for column in checked_columns(feature_columns)]


def deserialize_feature_columns(
    configs: Iterable[Mapping[str, Any]], custom_objects: Mapping[str, Any] | None = None
) -> list[FeatureColumn]:
    """The columns that TensorFlow's or weft's `serialize_feature_columns` describes.

    `custom_objects` maps names of functions and initializers to them. Columns that are there twice
    become one object. Raises ValueError for a class, a field or a function that is not known.
    """
    if not isinstance(configs, list | tuple):
        raise WrongTypeError(f"configs must be a list of configs, got {configs!r}")
    if not isinstance(custom_objects, Mapping | None):
        raise WrongTypeError(f"custom_objects must be a dict, got {custom_objects!r}")
    by_name: dict[str, FeatureColumn] = {}
    return [deserialize(config, custom_objects, by_name) for config in configs]


def checked_columns(feature_columns: Any) -> list[FeatureColumn]:
    """The columns of a list, or one column. Raises ValueError for anything else."""
    given = [feature_columns] if isinstance(feature_columns, FeatureColumn) else feature_columns
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise InvalidArgumentError(f"a list of feature columns is expected. Given: {given!r}")
    columns = list(given)
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise InvalidArgumentError(f"a feature column is expected. Given: {column!r}")
    return columns
