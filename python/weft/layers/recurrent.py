"""RNN: a cell over the steps of [B, T, D], with Keras's semantics of masks.

A masked step carries the state through and repeats the previous output (zeros before the first real
step). Nothing is computed for masked steps and their values never matter. A row's result does not
depend on the batch around it, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError
from weft.layers.base import CellLayer, Pullback, checked_config, layer_name
from weft.layers.cells import (
    Cell,
    StackedRNNCells,
    cell_from_config,
    check_dtype,
    flatten,
    flatten_like,
    nest,
)

__all__ = ["RNN"]


def _split(inputs: Any, initial_state: Any) -> tuple[Any, Any]:
    """The inputs and the initial state of a call, in Keras's form `rnn([x, *states])` too."""
    if not isinstance(inputs, (list, tuple)) or not inputs:
        return inputs, initial_state
    if getattr(inputs[0], "ndim", None) != 3:
        return inputs, initial_state
    x, *states = inputs
    if len(states) == 1 and np.ndim(states[0]) == 1:
        raise InvalidArgumentError(
            "'inputs' is a pair (data, lengths): write `data, lengths = ...` and "
            "`rnn(data, lengths=lengths)`, or `rnn(pair.data, mask=pair.mask)`"
        )
    if states and initial_state is not None:
        raise InvalidArgumentError("states stand both in 'inputs' and in 'initial_state'")
    return x, states or initial_state


