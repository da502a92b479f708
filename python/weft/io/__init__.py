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
from weft.io.sequence_example import (
    decode_sequence_example,
    encode_sequence_example,
    parse_sequence_example,
    parse_single_sequence_example,
)

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
    "decode_sequence_example",
    "encode_example",
    "encode_examples",
    "encode_sequence_example",
    "parse_example",
    "parse_sequence_example",
    "parse_single_example",
    "parse_single_sequence_example",
]
