"""Dense as a function of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from weft import layers
from weft.errors import InvalidArgumentError
from weft.jax.parameters import Params, check, chosen, parameters_of

__all__ = ["Dense"]

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {  # Keras's definitions
    "linear": lambda x: x,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "swish": jax.nn.silu,
    "silu": jax.nn.silu,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "hard_sigmoid": lambda x: jnp.clip(0.2 * x + 0.5, 0, 1),
    "exponential": jnp.exp,
    "softmax": jax.nn.softmax,
}


class Dense(layers.Dense):
    """As `weft.layers.Dense`, with `init` and `apply`."""

    def init(self, input_size: int) -> dict[str, jax.Array]:
        """The initial kernel and bias for inputs [..., input_size]; seed and name decide them."""
        self.build(input_size)
        return parameters_of(self)

    def apply(self, params: Params, inputs: Any) -> jax.Array:
        """activation(inputs kernel + bias): [B, ..., D] -> [B, ..., units], on any device.

        Raises ValueError for a shape that does not fit, TypeError for another dtype.
        """
        if inputs.ndim < 2:
            raise InvalidArgumentError(f"`inputs` must be [B, ..., D], got shape {inputs.shape}")
        self.build(inputs.shape)
        check(inputs, inputs.shape, self, "inputs")
        weights = chosen(self, params)
        made = jnp.matmul(inputs, weights["kernel"])
        return _ACTIVATIONS[self.activation](made + weights["bias"] if self.use_bias else made)
