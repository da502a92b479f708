"""Feature columns beyond what the golden files ask: immutability, configs, pickles, errors."""

from __future__ import annotations

import copy
import datetime
import json
import pathlib
import pickle

import numpy as np
import pytest
import weft
from weft import feature_column as fc


def half(values):
    return values / 2


IDENTITY = fc.categorical_column_with_identity
WATCHES = fc.sequence_categorical_column_with_identity("watches", num_buckets=1000)
COLUMNS = [
    fc.categorical_column_with_identity("a", 3, default_value=1),
    WATCHES,
    fc.embedding_column(WATCHES, 4, combiner="sqrtn", max_norm=2.0, trainable=False),
    fc.embedding_column(WATCHES, 4, initializer=weft.initializers.Ones()),
    fc.indicator_column(WATCHES),
    fc.numeric_column("x", shape=(2, 2), default_value=0.5),
    fc.numeric_column("x", dtype=weft.int64, default_value=3, normalizer_fn=half),
    fc.sequence_numeric_column("y", shape=[3], default_value=-1.0),
]


@pytest.mark.parametrize("column", COLUMNS, ids=repr)
def test_columns_are_values(column):
    for again in (pickle.loads(pickle.dumps(column)), copy.deepcopy(column)):
        assert again == column
        assert hash(again) == hash(column)
        assert type(again) is type(column)
    assert column != "text"
    assert len({column, pickle.loads(pickle.dumps(column))}) == 1
    with pytest.raises(AttributeError, match="cannot assign to field 'key'"):
        column.key = "b"
    with pytest.raises(AttributeError, match="cannot delete field 'key'"):
        del column.key


@pytest.mark.parametrize("column", COLUMNS, ids=repr)
def test_configs_survive_json(column):
    config = json.loads(json.dumps(column.get_config()))
    assert type(column).from_config(config, custom_objects={"half": half}) == column


def test_different_columns_differ():
    for i, one in enumerate(COLUMNS):
        for two in COLUMNS[i + 1 :]:
            assert one != two


def test_names_and_fields():
    embedding = COLUMNS[2]
    assert embedding.name == "watches_embedding"
    assert embedding.categorical_column.categorical_column.number_buckets == 1000
    assert WATCHES.key == "watches"
    assert WATCHES.num_buckets == 1000
    assert embedding.variable_shape == (4,)
    assert COLUMNS[4].variable_shape == (1, 1000)
    assert isinstance(embedding, fc.DenseColumn)
    assert isinstance(WATCHES, fc.CategoricalColumn)
    default = fc.embedding_column(WATCHES, 16).initializer
    assert default == weft.initializers.TruncatedNormal(mean=0.0, stddev=0.25)
    assert repr(fc.categorical_column_with_identity("a", 3)) == (
        "IdentityCategoricalColumn(key='a', number_buckets=3, default_value=None)"
    )


