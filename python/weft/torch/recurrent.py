"""Recurrent cells and layers as modules: on the CPU, with Keras's weights and masks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from weft import layers
from weft.errors import InvalidArgumentError
from weft.layers.cells import flatten
from weft.torch.autograd import array, record
from weft.torch.module import Module, Weighted, dtype_name

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "SimpleRNN", "SimpleRNNCell"]


def _array(value: Any) -> Any:
    return array(value.cpu()) if isinstance(value, torch.Tensor) else value


def _dropping(module: Module, cell: Any, step: int | None = None) -> dict[str, Any]:
    """What a call is told of dropout, drawn from torch's random numbers."""
    cells = getattr(cell, "cells", [cell])
    if not module.training or not any(c.dropout or c.recurrent_dropout for c in cells):
        return {}
    return {"training": True, "step": int(torch.randint(2**62, ())) if step is None else step}


class Cell(Weighted):
    """One step of a recurrence. The base of the cells.

    `GRUCell(input_size, units, ...)`: further arguments are Keras's. Parameters, in Keras's layout:
    `kernel` [D, G units], `recurrent_kernel` [units, G units] and, with `use_bias`, `bias`.
    """

    def forward(
        self, inputs: torch.Tensor, states: Any = None, step: int | None = None
    ) -> tuple[torch.Tensor, Any]:
        """One step of inputs [B, D]: (output [B, units], the next states as `states` are).

        `states`: [B, units]; [h, c] for LSTM; zeros if None. With dropout, calls with one `step`
        drop the same; None: each draws its own. Raises ValueError on another device or for a shape
        that does not fit, TypeError for another dtype.
        """
        layer = self._of(inputs)
        if states is None:
            zeros = layer.get_initial_state(batch_size=len(inputs))
            states = [torch.from_numpy(s) for s in flatten(zeros)]
            states = states if isinstance(zeros, list) else states[0]
        flat, x = flatten(states), array(inputs)
        several = isinstance(states, (list, tuple))
        given = [array(s) for s in flat] if several else array(states)
        dropping = _dropping(self, layer, step)

        def vjp() -> Any:
            (output, made), back = layer.vjp(x, given, **dropping)

            def pullback(grads: list[Any]) -> list[Any]:
                of_states = grads[1:] if several else grads[1]
                (grad_x, grad_states), of_weights = back(grads[0], of_states)
                return [grad_x, *flatten(grad_states), *of_weights.values()]

            return [output, *flatten(made)], pullback

        def call() -> Any:
            output, made = layer(x, given, **dropping)
            return [output, *flatten(made)]

        output, *made = record(call, vjp, [inputs, *flat, *self._weights()])
        return output, made if several else made[0]


class SimpleRNNCell(Cell):
    """`weft.layers.SimpleRNNCell`. See `Cell` for arguments and parameters."""

    _KIND, _PEER = layers.SimpleRNNCell, "RNNCell"


class GRUCell(Cell):
    """`weft.layers.GRUCell`. See `Cell` for arguments and parameters."""

    _KIND, _PEER = layers.GRUCell, "GRUCell"


class LSTMCell(Cell):
    """`weft.layers.LSTMCell`. See `Cell` for arguments and parameters; states are [h, c]."""

    _KIND, _PEER = layers.LSTMCell, "LSTMCell"


class Recurrent(Weighted):
    """A recurrence over the steps of [B, T, D]. The base of the recurrent layers.

    Masked steps, in any pattern, carry the state through, and nothing is computed for them, nor for
    padding. With dropout, `train()` and `eval()` decide.
    """

    def forward(
        self,
        inputs: torch.Tensor,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
    ) -> Any:
        """Runs over inputs [B, T, D] ([T, B, D] if time_major).

        Args:
          inputs: of the parameters' dtype.
          mask: bool [B, T]; steps that are False are masked.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.
          initial_state: tensors [B, units], one for each state; zeros if None.

        Returns:
          What the layer of weft gives: outputs [B, units], the last one, or with return_sequences
          [B, T, units]; with return_state (outputs, *states), of an RNN (outputs, state).

        Raises:
          ValueError: another device; a shape that does not fit; both mask and lengths. TypeError:
          another dtype.
        """
        states = [] if initial_state is None else flatten(initial_state)
        layer = self._of(inputs, *states)
        arguments = {
            "inputs": array(inputs),
            "mask": _array(mask),
            "lengths": _array(lengths),
            "initial_state": [array(s) for s in states] or None,
            **_dropping(self, layer.cell),
        }

        def vjp() -> Any:
            returned, back = layer.vjp(**arguments)

            def pullback(grads: list[Any]) -> list[Any]:
                given = layer._returned(grads[0], grads[1:])
                of_inputs, of_weights = back(*(given if layer.return_state else grads))
                return [*of_inputs, *of_weights.values()]

            return flatten(returned), pullback

        tensors = [inputs, *states, *self._weights()]
        outputs, *made = record(lambda: flatten(layer(**arguments)), vjp, tensors)
        return layer._returned(outputs, made)


