"""Activations under Keras's names: functions of arrays, and what layers take for `activation`.

Each takes a float32 or float64 array of any shape and returns a new one of the same shape and
dtype; another dtype is a TypeError. Layers run them with their default arguments. Keras 2's
definitions: hard_sigmoid is
clip(0.2 x + 0.5, 0, 1), gelu the exact form.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weft import _core
from weft.arguments import number
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = [
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "linear",
    "relu",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def linear(x: Any) -> np.ndarray:
    """Returns x itself, copied."""
    return _core.activate("linear", x)


def tanh(x: Any) -> np.ndarray:
    """The hyperbolic tangent."""
    return _core.activate("tanh", x)


def sigmoid(x: Any) -> np.ndarray:
    """The logistic function 1 / (1 + exp(-x))."""
    return _core.activate("sigmoid", x)


def relu(
    x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> np.ndarray:
    """Returns x where x > threshold, at most max_value, and alpha (x - threshold) elsewhere."""
    if max_value is not None and number(max_value, "max_value") < 0:
        raise InvalidArgumentError(f"`max_value` must not be negative, got {max_value}")
    if number(alpha, "alpha") == 0 and number(threshold, "threshold") == 0:
        made = _core.activate("relu", x)
    else:
        x = _core.activate("linear", x)
        limit, slope = x.dtype.type(number(threshold, "threshold")), x.dtype.type(alpha)
        below = slope * (x - limit) if slope else np.where(np.isnan(x), x, x.dtype.type(0))
        made = np.where(x > limit, x, below)
    return made if max_value is None else np.minimum(made, made.dtype.type(max_value))


def elu(x: Any, alpha: float = 1.0) -> np.ndarray:
    """Returns x where x > 0, else alpha (exp(x) - 1)."""
    made = _core.activate("elu", x)
    scale = made.dtype.type(number(alpha, "alpha"))
    return made if scale == 1 else np.where(made > 0, made, scale * made)


def selu(x: Any) -> np.ndarray:
    """Returns 1.0507 x if x > 0, else 1.7581 (exp(x) - 1)."""
    return _core.activate("selu", x)


def softplus(x: Any) -> np.ndarray:
    """Returns log(exp(x) + 1)."""
    return _core.activate("softplus", x)


def softsign(x: Any) -> np.ndarray:
    """Returns x / (|x| + 1)."""
    return _core.activate("softsign", x)


def swish(x: Any) -> np.ndarray:
    """Returns x sigmoid(x)."""
    return _core.activate("swish", x)


silu = swish


def gelu(x: Any, approximate: bool = False) -> np.ndarray:
    """Returns x (1 + erf(x / sqrt(2))) / 2. `approximate=True` is refused with a ValueError."""
    if approximate:
        raise InvalidArgumentError("gelu is the exact one here: approximate=True is not supported")
    return _core.activate("gelu", x)


def hard_sigmoid(x: Any) -> np.ndarray:
    """Returns clip(0.2 x + 0.5, 0, 1)."""
    return _core.activate("hard_sigmoid", x)


def exponential(x: Any) -> np.ndarray:
    """Returns exp(x)."""
    return _core.activate("exponential", x)


def softmax(x: Any, axis: int = -1) -> np.ndarray:
    """Returns exp(x) / sum(exp(x)) over one dimension.

    Raises ValueError for a scalar or a dimension that x does not have.
    """
    if isinstance(axis, bool) or not isinstance(axis, numbers.Integral):
        raise WrongTypeError(f"`axis` must be an integer, got {axis!r}")
    if axis == -1:
        return _core.activate("softmax", x)
    x = _core.activate("linear", x)
    if not -x.ndim <= axis < x.ndim:
        raise InvalidArgumentError(f"`axis` is {axis}, x has {x.ndim} dimensions")
    last = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    return np.ascontiguousarray(np.moveaxis(_core.activate("softmax", last), -1, axis))


Identifier = str | Callable[[Any], Any] | None


def serialize(activation: Identifier, use_legacy_format: bool = False) -> str:
    """Returns the name of an activation: of a name, None (linear) or a function of this module.

    `use_legacy_format` has no effect. Raises ValueError for anything else: layers run the
    activations listed here and no other.
    """
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        return _core.check_activation(activation.encode(errors="surrogatepass"))
    name = getattr(activation, "__name__", "")
    known = [n for n in __all__ if n not in ("deserialize", "get", "serialize")]
    if name in known and globals()[name] is activation:
        return name
    raise InvalidArgumentError(f"unknown activation {activation!r}; known are {', '.join(known)}")


def deserialize(
    name: Identifier,
    custom_objects: Mapping[str, Any] | None = None,
    use_legacy_format: bool = False,
) -> Callable[..., np.ndarray] | None:
    """Returns the function of a name, or of `custom_objects`; None stays None, as in Keras.

    `use_legacy_format` has no effect. Raises ValueError for an unknown name.
    """
    if custom_objects and isinstance(name, str) and name in custom_objects:
        return custom_objects[name]
    return None if name is None else get(name)


def get(identifier: Identifier) -> Callable[..., np.ndarray]:
    """Returns the function of a name; None means linear. Raises ValueError for an unknown one."""
    return globals()[serialize(identifier)]
