"""What all columns have: fields, names, configs, equality."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from weft import _core, dtypes, initializers, normalizers
from weft.errors import InvalidArgumentError
from weft.ragged import Ragged

__all__ = ["CategoricalColumn", "DenseColumn", "FeatureColumn"]

_CLASSES: dict[str, type[FeatureColumn]] = {}
_FLOATS = (dtypes.float32, dtypes.float64)


class FeatureColumn:
    """The base of all columns."""

    _KIND: ClassVar[str]
    _ADDED: ClassVar[dict[str, Any]] = {}  # fields that old configs lack
    _KEPT: ClassVar[frozenset[str]] = frozenset()  # fields that stay as users gave them
    _tables: Any = None  # of shared embeddings
    _core: Any

    def __post_init__(self, **changed: Any) -> None:
        """Makes the column inside, which checks the fields; what it says they are is what they are.

        `changed`: fields as the library takes them, where users may give them in other ways.
        """
        fields = {name: getattr(self, name) for name in self._fields()} | changed
        if not isinstance(fields.get("key", ""), str):
            key = fields["key"]
            raise InvalidArgumentError(f"key must be a string. Got: type {type(key)}. Given: {key}")
        inner = fields.get("categorical_column")
        if "categorical_column" in fields and not isinstance(inner, CategoricalColumn):
            raise InvalidArgumentError(
                f"{self._KIND}: Unsupported input type. Input must be a CategoricalColumn. "
                f"Given: {inner!r}"
            )
        core = _core.Column(self._KIND, fields, self._tables)
        held = {k: v for k, v in fields.items() if isinstance(v, FeatureColumn)}
        held |= {name: getattr(self, name) for name in self._KEPT}
        self.__dict__.update(_tuples(core.config) | held, _core=core)

    @classmethod
    def _fields(cls) -> tuple[str, ...]:
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """The column's name: its outputs stand in the order of names."""
        return self._core.name

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """What `weft.io.parse_example` needs in order to give the column its features."""
        specs = self._core.parse_example_spec.items()
        return {key: getattr(io(), kind)(*_tuples(rest)) for key, (kind, *rest) in specs}

    def get_config(self) -> dict[str, Any]:
        """The fields, ready for JSON: TensorFlow's keys and no other. Functions by their names."""
        return {name: _serialized(name, getattr(self, name)) for name in self._fields()}

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        columns_by_name: dict[str, FeatureColumn] | None = None,
    ) -> FeatureColumn:
        """The column that `get_config` describes.

        `custom_objects` maps names of functions and initializers to them. Raises ValueError unless
        the keys are exactly the class's, and for a name that is not known.
        """
        if isinstance(config, Mapping):
            config = {**cls._ADDED, **config}
        if not isinstance(config, Mapping) or set(config) != set(cls._fields()):
            raise InvalidArgumentError(f"Invalid config: {config}, expected keys: {cls._fields()}")
        known = {} if custom_objects is None else custom_objects
        return cls(**{k: _deserialized(k, v, known, columns_by_name) for k, v in config.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeatureColumn):
            return NotImplemented
        return self._core == other._core

    def __hash__(self) -> int:
        return hash(self._core)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields())
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> Any:
        return type(self), tuple(getattr(self, name) for name in self._fields())


Kind = TypeVar("Kind", bound=type[FeatureColumn])


@typing.dataclass_transform(frozen_default=True, eq_default=False)
def column_class(cls: Kind) -> Kind:
    """Decorates a kind of column: its annotations are its fields, its name is the library's."""
    made = dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
    made._KIND = made.__name__
    _CLASSES[made.__name__] = made
    return made


class CategoricalColumn(FeatureColumn):
    """A column whose values are ids in [0, num_buckets)."""

    @property
    def num_buckets(self) -> int:
        """How many ids there are."""
        return self._core.num_buckets

    def ids(
        self, features: Mapping[str, Any], *, missing: Any = "auto", strict: bool = False
    ) -> Ragged:
        """The int64 ids of a batch, for tables and models that are not weft's.

        Rows of ids; of a sequence column rows of steps, or of steps of ids where a step may hold
        several or none. Ids that need no change are shared with `features`, not copied.
        `missing`: what counts as absent; see `weft.layers.SequenceFeatures`.
        """
        batch = select(features, self._core.parse_example_spec)
        return _core.column_ids(self._core, batch, ids_options(missing, strict))


