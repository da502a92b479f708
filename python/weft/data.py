"""`tf.data`'s name for the reader of record files."""

from weft.io import TFRecordDataset

__all__ = ["TFRecordDataset"]
