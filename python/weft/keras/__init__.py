"""TensorFlow's path to the layers: `tf.keras.layers.GRU` is `weft.layers.GRU`."""

from weft.keras import (
    activations,
    callbacks,
    experimental,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
)
from weft.layers.sequential import Sequential

__all__ = [
    "Sequential",
    "activations",
    "callbacks",
    "experimental",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
]
