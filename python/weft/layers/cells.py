"""Recurrent cells: SimpleRNNCell, GRUCell, LSTMCell and stacks of them.

Arguments, defaults, weight layouts and gate orders are Keras's, so that its weights load as they
are. Regularizers, constraints and dropouts are for training: they are kept and have no effect here.
"""

from __future__ import annotations

import itertools
import numbers
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from weft import _core, activations, dtypes, initializers
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]

_used_names: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)


def unique_name(base: str) -> str:
    """Returns "gru_cell", then "gru_cell_1", ...: Keras's automatic names."""
    n = next(_used_names[base])
    return base if n == 0 else f"{base}_{n}"


def _units(units: Any) -> int:
    if isinstance(units, bool) or not isinstance(units, numbers.Integral):
        raise WrongTypeError(f"`units` must be a positive integer, got {units!r}")
    return int(units)


class Weighted:
    """What has weights over a `_core.Cell`: cells and the layers that run them."""

    _cell: Any
    name: str

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return self._cell.built

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights themselves by name, writable, in Keras's order; empty before `build`."""
        made = self.__dict__.get("_weights")
        if made is None:
            made = MappingProxyType(dict(self._cell.parameters))
            if made:
                self._weights = made
        return made

    def get_weights(self) -> list[np.ndarray]:
        """Returns copies of the weights in Keras's order."""
        return [w.copy() for w in self.weights.values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copies arrays of the weights' shapes and dtype into them, in Keras's order.

        Raises ValueError for another number or shape, TypeError for another dtype.
        """
        if not isinstance(weights, Iterable) or isinstance(weights, (str, bytes, Mapping)):
            raise WrongTypeError(
                f"`weights` must be a list of arrays, got {type(weights).__name__}"
            )
        self._cell.set_weights(list(weights))

    def count_params(self) -> int:
        """Returns the number of elements of all weights."""
        return sum(w.size for w in self.weights.values())

    def __reduce__(self) -> Any:
        size = self._cell.input_size if self.built else None
        return _restore, (type(self), self.get_config(), size, self.get_weights())


def _restore(kind: Any, config: Any, input_size: int | None, weights: list[np.ndarray]) -> Any:
    made = kind.from_config(config)
    if input_size is not None:
        made.build((input_size,))
        made.set_weights(weights)
    return made


def last_dimension(input_shape: Any) -> int:
    """Returns D of a shape (..., D) or (D,)."""
    shape = input_shape if isinstance(input_shape, Iterable) else (input_shape,)
    last = [*shape][-1:]
    if not last or isinstance(last[0], bool) or not isinstance(last[0], numbers.Integral):
        raise InvalidArgumentError(
            f"`input_shape` must end in the size of the inputs, got {input_shape!r}"
        )
    return int(last[0])


class Cell(Weighted):
    """One step of a recurrence. The base of the cells."""

    _KIND = ""

    def _declare(self, fields: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`: every argument becomes an attribute."""
        fields = {k: v for k, v in fields.items() if k not in ("self", "__class__")}
        fields["units"] = _units(fields["units"])
        fields["dtype"] = dtypes.as_dtype("float32" if fields["dtype"] is None else fields["dtype"])
        for key in ("activation", "recurrent_activation"):
            if key in fields:
                fields[key] = activations.serialize(fields[key])
        for key in ("kernel_initializer", "recurrent_initializer", "bias_initializer"):
            fields[key] = initializers.get_for(fields[key], key)
        for key in ("dropout", "recurrent_dropout"):
            fields[key] = min(1.0, max(0.0, float(fields[key])))
        for key in ("use_bias", "reset_after", "unit_forget_bias"):
            if key in fields:
                fields[key] = bool(fields[key])
        fields["name"] = fields["name"] or unique_name(self._KIND + "_cell")
        self.__dict__.update(fields)
        self._fields = fields
        seed = 0 if fields["seed"] is None else fields["seed"]
        self._cell = _core.make_cell(self._KIND, {**fields, "seed": seed})

    @property
    def state_size(self) -> Any:
        """Size of the state; [h, c] for LSTM."""
        return self.units

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.units

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape: only its last dimension counts."""
        self._cell.build(last_dimension(input_shape))

    def __call__(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step: inputs [B, D], states [B, H] (or a list of them) -> (output [B, H], states)."""
        if training:
            refuse_dropout(self)
        self.build(np.shape(inputs))
        options = dict.fromkeys(("return_sequences", "go_backwards", "time_major"), False)
        options |= {"return_state": True, "zero_output_for_mask": False}
        nested = isinstance(states, (list, tuple))
        x = inputs if hasattr(inputs, "reshape") else np.asarray(inputs, self.dtype.name)
        output, state = _core.run_rnn(
            self._cell, options, x.reshape(*x.shape[:1], 1, *x.shape[1:]), None, None,
            list(states) if nested else [states],
        )  # fmt: skip
        return output, (state if nested else state[0])

    def get_initial_state(
        self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None
    ) -> Any:
        """Returns zeros [B, H] for each state, B being `batch_size` or that of `inputs`."""
        rows = len(inputs) if batch_size is None else batch_size
        kind = np.dtype((self.dtype if dtype is None else dtypes.as_dtype(dtype)).name)
        sizes = self.state_size
        if isinstance(sizes, list):
            return [np.zeros((rows, size), kind) for size in sizes]
        return np.zeros((rows, sizes), kind)

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config: what `from_config` makes the same cell of."""
        config = dict(self._fields)
        if config["seed"] is None:  # which Keras does not know
            del config["seed"]
        config["dtype"] = self.dtype.name
        for key in ("kernel_initializer", "recurrent_initializer", "bias_initializer"):
            config[key] = initializers.serialize(config[key])
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Cell:
        """Makes the cell that `get_config` describes."""
        return cls(**config)


class SimpleRNNCell(Cell):
    """h' = activation(x W + b + h U)."""

    _KIND = "simple_rnn"

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
    ):
        self._declare(locals())


