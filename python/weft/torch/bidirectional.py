"""Bidirectional as a module."""

from __future__ import annotations

from typing import Any

import torch

from weft import layers
from weft.errors import InvalidArgumentError
from weft.layers.cells import flatten
from weft.torch.recurrent import GRU, LSTM, OneCell, SimpleRNN

__all__ = ["Bidirectional"]

_MERGED = {
    "concat": lambda a, b: torch.cat([a, b], dim=-1),
    "sum": torch.add,
    "mul": torch.mul,
    "ave": lambda a, b: (a + b) / 2,
    None: lambda a, b: (a, b),
}


class Bidirectional(torch.nn.Module):
    """As `tf.keras.layers.Bidirectional`: a SimpleRNN, GRU or LSTM in both directions.

    `forward_layer` is like `layer`, with copies of its weights; `backward_layer` goes the other way
    and has weights of its own. Their outputs are merged: side by side ("concat"), "sum", "mul" or
    "ave"; with None there are two. With return_sequences both stand at their steps, and those of
    masked steps are zeros, as in Keras. With return_state the states follow, forward's first.

    Raises ValueError for another layer or merge mode.
    """

    def __init__(self, layer: OneCell, merge_mode: str | None = "concat"):
        super().__init__()
        if not isinstance(layer, OneCell):
            raise InvalidArgumentError(
                f"a Bidirectional goes around SimpleRNN, GRU or LSTM of weft.torch, got {layer!r}"
            )
        if merge_mode not in _MERGED:
            raise InvalidArgumentError(
                f"`merge_mode` must be one of {tuple(_MERGED)}, got {merge_mode!r}"
            )
        self.merge_mode = merge_mode
        given = layer._arguments
        name, backwards = given["name"], given.get("go_backwards", False)
        zeros = given.get("return_sequences", False)
        self.forward_layer = layer.like(zero_output_for_mask=zeros)
        self.forward_layer.load_state_dict(layer.state_dict())
        self.backward_layer = self.forward_layer.like(
            name=f"backward_{name}", go_backwards=not backwards
        )

    def forward(
        self,
        inputs: torch.Tensor,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
    ) -> Any:
        """Runs both over inputs [B, T, D]; arguments and errors as the layer's.

        `initial_state`: a list of the forward layer's states, then the backward layer's.
        """
        states = [] if initial_state is None else flatten(initial_state)
        half = len(states) // 2
        arguments = self.forward_layer._arguments
        results = [
            layer(inputs, mask, lengths, own or None)
            for layer, own in (
                (self.forward_layer, states[:half]),
                (self.backward_layer, states[half:]),
            )
        ]
        (first, *after), (second, *behind) = (m if isinstance(m, tuple) else (m,) for m in results)
        if arguments.get("return_sequences"):
            second = second.flip(0 if arguments.get("time_major") else 1)
        merged = _MERGED[self.merge_mode](first, second)
        if not after:
            return merged
        return *(merged if isinstance(merged, tuple) else (merged,)), *after, *behind

    def to_weft(self) -> layers.Bidirectional:
        """A layer of weft's like this one, with copies of the parameters."""
        both = self.forward_layer.to_weft(), self.backward_layer.to_weft()
        made = layers.Bidirectional(both[0], self.merge_mode)
        made.build((None, None, self.forward_layer.input_size))
        made.set_weights([weight for layer in both for weight in layer.get_weights()])
        return made

    @classmethod
    def from_weft(cls, layer: layers.Bidirectional) -> Bidirectional:
        """A module like a layer of weft's that is built, with copies of its weights.

        Raises ValueError for anything else, around an RNN, or with a `backward_layer` of its own.
        """
        kinds = {kind._KIND: kind for kind in (SimpleRNN, GRU, LSTM)}
        if not isinstance(layer, layers.Bidirectional) or not layer.built:
            raise InvalidArgumentError(
                f"expected a weft.layers.Bidirectional that is built, got {layer!r}"
            )
        kind = kinds.get(type(layer.forward_layer))
        if kind is None or layer._backward_config is not None:
            raise InvalidArgumentError(
                f"{layer.name!r} goes around an RNN, or has a backward_layer of its own"
            )
        made = cls(kind.from_weft(layer.forward_layer), layer.merge_mode)
        made.backward_layer.load_state_dict(kind.from_weft(layer.backward_layer).state_dict())
        return made
