"""Activations under Keras's names: functions of arrays, and what layers take for `activation`.

Each takes a float32 or float64 array of any shape and returns a new one of the same shape and
dtype; softmax works over the last dimension. Keras 2's definitions: hard_sigmoid is
clip(0.2 x + 0.5, 0, 1), gelu the exact form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError

__all__ = [
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


def relu(x: Any) -> np.ndarray:
    """The positive part max(x, 0)."""
    return _core.activate("relu", x)


def elu(x: Any) -> np.ndarray:
    """Returns x if x > 0, else exp(x) - 1."""
    return _core.activate("elu", x)


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


def gelu(x: Any) -> np.ndarray:
    """Returns x (1 + erf(x / sqrt(2))) / 2."""
    return _core.activate("gelu", x)


def hard_sigmoid(x: Any) -> np.ndarray:
    """Returns clip(0.2 x + 0.5, 0, 1)."""
    return _core.activate("hard_sigmoid", x)


def exponential(x: Any) -> np.ndarray:
    """Returns exp(x)."""
    return _core.activate("exponential", x)


def softmax(x: Any) -> np.ndarray:
    """Returns exp(x) / sum(exp(x)) over the last dimension."""
    return _core.activate("softmax", x)


Identifier = str | Callable[[Any], Any] | None


def serialize(activation: Identifier) -> str:
    """Returns the name of an activation: of a name, None (linear) or a function of this module.

    Raises ValueError for anything else: layers run the activations listed here and no other.
    """
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        return _core.check_activation(activation)
    name = getattr(activation, "__name__", "")
    if name in __all__ and globals()[name] is activation:
        return name
    known = ", ".join(n for n in __all__ if n not in ("get", "serialize"))
    raise InvalidArgumentError(f"unknown activation {activation!r}; known are {known}")


def get(identifier: Identifier) -> Callable[[Any], np.ndarray]:
    """Returns the function of a name; None means linear."""
    return globals()[serialize(identifier)]
