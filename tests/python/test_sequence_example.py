"""`weft.io` and SequenceExamples: what TensorFlow has no answer to. The rest is in
test_golden_sequence_example.py.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import weft
from weft import io

IDS = io.VarLenFeature(weft.int64)


def record(context=None, **lists):
    return io.encode_sequence_example(context, lists)


def test_parts():
    records = [record({"user": [7]}, ids=[[1], [2, 3]]), record(ids=[[4]])]
    context, lists, lengths = io.parse_sequence_example(
        records, {"user": io.FixedLenFeature([], weft.int64, default_value=-1)}, {"ids": IDS}
    )
    assert context["user"].tolist() == [7, -1]
    assert lists["ids"].shape == (2, 2, 2)
    assert lists["ids"].rows.to_lists() == [[[1], [2, 3]], [[4]]]
    assert lengths == {}


@pytest.mark.parametrize("serialized", [bytes, np.array], ids=["bytes", "array of rank 0"])
def test_one_record(serialized):
    one = serialized(record(ids=[[1], [2]]))
    if isinstance(one, np.ndarray):
        one = np.array(record(ids=[[1], [2]]), dtype=object)
    spec = {"ids": io.FixedLenSequenceFeature([], weft.int64)}
    _, lists, lengths = io.parse_sequence_example(one, None, spec)
    assert lists["ids"].tolist() == [1, 2]
    assert lengths["ids"].shape == ()
    assert lengths["ids"] == 2
    assert io.parse_single_sequence_example(one, None, spec)[1]["ids"].tolist() == [1, 2]


def test_features_of_the_context_that_tensorflow_refuses():
    context = {"at": [2, 0], "of": [1.5, 2.5], "all": [1, 2, 3]}
    spec = {
        "sparse": io.SparseFeature("at", "of", weft.float32, 4),
        "all": io.FixedLenSequenceFeature([], weft.int64, allow_missing=True),
    }
    found, _, _ = io.parse_sequence_example([record(context)], spec)
    assert found["sparse"].indices.tolist() == [[0, 0], [0, 2]]
    assert found["sparse"].values.tolist() == [2.5, 1.5]
    assert found["all"].tolist() == [[1, 2, 3]]


def test_errors_say_where():
    good = record(ids=[[1]])
    bad = record(ids=[[1], [2, 3]])
    with pytest.raises(ValueError, match="a step of 2 values") as caught:
        spec = {"ids": io.FixedLenSequenceFeature([], weft.int64)}
        io.parse_sequence_example([good, bad], None, spec)
    error = caught.value
    assert (error.key, error.row, error.step) == ("ids", 1, 1)
    assert bad[error.offset :] == bad[-8:]
    with pytest.raises(weft.CorruptDataError) as caught:
        io.parse_sequence_example([good, bad[:-1]], None, {"ids": IDS})
    assert caught.value.row == 1
    assert "SequenceExample" in str(caught.value)
    with pytest.raises(ValueError, match=r"allow_missing.*key 'ids', row 1"):
        io.parse_sequence_example([good, record()], None, spec)


def test_an_example_is_named():
    example = io.encode_example({"ids": [1, 2], "user": [7]})
    with pytest.raises(ValueError, match="is a tf.Example, not a tf.SequenceExample"):
        io.parse_sequence_example([record(ids=[[1]]), example], None, {"ids": IDS})
    with pytest.warns(UserWarning, match="record 0 of a batch is a tf.Example"):
        _, lists, _ = io.parse_sequence_example([example], None, {"ids": IDS}, strict=False)
    assert lists["ids"].rows.to_lists() == [[]]
    # What is to be read as both, or of the context alone, may stand in the context alone.
    user = {"user": io.FixedLenFeature([], weft.int64)}
    assert io.parse_sequence_example([example], user)[0]["user"].tolist() == [7]
    io.parse_sequence_example([example], {"ids": IDS}, {"ids": IDS})


def test_keys_that_no_record_has_are_named_once():
    records = [record({"user": [1]}, ids=[[1]])] * 1024
    spec = {"ids": IDS, "nothing": IDS}
    with pytest.warns(UserWarning, match="none of the first 1024 records has .*'nothing'"):
        io.parse_sequence_example(records, None, spec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        io.parse_sequence_example(records, None, spec)


@pytest.mark.parametrize(
    ("context", "lists"),
    [(None, None), ({}, {}), (["ids"], None), (None, "ids"), (None, {"ids": 3})],
)
def test_specs_that_cannot_work(context, lists):
    with pytest.raises((ValueError, TypeError)):
        io.parse_sequence_example([b""], context, lists)


def test_names_are_counted():
    io.parse_sequence_example([b""], None, {"ids": IDS}, ["a"])
    with pytest.raises(ValueError, match="2 example_names for 1 records"):
        io.parse_sequence_example([b""], None, {"ids": IDS}, ["a", "b"])


def test_what_is_written_is_read():
    context = {"n": [1, -1], "f": [0.5], "s": ["a", b"\xff"], "none": np.array([], np.int64)}
    lists = {
        "ids": [[1], [], [2, 3]],
        "images": np.arange(6, dtype=np.float32).reshape(3, 2),
        "words": weft.Ragged.from_lists([["a", "bc"], []]),
        "empty": weft.Ragged.from_lists([], weft.float32),
    }
    found, steps = io.decode_sequence_example(io.encode_sequence_example(context, lists))
    assert {key: values.tolist() for key, values in found.items()} == {
        "n": [1, -1],
        "f": [0.5],
        "s": [b"a", b"\xff"],
        "none": [],
    }
    assert {key: ragged.to_lists() for key, ragged in steps.items()} == {
        "ids": [[1], [], [2, 3]],
        "images": [[0, 1], [2, 3], [4, 5]],
        "words": [[b"a", b"bc"], []],
        "empty": [],
    }
    assert io.encode_sequence_example() == b"\x0a\x00\x12\x00"


def test_steps_of_two_kinds_are_not_decoded():
    ints, floats = record(a=[[1]]), record(a=[[1.5]])
    both = ints + floats  # the later list replaces
    assert io.decode_sequence_example(both)[1]["a"].to_lists() == [[1.5]]
    ints_step, floats_step = ints[-7:], floats[-10:]
    mixed = b"\x12\x18\x0a\x16\x0a\x01a\x12\x11" + ints_step + floats_step
    with pytest.raises(ValueError, match="a step of float32 in a feature list of int64"):
        io.decode_sequence_example(mixed)


def test_real_files():
    folder = os.environ.get("WEFT_REAL_DATA")
    if not folder:
        pytest.skip("WEFT_REAL_DATA is not set")
    for name in ("torchdata/sequence_example.tfrecord", "tfx/sequence_eval.tfrecord.gz"):
        records = list(io.TFRecordDataset(Path(folder) / name))
        context, lists = io.decode_sequence_example(records[0])
        assert lists
        parsed = io.parse_sequence_example(
            records,
            {key: io.VarLenFeature(values.dtype) for key, values in context.items()},
            {key: io.VarLenFeature(steps.dtype) for key, steps in lists.items()},
        )
        for row, one in enumerate(records):
            steps = io.decode_sequence_example(one)[1]
            for key in lists:
                want = steps[key].to_lists() if key in steps else []
                assert parsed[1][key].rows[row].to_lists() == want
