"""Recurrent layers over [B, T, D], with Keras's semantics of masks: RNN, SimpleRNN, GRU, LSTM.

A masked step carries the state through and repeats the previous output (zeros before the first real
step). Nothing is computed for masked steps and their values never matter. A row's result does not
depend on the batch around it, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from weft import _core, dtypes
from weft.errors import InvalidArgumentError
from weft.layers.cells import (
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    Weighted,
    cell_from_config,
    refuse_dropout,
    unique_name,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]


def _flat(state: Any) -> list[Any]:
    if isinstance(state, (list, tuple)):
        return [s for part in state for s in _flat(part)]
    return [state]


class RNN(Weighted):
    """Runs a cell, or a list of cells, over the steps of its inputs.

    As `tf.keras.layers.RNN`, but that `return_state` is true unless said otherwise: a call returns
    (outputs, state). `stateful` keeps the last state as the next call's initial one until
    `reset_states`; `unroll` has no effect.
    """

    _NAME = "rnn"
    _RNN_ARGUMENTS = (
        *("return_sequences", "return_state", "go_backwards", "stateful", "unroll"),
        *("time_major", "zero_output_for_mask"),
    )

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = True,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        *,
        zero_output_for_mask: bool = False,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not isinstance(cell, (Cell, StackedRNNCells)):
            raise InvalidArgumentError(
                f"`cell` must be one of weft's cells or a list of them, got {cell!r}"
            )
        if dtype is not None and dtypes.as_dtype(dtype) != cell.dtype:
            raise InvalidArgumentError(
                f"`dtype` is {dtypes.as_dtype(dtype).name}, the cell's is {cell.dtype.name}"
            )
        self.trainable = bool(trainable)
        self.cell = cell
        self._cell = cell._cell
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        self.unroll = bool(unroll)
        self.time_major = bool(time_major)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.name = name or unique_name(self._NAME)
        self.states: list[np.ndarray] | None = None

    @property
    def dtype(self) -> Any:
        """The dtype of inputs, weights and outputs."""
        return self.cell.dtype

    @property
    def state_size(self) -> Any:
        """The cell's."""
        return self.cell.state_size

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of shape (B, T, D): only D counts."""
        self.cell.build(input_shape)

    def __call__(
        self,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        training: bool = False,
    ) -> Any:
        """Runs the recurrence over inputs [B, T, D].

        Args:
          inputs: an array of the layer's dtype ([T, B, D] if time_major).
          mask: bool [B, T]; steps that are False are masked. Any pattern.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.
          initial_state: [B, H]; [h, c] for LSTM; one entry per cell for stacked cells. Zeros if
            None.
          training: true is refused if a cell has dropout, which this forward pass does not apply.

        Returns:
          (outputs, state) or, with return_state=False, outputs: [B, H], the last one, or with
          return_sequences [B, T, H]. The state is nested like initial_state.

        Raises:
          ValueError: a shape that does not fit the inputs or the weights, both mask and lengths.
          TypeError: another dtype.
        """
        outputs, state = self._run(inputs, mask, lengths, initial_state, training)
        return (outputs, self._nested(state)) if self.return_state else outputs

    def _run(
        self, inputs: Any, mask: Any, lengths: Any, initial_state: Any, training: bool
    ) -> tuple[Any, Any]:
        if training:
            refuse_dropout(self.cell)
        options = {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state or self.stateful,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
            "time_major": self.time_major,
        }
        if initial_state is None and self.stateful:
            initial_state = self.states
        states = [] if initial_state is None else _flat(initial_state)
        outputs, state = _core.run_rnn(self._cell, options, inputs, mask, lengths, states)
        if self.stateful:
            self.states = [s.copy() for s in state]
        return outputs, state

    def _nested(self, state: list[np.ndarray]) -> Any:
        """The flat list of states in the shape of `state_size`."""
        if not isinstance(self.cell, StackedRNNCells):
            return state if len(state) > 1 else state[0]
        left = iter(state)
        return [
            [next(left) for _ in cell.state_size]
            if isinstance(cell.state_size, list)
            else next(left)
            for cell in self.cell.cells
        ]

    def reset_states(self, states: Any = None) -> None:
        """Forgets what `stateful` has kept, or sets it."""
        self.states = None if states is None else [np.array(s) for s in _flat(states)]

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        cell = {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}
        return {**self._own_config(), "cell": cell}

    def _own_config(self) -> dict[str, Any]:
        keys = (
            "name",
            "trainable",
            "return_sequences",
            "return_state",
            "go_backwards",
            "stateful",
            "unroll",
        )
        keys += ("time_major", "zero_output_for_mask")
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RNN:
        """Makes the layer that `get_config` describes."""
        config = dict(config)
        return cls(cell_from_config(config.pop("cell")), **config)


class _OneCell(RNN):
    """SimpleRNN, GRU, LSTM: the cell's arguments, then RNN's; Keras's return_state=False.

    With return_state=True a call returns (outputs, *states), as in Keras.
    """

    _CELL: type[Cell]

    def _declare(self, arguments: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`."""
        arguments = {k: v for k, v in arguments.items() if k not in ("self", "__class__")}
        name = arguments.pop("name") or unique_name(self._NAME)
        rnn = {k: arguments.pop(k) for k in self._RNN_ARGUMENTS}
        self.activity_regularizer = arguments.pop("activity_regularizer")
        trainable = arguments["trainable"]
        cell = self._CELL(**arguments, name=f"{name}/{self._NAME}_cell")
        RNN.__init__(self, cell, **rnn, name=name, trainable=trainable)

    def __call__(
        self,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        training: bool = False,
    ) -> Any:
        """As RNN's call; with return_state=True it returns (outputs, *states)."""
        outputs, state = self._run(inputs, mask, lengths, initial_state, training)
        return (outputs, *state) if self.return_state else outputs

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__["cell"]._fields if "cell" in self.__dict__ else {}
        if name not in fields:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return fields[name]

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        cell = {k: v for k, v in self.cell.get_config().items() if k != "name"}
        return {**self._own_config(), **cell, "activity_regularizer": self.activity_regularizer}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RNN:
        """Makes the layer that `get_config` describes."""
        return cls(**config)


class SimpleRNN(_OneCell):
    """RNN over a SimpleRNNCell."""

    _NAME, _CELL = "simple_rnn", SimpleRNNCell

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        *,
        implementation: int | None = None,
        time_major: bool = False,
        zero_output_for_mask: bool = False,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
    ):
        del implementation  # Keras takes it here too, without effect
        self._declare(locals())


class GRU(_OneCell):
    """RNN over a GRUCell."""

    _NAME, _CELL = "gru", GRUCell

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        reset_after: bool = True,
        *,
        implementation: int = 2,
        zero_output_for_mask: bool = False,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
    ):
        self._declare(locals())


class LSTM(_OneCell):
    """RNN over an LSTMCell."""

    _NAME, _CELL = "lstm", LSTMCell

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        time_major: bool = False,
        unroll: bool = False,
        *,
        implementation: int = 2,
        zero_output_for_mask: bool = False,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
    ):
        self._declare(locals())
