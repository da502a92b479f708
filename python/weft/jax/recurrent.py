"""Recurrent layers as functions of their parameters: weft's kernels, called back from JAX.

The way back is one callback too, which runs the layer forward once more. Nothing is kept between
the two: XLA may call a callback twice, or never.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.buffer_callback import buffer_callback

from weft import layers
from weft.errors import InvalidArgumentError
from weft.jax.parameters import Params, check, chosen, parameters_of
from weft.layers.cells import flatten

__all__ = ["GRU", "LSTM", "RNN", "Bidirectional", "SimpleRNN"]


class _Recurrent:
    """What the recurrent layers add to those of `weft.layers`."""

    def init(self, input_size: int) -> dict[str, jax.Array]:
        """The initial weights for inputs [B, T, input_size]; seeds and names decide them."""
        self.build((None, None, input_size))
        return parameters_of(self)

    def apply(
        self,
        params: Params,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        *,
        step: Any = None,
    ) -> Any:
        """Runs the recurrence over inputs [B, T, D]: a pure function, differentiable once.

        Gradients go to `params`, `inputs` and `initial_state`, by reverse mode only. It runs on the
        CPU, wherever the rest does.

        Args:
          params: the weights by name, as `init` gives them.
          inputs: an array of the layer's dtype ([T, B, D] if time_major).
          mask: bool [B, T]; steps that are False are masked. Any pattern.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.
          initial_state: [B, H]; [h, c] for LSTM; one entry per cell for stacked cells. Zeros if
            None.
          step: the number of the training step, which decides the masks of dropout. None: no
            dropout.

        Returns:
          What a call of the layer gives.

        Raises:
          ValueError: a shape that does not fit, or a stateful layer. TypeError: another dtype.
        """
        if self.stateful:
            raise InvalidArgumentError(f"layer {self.name!r} is stateful, which no function is")
        if inputs.ndim != 3:
            raise InvalidArgumentError(f"`inputs` must be [B, T, D], got shape {inputs.shape}")
        self.build(inputs.shape)
        check(inputs, inputs.shape, self, "inputs")
        states = [] if initial_state is None else self._states(initial_state, inputs)
        weights = list(chosen(self, params).values())
        rest = [None if given is None else jnp.asarray(given) for given in (mask, lengths, step)]
        return self._nested(_jitted(self, (weights, inputs, states), rest))

    def _states(self, initial_state: Any, inputs: Any) -> list[Any]:
        """The initial states, flat and checked."""
        states, sizes = flatten(initial_state), self._state_sizes()
        if len(states) != len(sizes):
            raise InvalidArgumentError(
                f"layer {self.name!r} has {len(sizes)} states, `initial_state` {len(states)}"
            )
        rows = inputs.shape[1 if self.time_major else 0]
        for state, size in zip(states, sizes, strict=True):
            check(state, (rows, size), self, "initial_state")
        return states

    def _state_sizes(self) -> list[int]:
        return flatten(self.state_size)

    def _nested(self, flat: list[Any]) -> Any:
        """Outputs and states as a call of the layer gives them."""
        return self._returned(flat[0], flat[1:])

    def _shapes(self, inputs: Any) -> list[jax.ShapeDtypeStruct]:
        """Outputs and states, flat, for inputs of a shape."""
        made = self.compute_output_shape(inputs.shape)
        made = made if isinstance(made, list) else [made]
        return [jax.ShapeDtypeStruct(shape, inputs.dtype) for shape in made]

    def _forward(self, given: Any, rest: Any) -> list[np.ndarray]:
        """Outputs and states, in a callback."""
        weights, inputs, states = given
        return jax.tree.leaves(self._over(weights)(inputs, **_keywords(states, *rest)))

    def _backward(self, given: Any, rest: Any, grads: list[np.ndarray]) -> Any:
        """Gradients in the structure of `given`, in a callback."""
        weights, inputs, states = given
        outputs, pullback = self._over(weights).vjp(inputs, **_keywords(states, *rest))
        nested = jax.tree.unflatten(jax.tree.structure(outputs), grads)
        (inputs, *states), made = pullback(*(nested if isinstance(nested, tuple) else (nested,)))
        return [made[name] for name in self.weights], inputs, states

    def _over(self, weights: list[np.ndarray]) -> Any:
        """The layer with these weights: one callback's own, for several may run at once."""
        return _over(self, weights)