@pytest.mark.parametrize(
    "error, words, make",
    [
        (ValueError, "num_buckets 0 < 1, column_name a", lambda: IDENTITY("a", 0)),
        (TypeError, "integer", lambda: IDENTITY("a", 2.5)),
        (TypeError, "integer", lambda: IDENTITY("a", True)),
        (ValueError, "default_value 3", lambda: IDENTITY("a", 3, 3)),
        (ValueError, "key must be a string", lambda: IDENTITY(3, 3)),
        (ValueError, "Invalid dimension 0", lambda: fc.embedding_column(WATCHES, 0)),
        (ValueError, "Invalid dimension None", lambda: fc.embedding_column(WATCHES, None)),
        (ValueError, "combiner", lambda: fc.embedding_column(WATCHES, 2, combiner="max")),
        (ValueError, "callable", lambda: fc.embedding_column(WATCHES, 2, initializer=3)),
        (ValueError, "CategoricalColumn", lambda: fc.embedding_column("watches", 2)),
        (ValueError, "CategoricalColumn", lambda: fc.indicator_column(fc.numeric_column("x"))),
        (TypeError, "integer", lambda: fc.numeric_column("x", shape=(1.5,))),
        (ValueError, "greater than 0", lambda: fc.numeric_column("x", shape=0)),
        (TypeError, "callable", lambda: fc.numeric_column("x", normalizer_fn=3)),
        (TypeError, "compatible", lambda: fc.numeric_column("x", default_value="1")),
        (TypeError, "number", lambda: fc.sequence_numeric_column("x", default_value="1")),
        (ValueError, "dtype", lambda: fc.sequence_numeric_column("x", dtype=weft.string)),
        (TypeError, "'max_norm' of EmbeddingColumn must be a number, got '1'",
         lambda: fc.embedding_column(WATCHES, 2, max_norm="1")),
        (TypeError, "'combiner' of EmbeddingColumn must be a string, got None",
         lambda: fc.embedding_column(WATCHES, 2, combiner=None)),
        (TypeError, "'number_buckets' cannot be a value of type list",
         lambda: IDENTITY("a", [3])),
        (TypeError, "'first' must be a number", lambda: fc.log_boundaries("a", 2, 3)),
        (TypeError, "unit must be a number, in the unit of the times",
         lambda: fc.sequence_time_delta_column("t", unit=datetime.timedelta(hours=1))),
        (TypeError, "vocabulary_file: not a path: 3",
         lambda: fc.categorical_column_with_vocabulary_file("a", 3)),
        (ValueError, "does not fit into int64, column_name: a",
         lambda: fc.categorical_column_with_vocabulary_list("a", [1, 2**70])),
        (ValueError, "'hash_key' does not fit into int64",
         lambda: fc.crossed_column(["a", "b"], 5, hash_key=2**63)),
        (ValueError, "keys", lambda: fc.crossed_column({"a", "b"}, 5)),
        (ValueError, "not JSON", lambda: fc.columns_from_json(b"\xff")),
        (ValueError, "Unknown feature_column",
         lambda: fc.deserialize_feature_columns([{"class_name": ["x"], "config": {}}])),
        (TypeError, "a list of configs", lambda: fc.deserialize_feature_columns("abc")),
        (ValueError, "'number_buckets' does not fit into int64", lambda: IDENTITY("a", 2**70)),
        (ValueError, "default_value does not fit",
         lambda: fc.numeric_column("x", default_value=2**70, dtype=weft.int64)),
        (ValueError, "default_value does not fit",
         lambda: fc.numeric_column("x", default_value=np.uint64(2**63), dtype=weft.int64)),
        (ValueError, "default_value does not fit",
         lambda: fc.numeric_column("x", default_value=10**400)),
        (ValueError, "default_value does not fit",
         lambda: fc.sequence_numeric_column("x", default_value=10**400)),
        (TypeError, "compatible", lambda: fc.numeric_column("x", default_value=[None])),
        (ValueError, "shape of default_value",
         lambda: fc.numeric_column("x", shape=2, default_value=[[1], [2, 3]])),
        (TypeError, "in a list. Given: None", lambda: fc.make_parse_example_spec(None)),
        (ValueError, "in a list. Given: IdentityCategoricalColumn",
         lambda: fc.make_parse_example_spec(IDENTITY("a", 3))),
        (ValueError, "Invalid config", lambda: fc.NumericColumn.from_config({"key": "x"})),
        (ValueError, "Invalid config", lambda: fc.EmbeddingColumn.from_config(None)),
        (TypeError, "missing 1 required", lambda: IDENTITY("a")),
    ],
    ids=str,
)  # fmt: skip
def test_errors(error, words, make):
    with pytest.raises(error, match=words):
        make()


def test_a_default_that_is_no_number_equals_itself():
    column = fc.numeric_column("n", default_value=float("nan"))
    same = fc.numeric_column("n", default_value=float("nan"))
    assert column == same
    assert hash(column) == hash(same)
    assert fc.columns_from_json(fc.columns_to_json([column])) == [column]


def test_a_checkpoint_may_be_a_path():
    column = fc.embedding_column(
        WATCHES, 2, ckpt_to_load_from=pathlib.Path("/x"), tensor_name_in_ckpt="t"
    )
    assert column.ckpt_to_load_from == "/x"


def test_unknown_names_in_configs():
    config = COLUMNS[6].get_config()
    with pytest.raises(ValueError, match="custom_objects"):
        fc.NumericColumn.from_config(config)
    with pytest.raises(ValueError, match="Unknown feature_column: Foo"):
        fc.IndicatorColumn.from_config({"categorical_column": {"class_name": "Foo", "config": {}}})