class DenseColumn(FeatureColumn):
    """A column whose values are numbers: what a feature layer takes."""

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one row, or of one step."""
        return self._core.variable_shape


def io() -> ModuleType:
    """`weft.io`, whose spec classes the columns use; imported late, for it comes after this."""
    from weft import io as module

    return module


def select(features: Any, keys: Iterable[str]) -> dict[str, Any]:
    """The features that are read: what else a batch holds may be anything.

    A batch is a dict, a pandas DataFrame, or what follows Arrow's PyCapsule interface.
    """
    if isinstance(features, Mapping) or type(features).__module__.partition(".")[0] == "pandas":
        return {key: features[key] for key in keys if key in features}
    if hasattr(features, "__arrow_c_array__") or hasattr(features, "__arrow_c_stream__"):
        batch = _core.from_arrow(features, list(keys))
        if isinstance(batch, dict):
            return batch
    raise InvalidArgumentError(
        f"We expected a dictionary here. Instead we got: {type(features).__name__}"
    )


def plain_keys(column: FeatureColumn) -> set[str]:
    """The floats that a column reads as they are: by no `normalizer_fn`, which may mend them."""
    if getattr(column, "normalizer_fn", None) is not None:
        return set()
    inner = [one for one in vars(column).values() if isinstance(one, FeatureColumn)]
    inner += [one for one in getattr(column, "keys", ()) if isinstance(one, FeatureColumn)]
    spec = column.parse_example_spec
    own = {key for key, feature in spec.items() if feature.dtype in _FLOATS}
    for one in inner:
        own -= set(one._core.parse_example_spec) - plain_keys(one)
    return own


def ids_options(missing: Any, strict: bool) -> dict[str, Any]:
    """`missing` and `strict` as the library takes them; see `weft.layers.SequenceFeatures`."""
    options: dict[str, Any] = {"integer": None, "text": None, "everywhere": True}
    if isinstance(missing, str) and missing == "auto":
        options = {"integer": -1, "text": b"", "everywhere": False}
    elif isinstance(missing, str | bytes):
        options["text"] = missing if isinstance(missing, bytes) else _bytes(missing)
    elif missing is not None:
        options["integer"] = missing
    return {**options, "strict": bool(strict)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


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
    name = config["class_name"]
    if not isinstance(name, str) or name not in _CLASSES:
        raise InvalidArgumentError(f"Unknown feature_column: {name}")
    made = _CLASSES[name].from_config(config["config"], custom_objects, columns_by_name)
    if columns_by_name is None:
        return made
    return columns_by_name.setdefault(f"{type(made).__name__}:{made.name}", made)


def _serialized(field: str, value: Any) -> Any:
    if isinstance(value, FeatureColumn):
        return serialize(value)
    if field == "keys":
        return [key if isinstance(key, str) else serialize(key) for key in value]
    if isinstance(value, normalizers.Normalizer):
        return normalizers.serialize(value)
    if field == "normalizer_fn" and isinstance(value, tuple):
        return [normalizers.serialize(step) for step in value]
    if isinstance(value, dtypes.DType):
        return value.name
    if field == "initializer":
        return initializers.serialize(value)
    return getattr(value, "__name__", str(value)) if callable(value) else value


def _tuples(value: Any) -> Any:
    """Lists as tuples, which they were before JSON or numpy."""
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _deserialized(
    field: str,
    value: Any,
    known: Mapping[str, Any],
    columns_by_name: dict[str, FeatureColumn] | None,
) -> Any:
    if isinstance(value, Mapping) and field in ("categorical_column", "source_column"):
        return deserialize(value, known, columns_by_name)
    if field == "keys" and isinstance(value, list | tuple):
        return tuple(
            deserialize(key, known, columns_by_name) if isinstance(key, Mapping) else key
            for key in value
        )
    if field == "normalizer_fn" and isinstance(value, Mapping):
        return normalizers.deserialize(value)
    if field == "normalizer_fn" and isinstance(value, list | tuple):
        return tuple(normalizers.deserialize(step) for step in value)
    if isinstance(value, Mapping) and field == "initializer":
        return initializers.deserialize(value, known)
    if isinstance(value, str) and field in ("initializer", "normalizer_fn"):
        if value in known:
            return known[value]
        if field == "initializer":
            return initializers.get_for(value, field)
        raise InvalidArgumentError(f"Unknown {field} {value!r}: pass it in custom_objects")
    return _from_json(_tuples(value))


def _from_json(value: Any) -> Any:
    """What JSON has no type for, as `columns_to_json` writes it."""
    if isinstance(value, tuple):
        return tuple(_from_json(v) for v in value)
    try:
        if isinstance(value, dict) and value.keys() == {"bytes"}:
            return bytes(value["bytes"])
        if isinstance(value, dict) and value.keys() == {"float"}:
            return float(value["float"])
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"Improper config format: {value}") from None
    return value