class GRUCell(Cell):
    """h' = z h + (1 - z) n; gates in the order z, r, n (see include/weft/rnn.h for the equations).

    `reset_after`: r multiplies h U + c (the bias is then [2, 3 H]), not h before the product.
    """

    _KIND = "gru"

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
    ):
        self._declare(locals())


class LSTMCell(Cell):
    """c' = f c + i g, h' = o activation(c'); gates in the order i, f, g, o; states [h, c]."""

    _KIND = "lstm"

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
    ):
        self._declare(locals())

    @property
    def state_size(self) -> list[int]:
        """[h, c]."""
        return [self.units, self.units]


class StackedRNNCells(Weighted):
    """Each cell's output is the next one's input; the states are a list, one entry per cell."""

    def __init__(self, cells: Sequence[Cell], *, name: str | None = None):
        cells = list(cells)
        for cell in cells:
            if not isinstance(cell, Cell):
                raise InvalidArgumentError(
                    f"all cells of a stack must be weft's cells, got {cell!r}"
                )
        self.cells = cells
        self._cell = _core.stack_cells([cell._cell for cell in cells])
        self.name = name or unique_name("stacked_rnn_cells")
        self.dtype = cells[0].dtype

    @property
    def units(self) -> int:
        """Size of the output."""
        return self.cells[-1].units

    @property
    def state_size(self) -> tuple[Any, ...]:
        """The cells' state sizes."""
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self) -> int:
        """Size of the output."""
        return self.units

    def build(self, input_shape: Any) -> None:
        """Makes all weights for inputs of this shape: only its last dimension counts."""
        self._cell.build(last_dimension(input_shape))

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        cells = [{"class_name": type(c).__name__, "config": c.get_config()} for c in self.cells]
        return {"name": self.name, "cells": cells}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> StackedRNNCells:
        """Makes the stack that `get_config` describes."""
        return cls([cell_from_config(c) for c in config["cells"]], name=config.get("name"))


def refuse_dropout(cell: Any) -> None:
    """Raises ValueError if the cell, or one of a stack, has dropout."""
    for one in getattr(cell, "cells", [cell]):
        if one.dropout or one.recurrent_dropout:
            raise InvalidArgumentError(
                f"training=True: dropout is not applied here, but {one.name!r} has "
                f"dropout={one.dropout} and recurrent_dropout={one.recurrent_dropout}"
            )


def cell_from_config(config: Mapping[str, Any]) -> Any:
    """Makes the cell of {"class_name": ..., "config": ...}."""
    made = {c.__name__: c for c in (SimpleRNNCell, GRUCell, LSTMCell, StackedRNNCells)}
    if config["class_name"] not in made:
        raise InvalidArgumentError(f"unknown cell {config['class_name']!r}")
    return made[config["class_name"]].from_config(config["config"])
