"""Parsing and writing Examples: what the golden files do not ask."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import weft
from hypothesis import assume, given
from hypothesis import strategies as st
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


def test_encode_example_takes_values_as_they_come():
    assert example(k=True) == example(k=[1]) == example(k=np.uint8(1)) == example(k=np.array([[1]]))
    assert example(k="é") == example(k="é".encode()) == example(k=["é"])
    assert example(k=1.5) == example(k=np.float64(1.5)) == example(k=np.array([1.5], np.float16))
    with pytest.raises(ValueError, match="k"):
        example(k=[])
    with pytest.raises((ValueError, TypeError), match="k"):
        example(k=[1, "x"])
    with pytest.raises((ValueError, TypeError), match="k"):
        example(k=object())


def test_encode_examples_writes_rows():
    columns = {
        "r": [[1, 2], []],
        "d": np.array([[0.5], [1.5]], np.float32),
        "s": [["x"], ["y", "z"]],
    }
    records = io.encode_examples(columns)
    empty = np.array([], np.int64)
    assert records == [example(r=[1, 2], d=0.5, s=["x"]), example(r=empty, d=1.5, s=["y", "z"])]
    with pytest.raises(ValueError, match="rows"):
        io.encode_examples({"a": [[1]], "b": [[1], [2]]})


def messages():
    """tf.train.Example of the protobuf package, built without TensorFlow."""
    protobuf = pytest.importorskip("google.protobuf")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    del protobuf
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="weft_example.proto", package="w", syntax="proto3"
    )
    for name, kind in (
        ("BytesList", field.TYPE_BYTES),
        ("FloatList", field.TYPE_FLOAT),
        ("Int64List", field.TYPE_INT64),
    ):
        file.message_type.add(name=name).field.add(
            name="value", number=1, type=kind, label=field.LABEL_REPEATED
        )
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("BytesList", "FloatList", "Int64List"), 1):
        feature.field.add(
            name=name.replace("List", "_list").lower(),
            number=number,
            type=field.TYPE_MESSAGE,
            type_name=f".w.{name}",
            label=field.LABEL_OPTIONAL,
            oneof_index=0,
        )
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    entry.field.add(
        name="value",
        number=2,
        type=field.TYPE_MESSAGE,
        type_name=".w.Feature",
        label=field.LABEL_OPTIONAL,
    )
    features.field.add(
        name="feature",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".w.Features.FeatureEntry",
        label=field.LABEL_REPEATED,
    )
    example = file.message_type.add(name="Example")
    example.field.add(
        name="features",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".w.Features",
        label=field.LABEL_OPTIONAL,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("w.Example"))


INT64 = st.integers(-(2**63), 2**63 - 1)
FEATURES = st.dictionaries(
    st.text(max_size=20),
    st.one_of(
        st.lists(INT64, max_size=60).map(lambda v: np.array(v, np.int64)),
        st.lists(st.floats(width=32, allow_nan=False), max_size=60).map(
            lambda v: np.array(v, np.float32)
        ),
        st.lists(st.binary(max_size=40), min_size=1, max_size=20),
    ),
    max_size=8,
)


@given(FEATURES)
def test_bytes_are_those_of_protobuf(features):
    """Where no key begins another: those the Python package writes longest first, unlike C++."""
    keys = sorted(key.encode() for key in features)
    assume(not any(b.startswith(a) for a, b in zip(keys, keys[1:], strict=False)))
    message = messages()()
    message.features.SetInParent()
    for key, values in features.items():
        kind = (
            "bytes_list"
            if isinstance(values, list)
            else "int64_list"
            if values.dtype == np.int64
            else "float_list"
        )
        target = getattr(message.features.feature[key], kind)
        target.SetInParent()
        target.value.extend(values if isinstance(values, list) else values.tolist())
    record = io.encode_example(features)
    assert record == message.SerializeToString(deterministic=True)
    if features:
        spec = {
            k: io.RaggedFeature(str if isinstance(v, list) else v.dtype)
            for k, v in features.items()
        }
        parsed = io.parse_single_example(record, spec)
        for key, values in features.items():
            assert parsed[key].tolist() == list(values)


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
