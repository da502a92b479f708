"""TensorFlow's path to the layers: `tf.keras.layers.GRU` is `weft.layers.GRU`."""

from weft.keras import experimental, initializers, layers

__all__ = ["experimental", "initializers", "layers"]
