"""Dropout of single elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from weft import _core
from weft.arguments import integer, number
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.layers.base import (
    Layer,
    Pullback,
    arrays_of,
    checked_config,
    last_dimension,
    layer_dtype,
    layer_name,
)

__all__ = ["Dropout"]


class Dropout(Layer):
    """As `tf.keras.layers.Dropout`: in training elements become 0 at `rate`, the others grow.

    Those that are kept are divided by 1 - rate; without training the result is the input. What is
    dropped depends on the layer's seed (0 when None) and name, the call's step, and the place in
    the array alone. `noise_shape`, as long as the input's: a 1 drops or keeps whole stretches of
    that dimension together, None is the input's size.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Any = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        batch_input_shape: Any = None,
    ):
        self.rate = number(rate, "rate")
        self.noise_shape = noise_shape
        self.seed = None if seed is None else integer(seed, "seed")
        self.name = layer_name(name, "dropout")
        self.dtype = layer_dtype(dtype)
        self.trainable = bool(trainable)
        self.batch_input_shape = batch_input_shape
        self._layer = self._compiled()

    def _compiled(self) -> Any:
        noise = self.noise_shape
        if noise is not None:
            if not isinstance(noise, Iterable):
                raise WrongTypeError(f"`noise_shape` must be a list of sizes, got {noise!r}")
            noise = [-1 if n is None else integer(n, "noise_shape") for n in noise]
        return _core.make_dropout(self.rate, noise, self.name, self.seed or 0)

    def __call__(self, inputs: Any, training: bool = False, step: int | None = None) -> np.ndarray:
        """Maps inputs of any shape and the layer's dtype.

        Args:
          inputs: an array.
          training: whether anything is dropped.
          step: of training: it decides what. None: how many such calls there were.

        Raises ValueError for a `noise_shape` that does not fit and, as Keras, for a rate of 1 in
        training; TypeError for another dtype.
        """
        return self._layer(inputs, self.dtype, self._step(training, step))

    def vjp(
        self, inputs: Any, training: bool = False, step: int | None = None
    ) -> tuple[np.ndarray, Pullback]:
        """A call and its way back: `pullback(grad_outputs)` gives ((grad_inputs,), {})."""
        step = self._step(training, step)
        outputs = self._layer(inputs, self.dtype, step)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            if np.shape(grad_outputs) != outputs.shape:
                raise InvalidArgumentError(
                    f"grad_outputs must have shape {outputs.shape}, got {np.shape(grad_outputs)}"
                )
            return (self._layer(grad_outputs, self.dtype, step),), {}

        return outputs, pullback

    def build(self, input_shape: Any) -> None:
        """Checks that the shape has a last dimension: there are no weights."""
        last_dimension(input_shape)

    @property
    def built(self) -> bool:
        """Always."""
        return True

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """None."""
        return MappingProxyType({})

    def set_weights(self, weights: Any) -> None:
        """Raises ValueError for any weight."""
        if arrays_of(weights):
            raise InvalidArgumentError(f"{self.name!r} has no weights")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the inputs."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        if self.batch_input_shape is not None:
            config["batch_input_shape"] = self.batch_input_shape
        return {**config, "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Dropout:
        """Makes the layer that `get_config` describes."""
        return cls(**checked_config(config, "rate"))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_layer"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._layer = self._compiled()
