"""The classes of tf.train write what encode_example writes, and refuse what protobuf refuses."""

from __future__ import annotations

import numpy as np
import pytest
import weft as tf


def example(**features):
    return tf.train.Example(features=tf.train.Features(feature=features))


def test_bytes_are_encode_examples():
    record = example(
        ids=tf.train.Feature(int64_list=tf.train.Int64List(value=[1, -2, 2**62])),
        scores=tf.train.Feature(float_list=tf.train.FloatList(value=np.array([0.5, 2.0]))),
        words=tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"a", b"\x00"])),
        empty=tf.train.Feature(int64_list=tf.train.Int64List(value=[])),
    ).SerializeToString()
    assert record == tf.io.encode_example(
        {
            "ids": np.array([1, -2, 2**62]),
            "scores": np.array([0.5, 2.0], np.float32),
            "words": [b"a", b"\x00"],
            "empty": np.array([], np.int64),
        }
    )
    parsed = tf.io.parse_single_example(record, {"ids": tf.io.VarLenFeature(tf.int64)})
    assert parsed["ids"].values.tolist() == [1, -2, 2**62]
    assert tf.train.Example().SerializeToString() == b""
    assert example().SerializeToString() == tf.io.encode_example({}) == b"\x0a\x00"


def test_wrong_values_are_refused():
    with pytest.raises(TypeError, match="BytesList takes bytes, got str"):
        tf.train.BytesList(value=["text"])
    with pytest.raises(TypeError, match="Int64List takes integers"):
        tf.train.Int64List(value=[1.5])
    with pytest.raises(TypeError, match="FloatList takes numbers"):
        tf.train.FloatList(value=["a"])
    with pytest.raises(ValueError, match="above 2\\^63 - 1"):
        tf.train.Int64List(value=np.array([2**63], np.uint64))
    with pytest.raises(ValueError, match="needs one of"):
        tf.train.Feature()
