"""Pooling over time: a history [B, T, D] as one vector per row, [B, D].

Only real steps count: values in masked steps never matter, NaN included, and a row without real
steps gives zeros. A row's result does not depend on the batch around it, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError
from weft.layers.base import CellLayer, Pullback, checked_config, layer_dtype, layer_name

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Pooling",
]


class _Pooling(CellLayer):
    """A layer without weights, over an array of float32 or float64 whatever its own dtype."""

    _SHAPE = ("B", "T", "D")
    _NAME = ""
    keepdims = False

    def _declare(
        self, pooling: str, name: Any, dtype: Any, trainable: bool, layer: dict[str, Any]
    ) -> None:
        _core.check_pooling(pooling)
        self.pooling = pooling
        self.name = layer_name(name, self._NAME)
        self.dtype = layer_dtype(dtype)
        self.trainable = bool(trainable)
        self._take(layer)

    def build(self, input_shape: Any = None) -> None:
        """Does nothing: there are no weights."""

    @property
    def built(self) -> bool:
        """True."""
        return True

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """None."""
        return MappingProxyType({})

    def set_weights(self, weights: Any) -> None:
        """Takes an empty list; raises ValueError for another."""
        if len(weights) > 0:
            raise InvalidArgumentError(f"{self.name!r} has 0 weights, got {len(weights)}")

    def __call__(
        self, inputs: Any, mask: Any = None, lengths: Any = None, training: bool = False
    ) -> np.ndarray:
        """Pools inputs [B, T, D] of float32 or float64.

        Args:
          inputs: an array.
          mask: bool [B, T], of any pattern; steps that are False do not count.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.
          training: has no effect.

        Returns:
          [B, D]; [B, 1, D] with keepdims.

        Raises:
          ValueError: another rank, a mask or lengths that do not fit, or both. TypeError: another
          dtype.
        """
        return self._shaped(_core.run_pooling(self.pooling, inputs, mask, lengths))

    def vjp(
        self, inputs: Any, mask: Any = None, lengths: Any = None, training: bool = False
    ) -> tuple[np.ndarray, Pullback]:
        """A call and its way back: `pullback(grad_outputs)` gives ((grad_inputs,), {})."""
        outputs, back = _core.vjp_pooling(self.pooling, inputs, mask, lengths)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            grad = np.squeeze(grad_outputs, 1) if self.keepdims else grad_outputs
            return (back(np.ascontiguousarray(grad)),), {}

        return self._shaped(outputs), pullback

    def _shaped(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, np.newaxis] if self.keepdims else outputs

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(B, D) for inputs (B, T, D), (B, 1, D) with keepdims. Sizes may be None."""
        batch, _, width = self._checked(input_shape)
        return (batch, 1, width) if self.keepdims else (batch, width)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` makes the same layer of."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        return {**config, **self._shape_config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Makes the layer that `get_config` describes."""
        return cls(**checked_config(config, "name"))


class Pooling(_Pooling):
    """Each row's real steps as one vector: their "mean", "sum" or "max", or the "last" of them.

    The gradient of a maximum goes to the steps that hold it in equal parts, as TensorFlow's. Raises
    ValueError for another `pooling`.
    """

    _NAME = "pooling"

    def __init__(
        self,
        pooling: str = "mean",
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        **layer: Any,
    ):
        self._declare(pooling, name, dtype, trainable, layer)

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` makes the same layer of."""
        return {**super().get_config(), "pooling": self.pooling}


class _GlobalPooling1D(_Pooling):
    """What both of Keras's layers have."""

    _POOLING = ""

    def __init__(
        self,
        data_format: str | None = "channels_last",
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        **layer: Any,
    ):
        if data_format not in (None, "channels_last"):
            raise InvalidArgumentError(
                f"`data_format` must be 'channels_last': [B, T, D], got {data_format!r}"
            )
        self.data_format = "channels_last"
        self.keepdims = bool(keepdims)
        self._declare(self._POOLING, name, dtype, trainable, layer)

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        config = {"data_format": self.data_format, "keepdims": self.keepdims}
        return {**super().get_config(), **config}


class GlobalAveragePooling1D(_GlobalPooling1D):
    """As `tf.keras.layers.GlobalAveragePooling1D`: the mean of the real steps.

    A row without real steps gives zeros, where Keras gives NaN.
    """

    _NAME, _POOLING = "global_average_pooling1d", "mean"


class GlobalMaxPooling1D(_GlobalPooling1D):
    """As `tf.keras.layers.GlobalMaxPooling1D`: the maximum of the real steps.

    Keras has no masks here, and takes padding for steps. With neither mask nor lengths all steps
    count here too; with one of them only the real steps, and a row without any gives zeros.
    """

    _NAME, _POOLING = "global_max_pooling1d", "max"
