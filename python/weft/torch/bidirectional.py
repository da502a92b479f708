"""Bidirectional as a module."""

from __future__ import annotations

from typing import Any

import torch

from weft.errors import InvalidArgumentError
from weft.layers.cells import flatten
from weft.torch.recurrent import OneCell

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
        self.forward_layer = layer.like(zero_output_for_mask=True)
        self.forward_layer.load_state_dict(layer.state_dict())
        name, backwards = layer._arguments["name"], layer._arguments.get("go_backwards", False)
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
        made = [
            layer(inputs, mask, lengths, own or None)
            for layer, own in (
                (self.forward_layer, states[:half]),
                (self.backward_layer, states[half:]),
            )
        ]
        (first, *after), (second, *behind) = (m if isinstance(m, tuple) else (m,) for m in made)
        if arguments.get("return_sequences"):
            second = second.flip(0 if arguments.get("time_major") else 1)
        merged = _MERGED[self.merge_mode](first, second)
        if not after:
            return merged
        return *(merged if isinstance(merged, tuple) else (merged,)), *after, *behind
