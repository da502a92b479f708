"""SimpleRNN, GRU, LSTM: an RNN over one cell, declared by the cell's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from weft.layers.base import checked_config, layer_name
from weft.layers.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell, flatten, flatten_like
from weft.layers.recurrent import RNN

__all__ = ["GRU", "LSTM", "SimpleRNN"]


class _OneCell(RNN):
    """SimpleRNN, GRU, LSTM: the cell's arguments, then RNN's; Keras's return_state=False.

    With return_state=True a call returns (outputs, *states), as in Keras.
    """

    _CELL: type[Cell]

    def _declare(self, arguments: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`."""
        arguments = {k: v for k, v in arguments.items() if k not in ("self", "__class__")}
        name, layer = layer_name(arguments.pop("name"), self._NAME), arguments.pop("layer")
        rnn = {k: arguments.pop(k) for k in self._RNN_ARGUMENTS}
        self.activity_regularizer = arguments.pop("activity_regularizer")
        trainable = arguments.pop("trainable")
        cell = self._CELL(**arguments, name=f"{name}/{self._NAME}_cell")
        RNN.__init__(self, cell, **rnn, name=name, trainable=trainable, **layer)

    def _returned(self, outputs: Any, state: list[np.ndarray]) -> Any:
        return (outputs, *state) if self.return_state else outputs

    def _flat_gradients(self, grad_states: tuple[Any, ...]) -> list[Any]:
        return flatten_like(flatten(self.state_size), list(grad_states) or None)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__["cell"]._fields if "cell" in self.__dict__ else {}
        if name not in fields:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return fields[name]

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        return {
            **self.cell.get_config(),
            **self._own_config(),
            "activity_regularizer": self.activity_regularizer,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RNN:
        """Makes the layer that `get_config` describes."""
        return cls(**checked_config(config, "units"))


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
        **layer: Any,
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
        **layer: Any,
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
        **layer: Any,
    ):
        self._declare(locals())
