"""Dense: activation(x W + b)."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import _core
from weft.layers.base import Pullback
from weft.layers.declared import DeclaredLayer

__all__ = ["Dense"]


class Dense(DeclaredLayer):
    """As `tf.keras.layers.Dense`: activation(x W + b) over the last dimension of x.

    Weights: kernel [D, units] and, with `use_bias`, bias [units]. Regularizers and constraints are
    for training: they are kept and have no effect here. `seed` decides, with the layer's name, the
    initial weights; 0 when None.
    """

    _NAME = "dense"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
        **layer: Any,
    ):
        self._declare(locals())

    def __call__(self, inputs: Any, training: bool = False) -> np.ndarray:
        """Maps [B, ..., D], of the layer's dtype, to [B, ..., units]; builds it for D at first.

        `inputs`: an array, or what a feature layer's `blocks` gives. `training` has no effect.
        Raises ValueError for another rank or D, TypeError for another dtype.
        """
        return self._layer(inputs)

    def vjp(self, inputs: Any, training: bool = False) -> tuple[np.ndarray, Pullback]:
        """A call and its way back: `pullback(grad_outputs)` gives ((grad_inputs,), grads)."""
        outputs, back = self._layer.vjp(inputs)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            grad_inputs, grads = back(grad_outputs)
            return (grad_inputs,), dict(zip(self.weights, grads, strict=True))

        return outputs, pullback

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(B, ..., units) for inputs (B, ..., D). Sizes may be None."""
        return (*self._checked(input_shape)[:-1], self.units)

    def _fits(self, rank: int) -> bool:
        return rank >= 2

    def _compiled(self) -> Any:
        return _core.make_dense(self._given())
