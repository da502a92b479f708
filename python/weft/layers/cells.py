"""Recurrent cells: SimpleRNNCell, GRUCell, LSTMCell and stacks of them.

Arguments, defaults, weight layouts and gate orders are Keras's, so that its weights load as they
are, and so are the places of dropout. Regularizers and constraints are kept and have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from weft import _core, dtypes
from weft.arguments import integer
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.layers.base import CellLayer, Pullback, checked_config, layer_dtype, layer_name
from weft.layers.declared import DeclaredLayer

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]


def flatten(states: Any) -> list[Any]:
    """Nested lists and tuples of states as one list."""
    if isinstance(states, (list, tuple)):
        return [s for part in states for s in flatten(part)]
    return [states]


def nest(sizes: Any, states: Iterator[Any]) -> Any:
    """The next states in the structure of `sizes`, a `state_size`."""
    if isinstance(sizes, (list, tuple)):
        return type(sizes)(nest(size, states) for size in sizes)
    return next(states)


def flatten_like(sizes: Any, grads: Any) -> list[Any]:
    """Gradients of states as one list, None for each that is not there."""
    if grads is None:
        return [None] * len(flatten(sizes))
    if isinstance(sizes, (list, tuple)):
        if not isinstance(grads, (list, tuple)) or len(grads) != len(sizes):
            raise InvalidArgumentError(
                f"gradients of states are nested as the states, {len(sizes)} here, got {grads!r}"
            )
        return [g for of, grad in zip(sizes, grads, strict=True) for g in flatten_like(of, grad)]
    return [grads]


_ONE_STEP = {
    **dict.fromkeys(("return_sequences", "go_backwards", "time_major"), False),
    "return_state": True,
    "zero_output_for_mask": False,
}


class _AnyCell(CellLayer):
    """What one cell and a stack have in common: a step."""

    name: str
    dtype: Any

    @property
    def state_size(self) -> Any:
        """Size of the state; a list for several; for a stack a tuple of its cells'."""
        raise NotImplementedError

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.units

    def __call__(
        self, inputs: Any, states: Any, training: bool = False, step: int | None = None
    ) -> tuple[Any, Any]:
        """One step.

        Args:
          inputs: [B, D], of the cell's dtype.
          states: [B, H] or a list of it; [h, c] for LSTM; one entry per cell for a stack.
          training: whether there is dropout.
          step: of training: calls with one `step` have the same masks, as a row's steps do. None:
            how many such calls there were.

        Returns:
          (output [B, H], the next states in the structure of `states`).

        Raises:
          ValueError: a shape that does not fit. TypeError: another dtype.
        """
        call = self._arguments(inputs, states, training, step)
        output, flat = _core.run_rnn(self._layer, *call)
        return output, self._nested_as(states, flat)

    def vjp(
        self, inputs: Any, states: Any, training: bool = False, step: int | None = None
    ) -> tuple[Any, Pullback]:
        """A step and its way back.

        `pullback(grad_output, grad_states)` gives ((grad_inputs, grad_states), grads); states are
        nested as in a call.
        """
        call = self._arguments(inputs, states, training, step)
        output, flat, back = _core.vjp_rnn(self._layer, *call)

        def pullback(grad_output: Any, grad_states: Any = None) -> Any:
            single = not isinstance(self.state_size, (list, tuple))
            if single and isinstance(grad_states, (list, tuple)):
                (grad_states,) = grad_states
            given = flatten_like(self.state_size, grad_states)
            grad_x, grad_flat, grads = back(grad_output, given)
            made = self._nested_as(states, grad_flat)
            return (grad_x[:, 0], made), dict(zip(self.weights, grads, strict=True))

        return (output, self._nested_as(states, flat)), pullback

    def _arguments(
        self, inputs: Any, states: Any, training: bool, step: int | None
    ) -> tuple[Any, ...]:
        """What the compiled call takes after the cell."""
        x = self._one_step(inputs)
        return _ONE_STEP, x, None, None, flatten(states), self._step(training, step)

    def _nested_as(self, states: Any, flat: list[Any]) -> Any:
        made = nest(self.state_size, iter(flat))
        single = not isinstance(made, (list, tuple))
        return [made] if single and isinstance(states, (list, tuple)) else made

    def _one_step(self, inputs: Any) -> Any:
        """Inputs [B, D] as [B, 1, D]; builds the cell."""
        try:
            x = inputs if hasattr(inputs, "reshape") else np.asarray(inputs, self.dtype.name)
            shape = list(x.shape)
        except (ValueError, TypeError):
            shape = None
        if shape is None or len(shape) != 2:
            got = f"a {type(inputs).__name__}" if shape is None else f"shape {shape}"
            raise InvalidArgumentError(f"'inputs' of a cell are one step [B, D], got {got}")
        self.build(shape)
        return x.reshape(shape[0], 1, shape[1])

    def get_initial_state(
        self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None
    ) -> Any:
        """Returns zeros [B, H] for each state in the structure of `state_size`.

        B is `batch_size`, or that of `inputs`. `dtype` is the cell's unless said otherwise.
        Raises ValueError without either, TypeError for a `batch_size` that is no integer.
        """
        if batch_size is None and inputs is None:
            raise InvalidArgumentError("get_initial_state needs `inputs` or `batch_size`")
        rows = len(inputs) if batch_size is None else integer(batch_size, "batch_size")
        if rows < 0:
            raise InvalidArgumentError(f"`batch_size` must not be negative, got {rows}")
        kind = np.dtype((self.dtype if dtype is None else dtypes.as_dtype(dtype)).name)
        flat = flatten(self.state_size)
        return nest(self.state_size, iter([np.zeros((rows, size), kind) for size in flat]))


