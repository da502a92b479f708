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
    """The base class. The classes of this module are immutable values: equal when their fields are.

    A subclass, of this class or of another, that defines `__call__(shape, dtype)` serves as a
    callable; one that does not draws the numbers of its base.
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
        # Keras 3 has axes besides, None unless someone chose them.
        none = [k for k in ("input_axes", "output_axes") if config.get(k) is None]
        return cls(**{k: v for k, v in config.items() if k not in ("dtype", *none)})

    def _declare(self, **config: Any) -> None:
        known = next(c for c in type(self).__mro__ if c.__module__ == __name__)
        object.__setattr__(self, "_weft", _core._Initializer(known.__name__, config))

    @property
    def _is_value(self) -> bool:
        """Whether its fields are all that there is to it."""
        return self._weft is not None and type(self).__call__ is Initializer.__call__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._weft is None or name not in self._weft.config:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self._weft.config[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if self._weft is not None:
            raise AttributeError(f"{type(self).__name__} is immutable")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not self._is_value or type(self) is not type(other):
            return self is other
        return self._weft == other._weft

    def __hash__(self) -> int:
        if not self._is_value:
            return id(self)
        return hash((type(self).__name__, *self._weft.config.values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({fields})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_weft": None if self._weft is None else self._weft.config}

    def __setstate__(self, state: dict[str, Any]) -> None:
        config = state["_weft"]
        self.__dict__.update({k: v for k, v in state.items() if k != "_weft"})
        if config is not None:
            self._declare(**config)


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
_FUNCTIONS = {  # Keras's glorot_uniform is GlorotUniform
    "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_"): made
    for name, made in _CLASSES.items()
}
globals().update(_FUNCTIONS)
__all__ += _FUNCTIONS  # noqa: PLE0605

Identifier: TypeAlias = (
    str | Mapping[str, Any] | Initializer | Callable[[Any, Any], Any] | type | None
)


def get(identifier: Identifier) -> Initializer | Callable[[Any, Any], Any] | None:
    """Returns the initializer that a name, a config, an object, a class or a callable means.

    Names are Keras's: "GlorotUniform", "glorot_uniform", "GlorotUniformV2", "normal". None stays
    None. Raises ValueError for an unknown name, TypeError for anything else.
    """
    if identifier is None or isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, (str, Mapping)):
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


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """Makes the initializer that `serialize` describes; a name alone means its defaults.

    `custom_objects`: other classes and callables by their names. Raises ValueError for an unknown
    name or field, TypeError for anything that is no config.
    """
    whole = config if isinstance(config, Mapping) else {"class_name": config}
    name, fields = whole.get("class_name"), whole.get("config") or {}
    if not isinstance(name, str) or not isinstance(fields, Mapping):
        raise WrongTypeError(f"an initializer's config has class_name and config, got {config!r}")
    if custom_objects and name in custom_objects:
        made = custom_objects[name]
        return made.from_config(fields) if hasattr(made, "from_config") else made
    made = _CLASSES[_core.initializer_class(name.encode(errors="surrogatepass"))]
    try:
        return made.from_config(fields)
    except WrongTypeError:
        raise
    except TypeError:  # of Python: an argument that the class does not have
        raise InvalidArgumentError(f"initializer {name} does not take {dict(fields)!r}") from None


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
    if isinstance(found, Initializer) and found._is_value:
        return found._weft
    return found