class Scale:
    """Callable, and equal to another of the same factor."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, values):
        return values * self.factor

    def __eq__(self, other):
        return self.factor == other.factor

    def __hash__(self):
        return hash(self.factor)


def test_normalizers_are_compared():
    def with_normalizer(function):
        return fc.numeric_column("x", normalizer_fn=function)

    one = Scale(2)
    assert with_normalizer(half) == with_normalizer(half)
    assert with_normalizer(half) != with_normalizer(lambda x: x / 2)
    for equal in ((one.__call__, one.__call__), (one, Scale(2))):
        columns = [with_normalizer(function) for function in equal]
        assert columns[0] == columns[1]
        assert hash(columns[0]) == hash(columns[1])
    assert with_normalizer(one) != with_normalizer(Scale(3))
    assert with_normalizer(one).normalizer_fn == one
    unhashable = type("Unhashable", (Scale,), {"__hash__": None})(2)
    assert with_normalizer(unhashable) == with_normalizer(unhashable)
    other = type("Other", (), {"__call__": half, "__hash__": lambda self: hash(2)})()
    assert with_normalizer(one) != with_normalizer(other)  # Scale's == raises


def test_one_default():
    zero, also = fc.numeric_column("a", default_value=0), fc.numeric_column("a", default_value=0.0)
    assert zero == also
    assert hash(zero) == hash(also)
    assert zero.get_config()["default_value"] == (0,)
    assert fc.numeric_column("a", default_value=2**70).default_value == (2.0**70,)
    assert fc.numeric_column("a", default_value=3, dtype=weft.int64).default_value == (3,)


def ramp(shape, dtype):
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def test_functions_come_back():
    column = fc.embedding_column(WATCHES, 2, initializer=ramp)
    config = json.loads(json.dumps(column.get_config()))
    assert config["initializer"] == "ramp"
    assert fc.EmbeddingColumn.from_config(config, custom_objects={"ramp": ramp}) == column
    with pytest.raises(ValueError, match="unknown initializer 'ramp'"):
        fc.EmbeddingColumn.from_config(config)
    layer = weft.layers.SequenceFeatures([column])
    again = weft.layers.SequenceFeatures.from_config(layer.get_config(), {"ramp": ramp})
    assert again.get_weights()[0][1].tolist() == [2, 3]


def test_numpy_numbers_become_pythons():
    columns = [
        fc.sequence_numeric_column("y", shape=np.int64(2), default_value=np.float32(0.5)),
        fc.categorical_column_with_identity("a", np.int32(3), np.uint8(1)),
        fc.embedding_column(WATCHES, np.int64(2), max_norm=np.float32(2), trainable=np.bool_(True)),
        fc.numeric_column("x", default_value=np.float64(0.1)),
        fc.numeric_column("x", (), default_value=np.array(2), dtype=np.int64),
    ]
    for column in columns:
        config = json.loads(json.dumps(column.get_config()))
        assert type(column).from_config(config) == column
    assert type(columns[1].number_buckets) is int
    assert columns[3].default_value == (0.1,)
    assert columns[3].parse_example_spec["x"].default_value == (0.1,)


def test_the_core_refuses_what_is_another_kind():
    core = weft._core.Column
    identity = core("IdentityCategoricalColumn", IDENTITY("a", 3).get_config())
    with pytest.raises(ValueError, match="another kind"):
        identity.variable_shape  # noqa: B018
    with pytest.raises(ValueError, match="Unknown feature_column"):
        core("Foo", {})
    with pytest.raises(ValueError, match="Invalid config"):
        core("IndicatorColumn", {"categorical_column": identity, "x": 1})
    with pytest.raises(TypeError, match="must be a column, got None"):
        core("IndicatorColumn", {"categorical_column": None})


def test_names_of_tensorflow_1():
    assert not hasattr(fc, "linear_model")
    with pytest.raises(AttributeError, match="input_layer is of TensorFlow 1.*DenseFeatures"):
        fc.input_layer  # noqa: B018
    assert fc.shared_embedding_columns is fc.shared_embeddings
    with pytest.raises(AttributeError, match="no attribute 'foo_column'"):
        fc.foo_column  # noqa: B018


def test_specs():
    spec = fc.make_parse_example_spec(COLUMNS[1:5] + [fc.numeric_column("x", default_value=1.0)])
    assert set(spec) == {"watches", "x"}
    assert type(spec["watches"]).__name__ == "VarLenFeature"
    assert spec["x"].default_value == (1.0,)
    assert tuple(spec["x"].shape) == (1,)
    with pytest.raises(ValueError, match="different parse_spec for key watches"):
        fc.make_parse_example_spec([WATCHES, fc.numeric_column("watches")])
    with pytest.raises(ValueError, match="FeatureColumn instances. Given: watches"):
        fc.make_parse_example_spec(["watches"])
    assert fc.make_parse_example_spec(iter([])) == {}


def test_normalizer_gets_a_read_only_array():
    seen = []

    def look(values):
        seen.append(values)
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 7
        return values.tolist()

    layer = weft.layers.DenseFeatures([fc.numeric_column("x", normalizer_fn=look)])
    x = np.array([[1.0], [2.0]], np.float32)
    assert layer({"x": x}).tolist() == [[1.0], [2.0]]
    assert seen[0].shape == (2,)


def test_a_normalizer_that_raises():
    def broken(values):
        raise RuntimeError("no")

    layer = weft.layers.DenseFeatures([fc.numeric_column("x", normalizer_fn=broken)])
    with pytest.raises(RuntimeError, match="no"):
        layer({"x": np.ones((2, 1), np.float32)})
    short = weft.layers.DenseFeatures([fc.numeric_column("x", normalizer_fn=lambda x: x[:1])])
    with pytest.raises(ValueError, match="given shape .2. and returned .1."):
        short({"x": np.ones((2, 1), np.float32)})


def test_compat_v1_has_the_argument_order_of_tensorflow_1(tmp_path):
    path = tmp_path / "words"
    path.write_text("a\nb\nc\n")
    v1 = weft.compat.v1.feature_column.categorical_column_with_vocabulary_file
    want = fc.categorical_column_with_vocabulary_file("k", path, 3, num_oov_buckets=2)
    assert v1("k", path, 3, 2) == want
    assert weft.compat.v1.feature_column.numeric_column is fc.numeric_column
