"""Writing Examples, and what one holds."""

import numpy as np
import pytest
import weft
from hypothesis import assume, given
from hypothesis import strategies as st
from weft import io


def example(**features):
    return io.encode_example(features)


def test_encode_example_takes_values_as_they_come():
    assert example(k=True) == example(k=[1]) == example(k=np.uint8(1)) == example(k=np.array([[1]]))
    assert example(k="é") == example(k="é".encode()) == example(k=["é"])
    assert example(k=1.5) == example(k=np.float64(1.5)) == example(k=np.array([1.5], np.float16))
    with pytest.raises(ValueError, match="feature 'k' has no values, and so no dtype"):
        example(k=[])
    with pytest.raises(TypeError, match=r"of feature 'k'\[1\] is str or bytes where .* are int"):
        example(k=[1, "x"])
    with pytest.raises(TypeError, match="of feature 'k' must be an array or nested lists"):
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
    with pytest.raises(ValueError, match=r"2 rows where 'a' has 1 \(key 'b'\)"):
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


def test_decode_is_encode_the_other_way():
    features = {
        "i": np.array([1, -2, 2**62]),
        "f": np.array([0.5, np.inf], np.float32),
        "s": np.array([b"a\0", b""], object),
        "none": np.array([], np.float32),
    }
    decoded = io.decode_example(io.encode_example(features))
    assert sorted(decoded) == sorted(features)
    for key, values in features.items():
        np.testing.assert_array_equal(decoded[key], values)
        assert decoded[key].dtype == values.dtype
    assert io.encode_example(decoded) == io.encode_example(features)
    assert io.decode_example(b"") == {}
    with pytest.raises(weft.LimitExceededError):
        io.decode_example(io.encode_example(features), limits=weft.Limits(max_keys=3))
    with pytest.raises(TypeError, match="bytes"):
        io.decode_example("a")


@pytest.mark.parametrize("rows", [[], [[], []], [[[]], []], ()])
def test_what_has_no_dtype_is_not_written(rows):
    with pytest.raises(ValueError, match="'price' has no values"):
        io.encode_examples({"price": rows})
    with pytest.raises(ValueError, match="'price' has no values"):
        io.encode_example({"price": rows})
    empty = weft.Ragged.from_lists([[], []], weft.float32)
    parsed = io.parse_example(
        io.encode_examples({"price": empty}), {"price": io.VarLenFeature(weft.float32)}
    )
    assert parsed["price"].values.dtype == np.float32
