"""`tf.data`'s names for the reader of record files and for leaving a number to it."""

from weft.io import TFRecordDataset

__all__ = ["AUTOTUNE", "TFRecordDataset"]

AUTOTUNE = -1
