"""`tf.io` and the reader of record files: parse, encode, read, write."""

from weft.io.parsing import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RaggedFeature,
    SparseFeature,
    VarLenFeature,
    decode_example,
    encode_example,
    encode_examples,
    parse_example,
    parse_single_example,
)
from weft.io.records import TFRecordDataset, TFRecordOptions, TFRecordWriter

__all__ = [
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "RaggedFeature",
    "SparseFeature",
    "TFRecordDataset",
    "TFRecordOptions",
    "TFRecordWriter",
    "VarLenFeature",
    "decode_example",
    "encode_example",
    "encode_examples",
    "parse_example",
    "parse_single_example",
]
