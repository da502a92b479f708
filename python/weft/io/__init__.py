"""`tf.io` and the reader of record files: parse, encode, read, write."""

from weft.io.dataset import DatasetIterator, TFRecordDataset
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
from weft.io.records import RecordFile, TFRecordOptions, TFRecordWriter, build_index
from weft.io.sequence_example import (
    decode_sequence_example,
    encode_sequence_example,
    parse_sequence_example,
    parse_single_sequence_example,
)
from weft.io.writing import write_tfrecords

__all__ = [
    "DatasetIterator",
    "FixedLenFeature",
    "FixedLenSequenceFeature",
    "RaggedFeature",
    "RecordFile",
    "SparseFeature",
    "TFRecordDataset",
    "TFRecordOptions",
    "TFRecordWriter",
    "VarLenFeature",
    "build_index",
    "decode_example",
    "decode_sequence_example",
    "encode_example",
    "encode_examples",
    "encode_sequence_example",
    "parse_example",
    "parse_sequence_example",
    "parse_single_example",
    "parse_single_sequence_example",
    "write_tfrecords",
]
