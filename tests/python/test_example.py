"""Parsing Examples: what the golden files do not ask."""

import os
import pickle
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import weft
from weft import io

REAL = os.environ.get("WEFT_REAL_DATA")
needs_real_data = pytest.mark.skipif(not REAL, reason="WEFT_REAL_DATA names no folder")


def example(**features):
    return io.encode_example(features)


def test_results_are_what_tensorflow_users_expect():
    records = [
        example(a=[1, 2, 3], b=0.5, c=["x", b"y\0"]),
        example(a=np.array([], np.int64), b=2, c="z"),
    ]
    records[1] = example(a=np.array([], np.int64), b=2.0, c="z")
    parsed = io.parse_example(
        records,
        {
            "a": io.VarLenFeature(weft.int64),
            "b": io.FixedLenFeature([], np.float32),
            "c": io.RaggedFeature(str),
        },
    )
    assert parsed["a"].dense_shape.tolist() == [2, 3]
    assert parsed["a"].values.tolist() == [1, 2, 3]
    assert parsed["b"].dtype == np.float32
    assert parsed["b"].tolist() == [0.5, 2.0]
    assert parsed["c"].to_lists() == [[b"x", b"y\0"], [b"z"]]


def test_inputs_are_lists_tuples_and_object_arrays():
    record = example(a=7)
    spec = {"a": io.FixedLenFeature((), weft.int64)}
    for batch in ([record, record], (record, record), np.array([record, record], dtype=object)):
        assert io.parse_example(batch, spec)["a"].tolist() == [7, 7]
        assert io.parse_example(batch, spec, example_names=["x", "y"])["a"].tolist() == [7, 7]
    for one in (record, np.array(record, dtype=object)):
        assert io.parse_example(one, spec)["a"].shape == ()
        assert io.parse_single_example(one, spec)["a"].tolist() == 7
    with pytest.raises(ValueError, match="1 example_names for 2 records"):
        io.parse_example([record, record], spec, example_names=["x"])
    with pytest.raises(TypeError, match="serialized"):
        io.parse_example(["text"], spec)
    with pytest.raises(TypeError, match="serialized"):
        io.parse_single_example([record], spec)


def test_strings_behave_as_an_object_array():
    records = [example(s=text) for text in ("b", "a\0", "c")]
    spec = {"s": io.FixedLenFeature([1], weft.string)}
    strings = io.parse_example(records, spec)["s"]
    assert strings.shape == (3, 1)
    assert strings.ndim == 2
    assert len(strings) == strings.size == 3
    assert strings.tolist() == [[b"b"], [b"a\0"], [b"c"]]
    assert np.asarray(strings).dtype == object
    assert np.shares_memory(np.asarray(strings), np.asarray(strings))
    assert strings[1, 0] == b"a\0"
    assert [row[0] for row in strings] == [b"b", b"a\0", b"c"]
    assert (strings == np.array([[b"b"], [b"x"], [b"c"]], object)).tolist() == [
        [True],
        [False],
        [True],
    ]
    assert strings.ravel().tolist() == [b"b", b"a\0", b"c"]
    assert np.array_equal(pickle.loads(pickle.dumps(strings)), np.asarray(strings))
    assert repr(strings) == repr(np.asarray(strings))
    written = io.encode_examples({"s": strings})
    assert written == records
    strings[0, 0] = b"new"
    assert io.encode_examples({"s": strings})[0] == example(s="new")


def test_a_changed_spec_is_a_new_spec():
    record = example(a=[1, 2])
    shape = [2]
    spec = {"a": io.FixedLenFeature(shape, weft.int64)}
    assert io.parse_example([record], spec)["a"].shape == (1, 2)
    shape[0] = 1
    with pytest.raises(ValueError, match="2 values where shape"):
        io.parse_example([record], spec)
    spec["a"] = io.VarLenFeature(weft.int64)
    assert io.parse_example([record], spec)["a"].values.tolist() == [1, 2]