def _over(layer: Any, weights: list[np.ndarray]) -> Any:
    return _with(layer, _layer=layer._layer.over(weights))


def _with(layer: Any, **changed: Any) -> Any:
    """The layer with other attributes."""
    made = object.__new__(type(layer))
    made.__dict__.update(layer.__dict__, **changed)
    return made


def _keywords(states: list[Any], mask: Any, lengths: Any, step: Any) -> dict[str, Any]:
    """The arguments of a layer beside its inputs."""
    made = {"mask": mask, "lengths": lengths, "initial_state": states or None}
    return made if step is None else {**made, "training": True, "step": int(step)}


def _called(function: Callable[..., Any], shapes: Any, *args: Any) -> Any:
    """`function` of numpy arrays as an operation whose results have `shapes`.

    On the CPU it works in XLA's own memory. There jax.pure_callback would copy arguments above
    100 KB on the threads that run computations, and wait for the copies on such a thread: with one
    CPU, or as many callbacks at once as CPUs, for ever.
    """

    def in_place(_: Any, out: Any, *buffers: Any) -> None:
        made = function(*jax.tree.map(np.asarray, buffers))
        jax.tree.map(lambda to, array: np.copyto(np.asarray(to), array), out, made)

    def from_elsewhere(*arrays: Any) -> Any:
        return function(*jax.tree.map(np.asarray, arrays))

    def on_cpu(*args: Any) -> Any:
        return buffer_callback(in_place, shapes, vmap_method="sequential")(*args)

    def on_others(*args: Any) -> Any:
        return jax.pure_callback(from_elsewhere, shapes, *args, vmap_method="sequential")

    return jax.lax.platform_dependent(*args, cpu=on_cpu, default=on_others)


@functools.partial(jax.jit, static_argnums=0)  # or each call outside of jit would be compiled
def _jitted(layer: _Recurrent, given: Any, rest: Any) -> list[jax.Array]:
    return _run(layer, given, rest)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _run(layer: _Recurrent, given: Any, rest: Any) -> list[jax.Array]:
    """Outputs and states for (weights, inputs, states) and (mask, lengths, step)."""
    return _called(layer._forward, layer._shapes(given[1]), given, rest)


def _run_forward(layer: _Recurrent, given: Any, rest: Any) -> Any:
    return _run(layer, given, rest), (given, rest)


def _run_backward(layer: _Recurrent, kept: Any, grads: list[jax.Array]) -> Any:
    given, rest = kept
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), given)
    return _called(layer._backward, shapes, given, rest, grads), None


_run.defvjp(_run_forward, _run_backward)


class RNN(_Recurrent, layers.RNN):
    """As `weft.layers.RNN`, with `init` and `apply`."""


class SimpleRNN(_Recurrent, layers.SimpleRNN):
    """As `weft.layers.SimpleRNN`, with `init` and `apply`."""


class GRU(_Recurrent, layers.GRU):
    """As `weft.layers.GRU`, with `init` and `apply`."""


class LSTM(_Recurrent, layers.LSTM):
    """As `weft.layers.LSTM`, with `init` and `apply`."""


class Bidirectional(_Recurrent, layers.Bidirectional):
    """As `weft.layers.Bidirectional`, with `init` and `apply`."""

    def _state_sizes(self) -> list[int]:
        return flatten([self.forward_layer.state_size, self.backward_layer.state_size])

    def _nested(self, flat: list[Any]) -> Any:
        outputs = 1 if self.merge_mode else 2
        return self._finished(flat[:outputs], flat[outputs:])

    def _over(self, weights: list[np.ndarray]) -> Any:
        own = len(self.forward_layer.weights)
        return _with(
            self,
            forward_layer=_over(self.forward_layer, weights[:own]),
            backward_layer=_over(self.backward_layer, weights[own:]),
        )
