"""Pooling over time as functions of JAX's operations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from weft import layers
from weft.errors import InvalidArgumentError
from weft.jax.parameters import Params, check, chosen, parameters_of

__all__ = ["AttentionPooling", "GlobalAveragePooling1D", "GlobalMaxPooling1D", "Pooling"]


def _real_steps(inputs: Any, mask: Any, lengths: Any) -> jax.Array:
    """True at real steps: bool [B, T, 1]."""
    if inputs.ndim != 3:
        raise InvalidArgumentError(f"`inputs` must be [B, T, D], got shape {inputs.shape}")
    if mask is not None and lengths is not None:
        raise InvalidArgumentError("give `mask` or `lengths`, not both")
    rows, steps = inputs.shape[:2]
    if lengths is not None:
        mask = jnp.arange(steps) < jnp.asarray(lengths)[:, None]
    mask = jnp.ones((rows, steps), bool) if mask is None else jnp.asarray(mask)
    if mask.shape != (rows, steps):
        raise InvalidArgumentError(f"`mask` must be {(rows, steps)}, got shape {mask.shape}")
    return mask[..., None]


def _mean(inputs: jax.Array, real: jax.Array) -> jax.Array:
    return _sum(inputs, real) / jnp.maximum(real.sum(1), 1).astype(inputs.dtype)


def _sum(inputs: jax.Array, real: jax.Array) -> jax.Array:
    return jnp.where(real, inputs, 0).sum(1)


def _max(inputs: jax.Array, real: jax.Array) -> jax.Array:
    most = jnp.where(real, inputs, -jnp.inf).max(1, initial=-jnp.inf)
    return jnp.where(real.any(1), most, 0)


def _last(inputs: jax.Array, real: jax.Array) -> jax.Array:
    behind = jnp.flip(jnp.cumsum(jnp.flip(real, 1), 1), 1)  # real steps from here on
    return _sum(inputs, real & (behind == 1))


_POOLINGS = {"mean": _mean, "sum": _sum, "max": _max, "last": _last}


class _Pooling:
    """What the poolings without weights add to those of `weft.layers`."""

    def init(self) -> dict[str, jax.Array]:
        """No weights."""
        return {}

    def apply(
        self, params: Params, inputs: Any, mask: Any = None, lengths: Any = None
    ) -> jax.Array:
        """Pools inputs [B, T, D]: a pure function, on any device.

        Args:
          params: none: what `init` gives.
          inputs: an array.
          mask: bool [B, T], of any pattern; steps that are False do not count.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.

        Returns:
          [B, D]; [B, 1, D] with keepdims.

        Raises ValueError for another rank, a mask that does not fit, or both mask and lengths.
        """
        real = _real_steps(inputs, mask, lengths)
        return self._shaped(_POOLINGS[self.pooling](jnp.asarray(inputs), real))


class Pooling(_Pooling, layers.Pooling):
    """As `weft.layers.Pooling`, with `init` and `apply`."""


class GlobalAveragePooling1D(_Pooling, layers.GlobalAveragePooling1D):
    """As `weft.layers.GlobalAveragePooling1D`, with `init` and `apply`."""


class GlobalMaxPooling1D(_Pooling, layers.GlobalMaxPooling1D):
    """As `weft.layers.GlobalMaxPooling1D`, with `init` and `apply`."""


class AttentionPooling(layers.AttentionPooling):
    """As `weft.layers.AttentionPooling`, with `init` and `apply`."""

    def init(self, key_size: int) -> dict[str, jax.Array]:
        """The initial weights for keys [B, T, key_size]; seed and name decide them."""
        self.build((None, None, key_size))
        return parameters_of(self)

    def apply(
        self,
        params: Params,
        inputs: Any,
        query: Any = None,
        keys: Any = None,
        mask: Any = None,
        lengths: Any = None,
    ) -> jax.Array:
        """Pools inputs [B, T, E]: a pure function, on any device.

        Arguments and result as those of a call of the layer, `params` apart. Raises ValueError for
        shapes that do not fit, no query or one too many, and both mask and lengths; TypeError for
        another dtype.
        """
        real = _real_steps(inputs, mask, lengths)
        keys = inputs if keys is None else keys
        self.build(keys.shape)
        check(inputs, inputs.shape, self, "inputs")
        check(keys, (*inputs.shape[:2], keys.shape[-1]), self, "keys")
        weights = chosen(self, params)
        if self.learned_query == (query is not None):
            raise InvalidArgumentError(
                f"layer {self.name!r} takes {'no' if self.learned_query else 'a'} `query`"
            )
        if query is None:
            query = jnp.broadcast_to(weights["query"], (len(keys), keys.shape[-1]))
        check(query, (len(keys), keys.shape[-1]), self, "query")
        scores = jnp.einsum("btd,bd->bt", jnp.where(real, keys, 0), query)[..., None]
        if self.use_scale:
            scores = scores * weights["scale"]
        if self.divide_by_root:
            scores = scores / keys.shape[-1] ** 0.5
        largest = jnp.where(real, scores, -jnp.inf).max(1, keepdims=True, initial=-jnp.inf)
        largest = jnp.where(real.any(1, keepdims=True), jax.lax.stop_gradient(largest), 0)
        shares = jnp.where(real, jnp.exp(jnp.where(real, scores - largest, 0)), 0)
        shares = shares / jnp.maximum(shares.sum(1, keepdims=True), 1)
        return (shares * jnp.where(real, inputs, 0)).sum(1)