class RNN(CellLayer):
    """Runs a cell, or a list of cells, over the steps of its inputs.

    As `tf.keras.layers.RNN`, but that `return_state` is true unless said otherwise: a call returns
    (outputs, state). `stateful` keeps the last state as the next call's initial one until
    `reset_states`; `unroll` has no effect.
    """

    _NAME = "rnn"
    _SHAPE = ("B", "T", "D")
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
        **layer: Any,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not isinstance(cell, (Cell, StackedRNNCells)):
            raise InvalidArgumentError(
                f"`cell` must be one of weft's cells or a list of them, got {cell!r}"
            )
        check_dtype(dtype, cell.dtype)
        self.trainable = bool(trainable)
        self.cell = cell
        self._layer = self._compiled()
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        self.unroll = bool(unroll)
        self.time_major = bool(time_major)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.name = layer_name(name, self._NAME)
        self.states: list[np.ndarray] | None = None
        self._take(layer)

    def _compiled(self) -> Any:
        return self.cell._layer

    @property
    def dtype(self) -> Any:
        """The dtype of inputs, weights and outputs."""
        return self.cell.dtype

    @property
    def state_size(self) -> Any:
        """The cell's."""
        return self.cell.state_size

    @property
    def output_size(self) -> int:
        """The cell's."""
        return self.cell.output_size

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """The cell's weights that training changes, by name: none if `trainable` is false."""
        return self.cell.trainable_weights if self.trainable else {}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of outputs for inputs (B, T, D); with return_state [outputs, *states].

        Sizes may be None. Raises ValueError for another rank.
        """
        sizes = self._checked(input_shape)
        batch, units = sizes[1 if self.time_major else 0], self.output_size
        outputs = (*sizes[:2], units) if self.return_sequences else (batch, units)
        states = [(batch, size) for size in flatten(self.state_size)]
        return [outputs, *states] if self.return_state else outputs

    def get_initial_state(
        self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None
    ) -> list[Any]:
        """Returns a list of zeros as `initial_state` takes it, one entry per state or cell.

        B is `batch_size`, or that of `inputs` [B, T, D] ([T, B, D] if time_major). Raises
        ValueError without either.
        """
        if batch_size is None and inputs is not None:
            batch_size = self._checked(np.shape(inputs))[1 if self.time_major else 0]
        made = self.cell.get_initial_state(batch_size=batch_size, dtype=dtype)
        return list(made) if isinstance(made, (list, tuple)) else [made]

    def __call__(
        self,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        training: bool = False,
        step: int | None = None,
    ) -> Any:
        """Runs the recurrence over inputs [B, T, D].

        Args:
          inputs: an array of the layer's dtype ([T, B, D] if time_major), or Keras's
            [x, *states].
          mask: bool [B, T]; steps that are False are masked. Any pattern.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.
          initial_state: [B, H]; [h, c] for LSTM; one entry per cell for stacked cells. Zeros if
            None.
          training: whether there is dropout.
          step: of training: it decides, with the cells' seeds and names, what is dropped. None: how
            many such calls there were.

        Returns:
          (outputs, state) or, with return_state=False, outputs: [B, H], the last one, or with
          return_sequences [B, T, H]. The state is nested like initial_state.

        Raises:
          ValueError: a shape that does not fit the inputs or the weights, both mask and lengths.
          TypeError: another dtype.
        """
        call = self._arguments(inputs, mask, lengths, initial_state, training, step)
        outputs, state = _core.run_rnn(self._layer, *call)
        return self._finished(outputs, state)

    def vjp(
        self,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        training: bool = False,
        step: int | None = None,
    ) -> tuple[Any, Pullback]:
        """A call and its way back.

        `pullback(*grad_outputs)` takes one gradient for each thing that the call returns, states
        nested as there, and gives (grad_inputs, grads). `grad_inputs` has the gradient of the
        inputs, zeros at masked steps and, if there was an initial state, those of its arrays, flat.
        """
        call = self._arguments(inputs, mask, lengths, initial_state, training, step)
        outputs, state, back = _core.vjp_rnn(self._layer, *call)

        def pullback(grad_outputs: Any, *grad_states: Any) -> Any:
            given = self._flat_gradients(grad_states) if self.return_state else []
            if grad_states and not self.return_state:
                raise InvalidArgumentError(f"{self.name!r} returns no states to have gradients of")
            grad_x, grad_state, grads = back(grad_outputs, given)
            grad_inputs = (grad_x, *grad_state) if call[4] else (grad_x,)
            return grad_inputs, dict(zip(self.weights, grads, strict=True))

        return self._finished(outputs, state), pullback

    def _arguments(
        self,
        inputs: Any,
        mask: Any,
        lengths: Any,
        initial_state: Any,
        training: bool,
        step: int | None,
    ) -> tuple[Any, ...]:
        """What the compiled call takes after the cell."""
        inputs, initial_state = _split(inputs, initial_state)
        if initial_state is None and self.stateful:
            initial_state = self.states
        states = [] if initial_state is None else flatten(initial_state)
        return self._options(), inputs, mask, lengths, states, self._step(training, step)

    def _options(self) -> dict[str, bool]:
        """How the compiled layer runs."""
        return {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state or self.stateful,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
            "time_major": self.time_major,
        }

    def _finished(self, outputs: Any, state: list[np.ndarray]) -> Any:
        if self.stateful:
            self.states = [s.copy() for s in state]
        return self._returned(outputs, state)

    def _returned(self, outputs: Any, state: list[np.ndarray]) -> Any:
        """What a call gives: the states in the structure of `state_size`, a list for a stack."""
        if not self.return_state:
            return outputs
        made = nest(self.state_size, iter(state))
        return outputs, (list(made) if isinstance(made, tuple) else made)

    def _flat_gradients(self, grad_states: tuple[Any, ...]) -> list[Any]:
        """The gradients of what `_returned` nests."""
        if len(grad_states) > 1:
            raise InvalidArgumentError(
                f"{self.name!r} returns (outputs, state), got {1 + len(grad_states)} gradients"
            )
        return flatten_like(self.state_size, grad_states[0] if grad_states else None)

    def reset_states(self, states: Any = None) -> None:
        """Forgets what `stateful` has kept, or sets it."""
        self.states = None if states is None else [np.array(s) for s in flatten(states)]

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        cell = {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}
        return {**self._own_config(), "cell": cell}

    def _own_config(self) -> dict[str, Any]:
        keys = ["name", "trainable", *self._RNN_ARGUMENTS]
        if not self.zero_output_for_mask:  # as Keras
            keys.remove("zero_output_for_mask")
        config = {key: getattr(self, key) for key in keys}
        return {**config, "dtype": self.dtype.name, **self._shape_config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RNN:
        """Makes the layer that `get_config` describes."""
        config = checked_config(config, "cell")
        return cls(cell_from_config(config.pop("cell")), **config)