def _stateless(arguments: dict[str, Any]) -> None:
    if arguments.get("stateful"):
        raise InvalidArgumentError("`stateful` is Keras's: hand on the states as `initial_state`")


class OneCell(Recurrent):
    """`GRU(input_size, units, ...)`: further arguments are Keras's, `stateful` apart."""

    def __init__(self, input_size: int, units: int, **arguments: Any):
        """See the class."""
        _stateless(arguments)
        super().__init__(input_size, units, **arguments)

    def like(self, **changed: Any) -> Any:
        """A module of these arguments, `changed` apart, with weights of its own."""
        arguments = {**self._arguments, "dtype": self.kernel.dtype, **changed}
        return type(self)(self.input_size, **arguments).to(self.kernel.device)


class SimpleRNN(OneCell):
    """`weft.layers.SimpleRNN`: `SimpleRNN(input_size, units, ...)`, with Keras's arguments.

    Parameters: `kernel` [D, units], `recurrent_kernel` [units, units], `bias` [units].
    """

    _KIND, _PEER = layers.SimpleRNN, "RNN"


class GRU(OneCell):
    """`weft.layers.GRU`: `GRU(input_size, units, ...)`, with Keras's arguments.

    Parameters: `kernel` [D, 3 units], `recurrent_kernel` [units, 3 units], `bias` [2, 3 units] or,
    without `reset_after`, [3 units]; gates in the order z, r, n.
    """

    _KIND, _PEER = layers.GRU, "GRU"


class LSTM(OneCell):
    """`weft.layers.LSTM`: `LSTM(input_size, units, ...)`, with Keras's arguments.

    Parameters: `kernel` [D, 4 units], `recurrent_kernel` [units, 4 units], `bias` [4 units]; gates
    in the order i, f, g, o.
    """

    _KIND, _PEER = layers.LSTM, "LSTM"


class RNN(Recurrent):
    """`weft.layers.RNN`: a cell, or several one above the other, over the steps.

    Parameters: those of the cells, "cells.0.kernel" and on. Options are `weft.layers.RNN`'s,
    `stateful` apart.
    """

    _KIND, _PEER = layers.RNN, "RNN"

    def __init__(self, cell: Cell | Iterable[Cell], **options: Any):
        """Takes one cell or a list. Raises ValueError for anything else."""
        Module.__init__(self)
        _stateless(options)
        cells = [cell] if isinstance(cell, torch.nn.Module) else list(cell)
        for one in cells:
            if not isinstance(one, Cell):
                raise InvalidArgumentError(f"`cell` must be cells of weft.torch, got {one!r}")
        self.cells = torch.nn.ModuleList(cells)
        self._stacked = not isinstance(cell, torch.nn.Module)
        self._options = options
        self._layer = self._made(dtype_name(self._weights()[0].dtype))

    def _made(self, dtype: str) -> Any:
        made = {id(cell): cell._made(dtype) for cell in self.cells}
        cells = [made[id(cell)] for cell in self.cells]
        layer = layers.RNN(cells if self._stacked else cells[0], **self._options)
        layer.build((None, None, self.cells[0].input_size))
        return layer

    def _weights(self) -> list[torch.Tensor]:
        each = {id(cell): cell for cell in self.cells}  # one that stands twice has its weights once
        return [weight for cell in each.values() for weight in cell._weights()]

    @classmethod
    def from_weft(cls, layer: layers.RNN) -> RNN:
        """A module like an RNN of weft's that is built, with copies of its weights."""
        if not isinstance(layer, cls._KIND) or not layer.built:
            raise InvalidArgumentError(f"expected a weft.layers.RNN that is built, got {layer!r}")
        stacked = isinstance(layer.cell, layers.StackedRNNCells)
        known = {kind._KIND: kind for kind in (SimpleRNNCell, GRUCell, LSTMCell)}
        each = {id(c): c for c in (layer.cell.cells if stacked else [layer.cell])}
        made = {key: known[type(c)].from_weft(c) for key, c in each.items()}
        cells = [made[id(c)] for c in (layer.cell.cells if stacked else [layer.cell])]
        options = {k: getattr(layer, k) for k in layer._RNN_ARGUMENTS if k != "unroll"}
        return cls(cells if stacked else cells[0], **options)