class Cell(DeclaredLayer, _AnyCell):
    """One step of a recurrence. The base of the cells."""

    def _compiled(self) -> Any:
        return _core.make_cell(self._NAME.removesuffix("_cell"), self._given())

    @property
    def state_size(self) -> Any:
        """Size of the state; [h, c] for LSTM."""
        return self.units


class SimpleRNNCell(Cell):
    """h' = activation(x W + b + h U)."""

    _NAME = "simple_rnn_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
        **layer: Any,
    ):
        self._declare(locals())


class GRUCell(Cell):
    """h' = z h + (1 - z) n; gates in the order z, r, n (see include/weft/rnn.h for the equations).

    `reset_after`: r multiplies h U + c (the bias is then [2, 3 H]), not h before the product.
    """

    _NAME = "gru_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        *,
        implementation: int = 2,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
        **layer: Any,
    ):
        self._declare(locals())


class LSTMCell(Cell):
    """c' = f c + i g, h' = o activation(c'); gates in the order i, f, g, o; states [h, c]."""

    _NAME = "lstm_cell"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        *,
        implementation: int = 2,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
        **layer: Any,
    ):
        self._declare(locals())

    @property
    def state_size(self) -> list[int]:
        """[h, c]."""
        return [self.units, self.units]


class StackedRNNCells(_AnyCell):
    """Each cell's output is the next one's input; the states are a tuple, one entry per cell.

    A cell that stands at several places has its weights once, as in Keras.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        **layer: Any,
    ):
        cells = list(cells)
        for cell in cells:
            if not isinstance(cell, Cell):
                raise InvalidArgumentError(
                    f"all cells of a stack must be weft's cells, got {cell!r}"
                )
        self.cells = cells
        self._layer = self._compiled()
        self.name = layer_name(name, "stacked_rnn_cells")
        self.trainable = bool(trainable)
        self.dtype = cells[0].dtype
        check_dtype(dtype, self.dtype)
        self._take(layer)

    def _compiled(self) -> Any:
        return _core.stack_cells([cell._layer for cell in self.cells])

    @property
    def units(self) -> int:
        """Size of the output."""
        return self.cells[-1].units

    @property
    def state_size(self) -> tuple[Any, ...]:
        """The cells' state sizes."""
        return tuple(cell.state_size for cell in self.cells)

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """The weights of the cells that are trainable; none if the stack is not."""
        if not self.trainable:
            return {}
        fixed = tuple(f"cell_{i}/" for i, cell in enumerate(self.cells) if not cell.trainable)
        return {name: w for name, w in self.weights.items() if not name.startswith(fixed)}

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        cells = [{"class_name": type(c).__name__, "config": c.get_config()} for c in self.cells]
        return {**config, **self._shape_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> StackedRNNCells:
        """Makes the stack that `get_config` describes."""
        config = checked_config(config, "cells")
        cells = config.pop("cells")
        if not isinstance(cells, list | tuple):
            raise WrongTypeError(f"the cells of a stack are a list of configs, got {cells!r}")
        return cls([cell_from_config(c) for c in cells], **config)


def check_dtype(dtype: Any, cells: Any) -> None:
    """Raises ValueError if `dtype` is given and is not the cells'."""
    if dtype is not None and layer_dtype(dtype) != cells:
        raise InvalidArgumentError(
            f"`dtype` is {layer_dtype(dtype).name}, the cell's is {cells.name}"
        )


def cell_from_config(config: Any) -> Any:
    """Makes the cell of {"class_name": ..., "config": ...}."""
    made = {c.__name__: c for c in (SimpleRNNCell, GRUCell, LSTMCell, StackedRNNCells)}
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise WrongTypeError(f"the config of a cell has class_name and config, got {config!r}")
    if config.get("class_name") not in made:
        raise InvalidArgumentError(f"unknown cell {config.get('class_name')!r}")
    return made[config["class_name"]].from_config(config["config"])
