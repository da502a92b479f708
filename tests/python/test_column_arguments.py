"""What columns say to arguments that cannot be; and which of several forms are one."""

import copy
import datetime
import json
import pathlib
import pickle

import numpy as np
import pytest
import weft

fc = weft.feature_column
NAN = float("nan")
IDS = fc.categorical_column_with_identity("a", 3)
WORDS = fc.categorical_column_with_vocabulary_list


@pytest.mark.parametrize(
    "column",
    [
        lambda nan: fc.numeric_column("a", default_value=nan),
        lambda nan: fc.numeric_column("a", (2,), default_value=[1.0, nan]),
        lambda nan: fc.sequence_numeric_column("a", default_value=nan),
        lambda nan: fc.sequence_time_delta_column("a", default_value=nan),
        lambda nan: fc.bucketized_column(fc.numeric_column("a", default_value=nan), [1]),
    ],
)
def test_nan_is_a_default_like_any_other(column):
    one, two = column(NAN), column(-NAN)
    for same in (two, copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert same == one
        assert hash(same) == hash(one)
    assert fc.columns_from_json(fc.columns_to_json([one])) == [one]
    assert column(0.0) != one
    assert list(fc.make_parse_example_spec([one, two])) == ["a"]


def test_a_checkpoint_is_a_path_in_any_form():
    def column(path):
        return fc.embedding_column(IDS, 2, ckpt_to_load_from=path, tensor_name_in_ckpt="t")

    text, path = column("/x/y"), column(pathlib.Path("/x/y"))
    assert path == text
    assert hash(path) == hash(text)
    assert path.ckpt_to_load_from == "/x/y"
    assert fc.columns_to_json([path]) == fc.columns_to_json([text])
    (shared,) = fc.shared_embeddings([IDS], 2, ckpt_to_load_from=pathlib.Path("/x/y"),
                                     tensor_name_in_ckpt="t")  # fmt: skip
    assert shared.ckpt_to_load_from == "/x/y"


def test_a_sequence_of_several_features_has_no_key():
    """As in TensorFlow, where a cross has none either."""
    assert fc.sequence_categorical_column_with_identity("a", 3).key == "a"
    with pytest.raises(AttributeError, match="'CrossedColumn' object has no attribute 'key'"):
        _ = fc.sequence_crossed_column(["a", "b"], 10).key


@pytest.mark.parametrize("value", [2**63, 2**64 - 1, np.uint64(2**63), -(2**63) - 1])
def test_a_hash_key_is_an_int64(value):
    """TensorFlow takes it, and then fails in the layer."""
    with pytest.raises(weft.OutOfRangeError, match="'hash_key' does not fit into int64"):
        fc.crossed_column(["a", "b"], 10, hash_key=value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fc.log_boundaries("a", 2, 3), TypeError, "'first' must be a number"),
        (lambda: fc.log_boundaries(1, None, 3), TypeError, "'last' must be a number"),
        (lambda: fc.log_boundaries(1, 2, None), TypeError, "'count' must be an integer"),
        (lambda: fc.sequence_time_delta_column("t", unit=datetime.timedelta(hours=1)),
         TypeError, "unit must be a number, in the unit of the times: 3600 for an hour"),
        (lambda: fc.sequence_time_delta_column("t", unit=np.timedelta64(1, "h")),
         TypeError, "unit must be a number, in the unit of the times"),
        (lambda: fc.categorical_column_with_vocabulary_file("a", 3),
         TypeError, "vocabulary_file: not a path: 3"),
        (lambda: fc.embedding_column(IDS, 2, ckpt_to_load_from=3),
         TypeError, "ckpt_to_load_from: not a path: 3"),
        (lambda: fc.numeric_column("a", b"ab"), TypeError, "shape dimensions must be integer"),
        (lambda: fc.numeric_column("a", {2: 3}), TypeError, "shape dimensions must be integer"),
        (lambda: fc.numeric_column("a", dtype=3), TypeError, "'dtype' must be a dtype"),
        (lambda: fc.numeric_column("a", dtype="\ud800"), TypeError, "'dtype' must be a dtype"),
        (lambda: fc.bucketized_column(fc.numeric_column("a"), [10**400]),
         ValueError, "`boundaries` does not fit into float64"),
        (lambda: WORDS("a", [2**63]), ValueError, "does not fit into int64, column_name: a"),
        (lambda: WORDS("a", ["\ud800"]), ValueError, "characters that UTF-8 has not"),
        # In the order of a set, the ids would be others in each process.
        (lambda: WORDS("a", {"x", "y"}), ValueError, "must be a list and non-empty"),
        (lambda: WORDS("a", {"x": 5}), ValueError, "must be a list and non-empty"),
        (lambda: fc.crossed_column({"a", "b"}, 10), ValueError, "keys must be a list"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_are_named(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert isinstance(caught.value, weft.Error)


COLUMNS = [
    fc.numeric_column("n", normalizer_fn=[weft.normalizers.ZScore(1, 2)]),
    fc.embedding_column(IDS, 3),
    fc.indicator_column(fc.crossed_column(["a", IDS], 10)),
    fc.indicator_column(WORDS("v", ["a"])),
    fc.bucketized_column(fc.sequence_time_delta_column("t"), [1, 2]),
]
WRONG = [
    *(None, 3, -1, 2.5, "zz", [], [[]], [3, "a"], {}, {"a": 1}, True, 10**30, "\ud800"),
    *({"class_name": 1, "config": 2}, {"class_name": "ZScore", "config": 3}),
    *({"class_name": "ZScore"}, {"class_name": ["x"], "config": {}}),
    *({"class_name": "NumericColumn", "config": None}, {"bytes": ["a"]}, {"float": []}),
]


def places(value, path=()):
    """Where something stands in nested lists and dicts."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def put(value, path, wrong):
    """`value` with `wrong` at that place."""
    if not path:
        return wrong
    copied = copy.copy(value)
    copied[path[0]] = put(value[path[0]], path[1:], wrong)
    return copied


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_configs_that_are_none_are_refused_by_name(wrong):
    """Or taken, where they are none the less what could be; but no error is Python's own."""
    whole = json.loads(fc.columns_to_json(COLUMNS))
    refused = 0
    for path in places(whole):
        wronged = put(whole, path, wrong)
        columns = wronged.get("columns") if isinstance(wronged, dict) else wronged
        for read, given in (
            (fc.columns_from_json, json.dumps(wronged)),
            (fc.deserialize_feature_columns, columns),
        ):
            try:
                read(given)
            except weft.Error:
                refused += 1
    assert refused > 20


@pytest.mark.parametrize("text", [b"\xff", b'{"weft_columns": 1, "columns": ["\xff"]}'])
def test_bytes_that_are_no_text_are_no_columns(text):
    with pytest.raises(weft.InvalidArgumentError, match=r"columns: not JSON: .*\\xff"):
        fc.columns_from_json(text)


def test_custom_objects_are_a_dict():
    with pytest.raises(weft.WrongTypeError, match="custom_objects must be a dict, got 3"):
        fc.deserialize_feature_columns([], 3)
