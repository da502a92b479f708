"""Where TensorFlow 2.4 to 2.15 keep SequenceFeatures."""

from weft.layers import SequenceFeatures

__all__ = ["SequenceFeatures"]