def test_specs_are_tuples_with_tensorflows_fields():
    fixed = io.FixedLenFeature([2], weft.int64, default_value=np.array([1, 2]))
    assert (fixed.shape, fixed.dtype, fixed.default_value) == ([2], weft.int64, [1, 2])
    assert fixed == io.FixedLenFeature([2], np.int64, [1, 2])
    sequence = io.FixedLenSequenceFeature([], "float32", True)
    assert (sequence.dtype, sequence.allow_missing, sequence.default_value) == (
        weft.float32,
        True,
        None,
    )
    ragged = io.RaggedFeature(bytes, "v", [io.RaggedFeature.RowLengths("n")])
    assert (ragged.dtype, ragged.value_key, ragged.validate) == (weft.string, "v", False)
    assert ragged.row_splits_dtype == np.int32
    for spec in (
        fixed,
        sequence,
        ragged,
        io.VarLenFeature(str),
        io.SparseFeature("i", "v", int, 9),
    ):
        assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        [],
        ["k"],
        {"k": 5},
        {"k": io.VarLenFeature(None)},
        {"k": io.FixedLenFeature(None, weft.int64)},
        {"k": io.FixedLenFeature([None], weft.int64)},
        {"k": io.FixedLenFeature([], weft.int64, 1.5)},
        {"k": io.FixedLenFeature([], weft.int64, "x")},
        {"k": io.FixedLenSequenceFeature([], weft.int64)},
        {"k": io.SparseFeature("", "v", weft.int64, 5)},
        {"k": io.SparseFeature(["a"], "v", weft.int64, 5)},
    ],
)
def test_specs_that_cannot_work(spec):
    with pytest.raises((ValueError, TypeError)):
        io.parse_example([b""], spec)


def test_errors_say_where():
    spec = {"k": io.VarLenFeature(weft.int64)}
    with pytest.raises(weft.InvalidArgumentError, match="list of string") as caught:
        io.parse_example([example(k=1), example(k="x")], spec)
    assert (caught.value.key, caught.value.row, caught.value.offset) == ("k", 1, 2)
    with pytest.raises(weft.CorruptDataError) as caught:
        io.parse_example([example(k=1)[:-1]], spec)
    assert isinstance(caught.value, ValueError)
    assert caught.value.row == 0


def test_another_message_type_warns_when_it_is_not_refused():
    lists = b"\x12\x0f\x0a\x0d\x0a\x01h\x12\x08\x0a\x06\x1a\x04\x0a\x02\x07\x08"
    record = example(k=1) + lists
    spec = {"k": io.FixedLenFeature([], weft.int64)}
    with pytest.raises(ValueError, match="SequenceExample"):
        io.parse_example([record], spec)
    with pytest.warns(match="SequenceExample"):
        assert io.parse_example([record], spec, strict=False)["k"].tolist() == [1]


@needs_real_data
def test_real_pages():
    dataset = io.TFRecordDataset(str(Path(REAL) / "tfx" / "next_page_prediction.tfrecord.gz"))
    records = list(dataset)
    spec = {
        "cur_page": io.VarLenFeature(weft.string),
        "session_index": io.VarLenFeature(weft.int64),
    }
    parsed = io.parse_example(records, spec)
    assert parsed["cur_page"].dense_shape[0] == len(records)


@needs_real_data
def test_real_empty_lists():
    records = list(io.TFRecordDataset(str(Path(REAL) / "tfx" / "csv_eval_00000-of-00012.gz")))
    spec = {"tips": io.VarLenFeature(weft.float32), "company": io.VarLenFeature(weft.string)}
    lengths = np.diff(io.parse_example(records, spec)["company"].rows.row_splits)
    assert set(lengths) == {0, 1}


@needs_real_data
def test_real_other_messages_are_named():
    spec = {"k": io.VarLenFeature(weft.int64)}
    for name, message in (
        ("tfx/sequence_eval.tfrecord.gz", "SequenceExample"),
        ("torchdata/sequence_example.tfrecord", "SequenceExample"),
        ("ranking/vali_numerical_elwc.tfrecord", "ExampleListWithContext"),
    ):
        records = list(io.TFRecordDataset(str(Path(REAL) / name)))
        for record in records[:50]:
            with pytest.raises(ValueError, match=message):
                io.parse_example([record], spec)


