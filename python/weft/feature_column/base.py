"""What all columns have: fields, names, configs, equality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from weft import _core, dtypes, initializers
from weft.errors import InvalidArgumentError
from weft.ragged import Ragged

__all__ = ["CategoricalColumn", "DenseColumn", "FeatureColumn"]

_CLASSES: dict[str, type[FeatureColumn]] = {}


class FeatureColumn:
    """The base of all columns."""

    _FIELDS: ClassVar[tuple[str, ...]] = ()
    _core: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _CLASSES[cls.__name__] = cls

    def _declare(self, core: Any, **fields: Any) -> None:
        self.__dict__.update(fields, _core=core)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: cannot delete {name!r}")

    @property
    def name(self) -> str:
        """The column's name: its outputs stand in the order of names."""
        return self._core.name

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What `weft.io.parse_example` needs in order to give the column its features."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The fields, ready for JSON but for functions: TensorFlow's keys and no other."""
        return {field: _serialized(getattr(self, field)) for field in self._FIELDS}

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        columns_by_name: dict[str, FeatureColumn] | None = None,
    ) -> FeatureColumn:
        """The column that `get_config` describes.

        `custom_objects` maps names of functions and initializers to them. Raises ValueError unless
        the keys are exactly the class's.
        """
        if set(config) != set(cls._FIELDS):
            raise InvalidArgumentError(f"Invalid config: {config}, expected keys: {cls._FIELDS}")
        known = {} if custom_objects is None else custom_objects
        return cls(**{k: _deserialized(k, v, known, columns_by_name) for k, v in config.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeatureColumn):
            return NotImplemented
        return self._core == other._core

    def __hash__(self) -> int:
        return hash(self._core)

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._FIELDS)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> Any:
        return type(self), tuple(getattr(self, field) for field in self._FIELDS)


class CategoricalColumn(FeatureColumn):
    """A column whose values are ids in [0, num_buckets)."""

    @property
    def num_buckets(self) -> int:
        """How many ids there are."""
        raise NotImplementedError

    def ids(
        self, features: Mapping[str, Any], *, missing: Any = "auto", strict: bool = False
    ) -> Ragged:
        """The int64 ids of a batch, for tables and models that are not weft's.

        Rows of ids; of a sequence column rows of steps, or of steps of ids where a step may hold
        several or none. Ids that need no change are shared with `features`, not copied.
        `missing`: what counts as absent; see `weft.layers.SequenceFeatures`.
        """
        batch = select(features, self._core.keys())
        return _core.column_ids(self._core, batch, ids_options(missing, strict))


class DenseColumn(FeatureColumn):
    """A column whose values are numbers: what a feature layer takes."""

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one row, or of one step."""
        raise NotImplementedError


def io() -> ModuleType:
    """`weft.io`, whose spec classes the columns use; imported late, for it comes after this."""
    from weft import io as module

    return module


def key_of(key: Any) -> str:
    """The key. Raises ValueError unless it is a string, as TensorFlow does."""
    if not isinstance(key, str):
        raise InvalidArgumentError(
            f"key must be a string. Got: type {type(key)}. Given key: {key}."
        )
    return key


def categorical_core(column: Any, what: str) -> Any:
    """What is inside a categorical column. Raises ValueError for anything else."""
    if not isinstance(column, CategoricalColumn):
        raise InvalidArgumentError(
            f"{what}: Unsupported input type. Input must be a CategoricalColumn. Given: {column!r}"
        )
    return column._core


def select(features: Any, keys: Iterable[str]) -> dict[str, Any]:
    """The features that are read: what else a batch holds may be anything."""
    if not isinstance(features, Mapping):
        raise InvalidArgumentError(
            f"We expected a dictionary here. Instead we got: {type(features).__name__}"
        )
    return {key: features[key] for key in keys if key in features}


def ids_options(missing: Any, strict: bool) -> dict[str, Any]:
    """`missing` and `strict` as the library takes them; see `weft.layers.SequenceFeatures`."""
    options: dict[str, Any] = {"integer": None, "text": None, "everywhere": True}
    if isinstance(missing, str) and missing == "auto":
        options = {"integer": -1, "text": b"", "everywhere": False}
    elif isinstance(missing, str | bytes):
        options["text"] = missing
    elif missing is not None:
        options["integer"] = missing
    return {**options, "strict": bool(strict)}


def serialize(column: FeatureColumn) -> dict[str, Any]:
    """{"class_name": ..., "config": ...}, as TensorFlow nests columns in configs."""
    return {"class_name": type(column).__name__, "config": column.get_config()}


def deserialize(
    config: Mapping[str, Any],
    custom_objects: Mapping[str, Any] | None = None,
    columns_by_name: dict[str, FeatureColumn] | None = None,
) -> FeatureColumn:
    """The column that `serialize` describes. Columns of one class and name become one object."""
    if not isinstance(config, Mapping) or not {"class_name", "config"} <= set(config):
        raise InvalidArgumentError(f"Improper config format: {config}")
    if config["class_name"] not in _CLASSES:
        raise InvalidArgumentError(f"Unknown feature_column: {config['class_name']}")
    made = _CLASSES[config["class_name"]].from_config(
        config["config"], custom_objects, columns_by_name
    )
    if columns_by_name is None:
        return made
    return columns_by_name.setdefault(f"{type(made).__name__}:{made.name}", made)


def _serialized(value: Any) -> Any:
    if isinstance(value, FeatureColumn):
        return serialize(value)
    if isinstance(value, dtypes.DType):
        return value.name
    return value


def _listed(value: Any) -> Any:
    """JSON makes lists of tuples."""
    return tuple(_listed(v) for v in value) if isinstance(value, list) else value


def _deserialized(
    field: str,
    value: Any,
    known: Mapping[str, Any],
    columns_by_name: dict[str, FeatureColumn] | None,
) -> Any:
    if field == "categorical_column" and isinstance(value, Mapping):
        return deserialize(value, known, columns_by_name)
    if field == "initializer" and isinstance(value, Mapping):
        if value.get("class_name") in known:
            return known[value["class_name"]].from_config(value["config"])
        # TensorFlow's own initializers name a dtype too, which is the layer's here.
        own = {k: v for k, v in value.get("config", {}).items() if k != "dtype"}
        return initializers.deserialize({**value, "config": own})
    if field == "normalizer_fn" and isinstance(value, str):
        if value not in known:
            raise InvalidArgumentError(
                f"Unknown normalizer_fn {value!r}: pass it in custom_objects"
            )
        return known[value]
    return _listed(value)
