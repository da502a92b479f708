"""A layer's weights as the tree of parameters that its functions take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from weft.errors import InvalidArgumentError, WrongTypeError

Params = Mapping[str, Any]


def parameters_of(layer: Any) -> dict[str, jax.Array]:
    """Copies of the layer's weights by name; raises TypeError if JAX would round them."""
    check_precision(layer)
    return {name: jnp.array(weight) for name, weight in layer.weights.items()}


def check_precision(layer: Any) -> None:
    """Raises TypeError for a float64 layer while JAX computes in float32."""
    if layer.dtype.name == "float64" and not jax.config.jax_enable_x64:
        raise WrongTypeError(
            f"layer {layer.name!r} is float64: jax.config.update('jax_enable_x64', True) first"
        )


def chosen(layer: Any, params: Params) -> dict[str, Any]:
    """The layer's weights among `params`, in its order; no gradient goes to what is not trainable.

    Raises ValueError for a name that is missing or a shape that does not fit, TypeError for
    another dtype.
    """
    check_precision(layer)
    trainable = layer.trainable_weights
    made = {}
    for name, weight in layer.weights.items():
        if name not in params:
            raise InvalidArgumentError(f"layer {layer.name!r}: `params` lacks {name!r}")
        check(params[name], weight.shape, layer, name)
        made[name] = params[name] if name in trainable else jax.lax.stop_gradient(params[name])
    return made


def check(array: Any, shape: tuple[int, ...], layer: Any, name: str) -> None:
    """Raises ValueError unless the array has this shape, TypeError unless it has layer's dtype."""
    if tuple(array.shape) != tuple(shape):
        raise InvalidArgumentError(
            f"layer {layer.name!r}: {name!r} must have shape {tuple(shape)}, got {array.shape}"
        )
    if array.dtype != layer.dtype.name:
        raise WrongTypeError(
            f"layer {layer.name!r}: {name!r} must be {layer.dtype.name}, got {array.dtype}"
        )
