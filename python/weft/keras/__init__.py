"""TensorFlow's path to the layers: `tf.keras.layers.GRU` is `weft.layers.GRU`."""

from weft.keras import activations, experimental, initializers, layers

__all__ = ["activations", "experimental", "initializers", "layers"]
