"""Initial values of weights: Keras's initializers over a counter-based generator.

Classes, arguments and defaults are `tf.keras.initializers`'. The numbers depend on the seed, the
weight's name and the position alone: not on threads, not on what was drawn before. An object called
twice gives the same numbers; two weights that share an initializer and a seed get different ones.

Wherever a layer takes an initializer, a name ("glorot_uniform"), a config
({"class_name": ..., "config": ...}) or a callable `(shape, dtype) -> array` will do as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]


class Initializer:
    """The base class. Its own subclasses are immutable values: equal when their fields are.

    A subclass that only defines `__call__(shape, dtype)` serves as a callable.
    """

    _weft: Any = None

    def __call__(self, shape: Any, dtype: Any = "float32") -> np.ndarray:
        """Draws an array of float32 or float64 with this shape."""
        return self._weft(shape, "float32" if dtype is None else dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {} if self._weft is None else self._weft.config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Initializer:
        """Makes the object that `get_config` describes."""
        return cls(**{k: v for k, v in config.items() if k != "dtype"})

    def _declare(self, **config: Any) -> None:
        object.__setattr__(self, "_weft", _core._Initializer(type(self).__name__, config))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._weft is None or name not in self._weft.config:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self._weft.config[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if self._weft is not None:
            raise AttributeError(f"{type(self).__name__} is immutable")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if self._weft is None or not isinstance(other, Initializer):
            return self is other
        return type(self) is type(other) and self._weft == other._weft

    def __hash__(self) -> int:
        if self._weft is None:
            return id(self)
        return hash((type(self).__name__, *self._weft.config.values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> Any:
        if self._weft is None:
            return super().__reduce__()
        return _restore, (type(self).__name__, self._weft.config)


def _restore(name: str, config: dict[str, Any]) -> Initializer:
    return globals()[name](**config)


class Zeros(Initializer):
    """All zeros."""

    def __init__(self) -> None:
        self._declare()


class Ones(Initializer):
    """All ones."""

    def __init__(self) -> None:
        self._declare()


class Constant(Initializer):
    """All `value`, a number."""

    def __init__(self, value: float = 0) -> None:
        self._declare(value=value)


class RandomUniform(Initializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        self._declare(minval=minval, maxval=maxval, seed=seed)


class RandomNormal(Initializer):
    """Normal."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self._declare(mean=mean, stddev=stddev, seed=seed)


class TruncatedNormal(Initializer):
    """Normal, cut at two standard deviations from the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self._declare(mean=mean, stddev=stddev, seed=seed)


class VarianceScaling(Initializer):
    """Variance scale / n, n being fan_in, fan_out or their mean (`mode`).

    `distribution`: truncated_normal, untruncated_normal or uniform.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        self._declare(scale=scale, mode=mode, distribution=distribution, seed=seed)


class _Scaled(Initializer):
    def __init__(self, seed: int | None = None):
        self._declare(seed=seed)


class GlorotUniform(_Scaled):
    """Uniform of variance 2 / (fan_in + fan_out). Keras's default for kernels."""


class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out)."""


class HeUniform(_Scaled):
    """Uniform of variance 2 / fan_in."""


class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in."""


class LecunUniform(_Scaled):
    """Uniform of variance 1 / fan_in."""


class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in."""


class Orthogonal(Initializer):
    """`gain` times a matrix of orthonormal columns (or rows, if there are fewer)."""

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self._declare(gain=gain, seed=seed)


class Identity(Initializer):
    """`gain` on the main diagonal of a matrix."""

    def __init__(self, gain: float = 1.0):
        self._declare(gain=gain)


_CLASSES = {
    c.__name__: c for c in globals().values() if isinstance(c, type) and c.__module__ == __name__
}
_CLASSES = {k: v for k, v in _CLASSES.items() if k in __all__ and v is not Initializer}
_SHORT = {
    "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_"): made
    for name, made in _CLASSES.items()
}

Identifier: TypeAlias = (
    str | Mapping[str, Any] | Initializer | Callable[[Any, Any], Any] | type | None
)


def get(identifier: Identifier) -> Initializer | Callable[[Any, Any], Any] | None:
    """Returns the initializer that a name, a config, an object, a class or a callable means.

    None stays None. Raises ValueError for an unknown name, TypeError for anything else.
    """
    if identifier is None or isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str):
        made = _CLASSES.get(identifier) or _SHORT.get(identifier)
        if made is None:
            raise InvalidArgumentError(
                f"unknown initializer {identifier!r}; known are {', '.join(_SHORT)}"
            )
        return made()
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        return identifier
    raise WrongTypeError(f"an initializer is a name, an object or a callable, got {identifier!r}")


def serialize(initializer: Initializer | Callable[[Any, Any], Any] | None) -> Any:
    """Returns {"class_name": ..., "config": ...}; a callable's name; None for None."""
    if isinstance(initializer, Initializer):
        return {"class_name": type(initializer).__name__, "config": initializer.get_config()}
    return getattr(initializer, "__name__", initializer)


def deserialize(config: Mapping[str, Any]) -> Initializer:
    """Makes the initializer that `serialize` describes."""
    name = config.get("class_name")
    made = _CLASSES.get(name) or _SHORT.get(name) if isinstance(name, str) else None
    if made is None:
        raise InvalidArgumentError(f"unknown initializer {name!r} in config")
    return made.from_config(config.get("config", {}))


def get_for(value: Identifier, argument: str) -> Initializer | Callable[[Any, Any], Any] | None:
    """As `get`; errors name the argument."""
    try:
        return get(value)
    except (InvalidArgumentError, WrongTypeError) as error:
        raise type(error)(f"`{argument}`: {error}") from None


def _resolve(value: Identifier, argument: str) -> Any:
    """What a binding wants for `argument`: a _core._Initializer or a callable."""
    found = get_for(value, argument)
    if found is None:
        found = GlorotUniform()
    if isinstance(found, Initializer) and found._weft is not None:
        return found._weft
    return found
