"""Dense as a module."""

from __future__ import annotations

from typing import Any

import torch

from weft import layers
from weft.torch.autograd import array, record
from weft.torch.module import Weighted

__all__ = ["Dense"]


class Dense(Weighted):
    """`weft.layers.Dense`: activation(x W + b) over the last dimension, on the CPU.

    `Dense(input_size, units, activation=None, use_bias=True, ...)`: further arguments are Keras's.
    Parameters: `kernel` [D, units] and, with `use_bias`, `bias` [units].
    """

    _KIND, _PEER = layers.Dense, "Linear"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Maps [B, ..., D] to [B, ..., units].

        Raises ValueError on another device, for another rank or D; TypeError for another dtype.
        """
        layer, x = self._of(inputs), array(inputs)

        def vjp() -> Any:
            outputs, back = layer.vjp(x)

            def pullback(grads: list[Any]) -> list[Any]:
                (grad_inputs,), of_weights = back(grads[0])
                return [grad_inputs, *of_weights.values()]

            return [outputs], pullback

        tensors, bent = [inputs, *self._weights()], layer.activation != "linear"
        return record(lambda: [layer(x)], vjp, tensors, reads_results=bent)[0]
