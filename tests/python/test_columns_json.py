"""Columns as JSON, and TensorFlow's own serialized form."""

import json

import golden
import numpy as np
import pytest
import weft
from test_golden_columns import COLUMNS
from weft import normalizers
from weft.layers import SequenceFeatures

fc = weft.feature_column
CASES = [case for case in COLUMNS if "raises" not in case["result"]["config"]]


def affine(x):
    return x * 2 + 1


def ramp(shape, dtype):
    return np.zeros(shape, dtype)


FUNCTIONS = {"affine": affine, "ramp": ramp, "ones": weft.initializers.Ones()}


def some_of_every_kind(folder):
    path = folder / "v.txt"
    path.write_text("a\nb\n")
    ids = fc.sequence_categorical_column_with_identity("i", 9, default_value=3)
    words = fc.categorical_column_with_vocabulary_list("v", ["x", "\u00e9", b"\xff\x00"])
    steps = [normalizers.Clip(0, 10), normalizers.Log1p(), normalizers.ZScore(0.1, 1 / 3)]
    bucketized = fc.bucketized_column(fc.numeric_column("p"), [0, 1])
    delta = fc.sequence_time_delta_column("t", "now", 3600, -1.5, normalizer_fn=steps[1])
    return [
        fc.embedding_column(ids, 4, "sum", weft.initializers.GlorotNormal(seed=3), max_norm=1.5),
        fc.indicator_column(words),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("w", [3, -(2**63)])),
        fc.indicator_column(fc.categorical_column_with_vocabulary_file("f", path)),
        fc.indicator_column(fc.categorical_column_with_hash_bucket("h", 7, weft.int32)),
        fc.numeric_column("n", (2, 2), [[1, 2], [3, 4.5]], normalizer_fn=steps),
        fc.numeric_column("m", dtype=weft.int64, default_value=2**60),
        fc.sequence_numeric_column("s", default_value=float("nan")),
        fc.sequence_numeric_column("z", default_value=float("-inf")),
        delta,
        fc.bucketized_column(delta, fc.log_boundaries(1, 100, 5)),
        fc.embedding_column(fc.weighted_categorical_column(ids, "weight"), 3),
        fc.indicator_column(fc.crossed_column([bucketized, "q"], 30)),
        *fc.shared_embeddings([ids, fc.categorical_column_with_identity("j", 9)], 5),
    ]


def test_every_kind_comes_back(tmp_path):
    columns = some_of_every_kind(tmp_path)
    text = fc.columns_to_json(columns)
    again = fc.columns_from_json(text)
    assert [type(c) for c in again] == [type(c) for c in columns]
    assert again == columns
    assert list(map(hash, again)) == list(map(hash, columns))
    assert fc.columns_to_json(again) == text
    assert json.loads(text)["weft_columns"] == 1
    assert again[-1].shared_embedding_column_creator is again[-2].shared_embedding_column_creator


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_a_column_of_tensorflow_comes_back_from_its_own_config(case):
    """What tf.feature_column's get_config says, as tf's serialization nests it."""
    want = golden.Builder(fc, weft.as_dtype, FUNCTIONS)(case["column"])
    config = {k: plain(v) for k, v in case["result"]["config"].items()}
    give_path(config, want)
    serialized = [{"class_name": case["result"]["type"], "config": config}]
    (got,) = fc.deserialize_feature_columns(json.loads(json.dumps(serialized)), FUNCTIONS)
    assert got == want


def plain(value):
    """The golden file's dtypes and functions as get_config has them: names."""
    if isinstance(value, dict) and value.keys() in ({"dtype"}, {"function"}):
        return next(iter(value.values()))
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def give_path(config, want):
    """Names the vocabulary's file, however far inside, whose path the golden file shortens."""
    if "vocabulary_file" in config:
        config["vocabulary_file"] = want.vocabulary_file
    if "categorical_column" in config:
        give_path(config["categorical_column"]["config"], want.categorical_column)


def test_functions_are_refused_by_name():
    column = fc.numeric_column("n", normalizer_fn=affine)
    with pytest.raises(ValueError, match="'affine'.*cannot be saved; use the declared.*column 'n'"):
        fc.columns_to_json([column])
    ids = fc.categorical_column_with_identity("a", 3)
    with pytest.raises(ValueError, match="initializer that is a function.*column 'a_embedding'"):
        fc.columns_to_json([fc.embedding_column(ids, 2, initializer=ramp)])
    with pytest.raises(ValueError, match="a feature column is expected"):
        fc.columns_to_json(["a"])


GOOD = fc.columns_to_json([fc.indicator_column(fc.categorical_column_with_identity("a", 3))])


HUGE = json.loads(fc.columns_to_json([fc.numeric_column("n")]))
HUGE["columns"][0]["config"] |= {"shape": [2**20, 2**20], "default_value": 1.0}
HUGE = json.dumps(HUGE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "weft_columns"),
        ("{}", "weft_columns"),
        (GOOD.replace("1", "2", 1), "version 2 is not known"),
        (GOOD.replace('"a"', "7"), "must be a string|a string"),
        (GOOD.replace("Identity", "Idem"), "Unknown feature_column"),
        (GOOD.replace('"number_buckets": 3', '"number_buckets": 0'), "num_buckets 0 < 1"),
        (GOOD.replace('"number_buckets": 3', '"number_buckets": 3, "x": 1'), "Invalid config"),
        (GOOD.replace('"key": "a"', '"key": "a", "key": "b"'), "given twice"),
        (GOOD.replace('"columns"', '"rows"'), "columns"),
        ("[" * 1000, "nested too deep"),
        (json.dumps({str(i): 0 for i in range(65)}), "too many members"),
        (GOOD.replace("3", "1e999"), "not JSON|number"),
        (GOOD.replace("3", str(2**64)), "above 2|number"),
        (GOOD.replace('"a"', '{"bytes": [256]}'), "a byte is 0 to 255"),
        (GOOD[:-10], "not JSON"),
        (HUGE, "a default_value for more than"),
    ],
)
def test_what_is_no_columns_file_is_refused(text, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fc.columns_from_json(text)


def test_a_layer_of_columns_from_json(tmp_path):
    columns = [
        c for c in some_of_every_kind(tmp_path) if c.name in ("i_embedding", "z", "t_delta_to_now")
    ]
    layer = SequenceFeatures(columns, name="x")
    again = SequenceFeatures(fc.columns_from_json(fc.columns_to_json(columns)), name="x")
    features = {"i": [[1, 2], []], "z": [[0.5, 1.0], []], "t": [[5, 9], []], "now": [10, 10]}
    np.testing.assert_array_equal(layer(features).data, again(features).data)