def test_arguments_of_other_kinds():
    spec = {"a": io.VarLenFeature(weft.int64)}
    with pytest.raises(TypeError, match="`features` must be a dict"):
        io.encode_example([1])
    with pytest.raises(TypeError, match="leave it out"):
        io.encode_example({"a": None})
    with pytest.raises(ValueError, match="UTF-8"):
        io.encode_example({"\udc80": [1]})
    with pytest.raises(TypeError, match="example_names"):
        io.parse_example([b""], spec, example_names=5)
    with pytest.raises(TypeError, match="'serialized' must be a list or array of bytes"):
        io.parse_example("abc", spec)
    with pytest.raises(TypeError, match="dtype 'S'"):
        io.parse_example(np.array([b"ab"]), spec)


def test_shapes_may_be_arrays():
    record = io.encode_example({"a": [1, 2], "i": [0]})
    for _ in range(2):
        spec = {"a": io.FixedLenFeature(np.array([2, 1]), weft.int64)}
        assert io.parse_example([record], spec)["a"].shape == (1, 2, 1)
        spec = {"a": io.SparseFeature(np.array(["i"]), "i", weft.int64, np.array([3]))}
        assert io.parse_example([record], spec)["a"].shape == (1, 3)


def test_row_ids_that_leave_too_much_empty():
    spec = {"v": io.RaggedFeature(weft.int64, "v", [io.RaggedFeature.ValueRowIds("p")])}
    record = io.encode_example({"v": [1], "p": [2**27]})
    with pytest.raises(weft.LimitExceededError, match="max_empty_rows = 65536"):
        io.parse_example([record], spec)
    record = io.encode_example({"v": [1], "p": [4]})
    with pytest.raises(weft.LimitExceededError, match="max_empty_rows = 3"):
        io.parse_example([record], spec, limits=weft.Limits(max_empty_rows=3))
    assert io.parse_example([record], spec)["v"].to_lists() == [[[], [], [], [], [1]]]


def test_arrays_of_strings_have_numpys_operators():
    spec = {"a": io.FixedLenFeature([], weft.string)}
    strings = io.parse_example([io.encode_example({"a": word}) for word in (b"b", b"a")], spec)["a"]
    assert (strings + b"!").tolist() == [b"b!", b"a!"]
    assert (b"!" + strings).tolist() == [b"!b", b"!a"]
    assert (strings < b"b").tolist() == [False, True]
    assert (strings == b"b").tolist() == [True, False]
    assert (strings * 2).tolist() == [b"bb", b"aa"]
    longer = strings
    longer += b"?"
    assert longer.tolist() == [b"b?", b"a?"]


def test_goes_on_where_no_thread_can_be_started(tmp_path):
    code = """
import numpy as np, weft
from weft import io
records = [io.encode_example({"a": np.arange(i % 50)}) for i in range(4000)]
weft.set_num_threads(4)
parsed = io.parse_example(records, {"a": io.RaggedFeature(weft.int64)})["a"]
assert parsed.row_lengths().tolist() == [i % 50 for i in range(4000)]
"""
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard != resource.RLIM_INFINITY:
        pytest.skip("the size of a stack is limited")
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        # A thread's stack would be larger than the address space.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (1 << 47, hard)),
    )


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        (io.FixedLenFeature("x", "int64"), "'shape' of feature 'a' must be"),
        (io.FixedLenFeature([], "int64", "x"), "'default_value' of feature 'a' must be int64"),
        (io.SparseFeature(3, "v", "int64", 3), "'index_key' of feature 'a' must be a name or"),
        (io.SparseFeature(["i"], "v", "int64", 3), "'size' of feature 'a' must be a list"),
    ],
)
def test_messages_name_field_and_feature(feature, message):
    with pytest.raises(weft.WrongTypeError, match=message):
        io.parse_example([b""], {"a": feature})


@pytest.mark.parametrize("wrong", [3, "a", np.ones(2)])
def test_specs_and_limits_of_another_type(wrong):
    spec = {"a": io.VarLenFeature("int64")}
    with pytest.raises(weft.WrongTypeError, match="`features` must be a dict"):
        io.parse_example([b""], wrong)
    with pytest.raises(weft.WrongTypeError, match="`context_features` must be a dict"):
        io.parse_sequence_example([b""], wrong)
    with pytest.raises(weft.WrongTypeError, match=r"`limits` must be a weft\.Limits"):
        io.parse_example([b""], spec, limits=wrong)
