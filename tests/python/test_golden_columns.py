"""weft's feature columns against TensorFlow's (tests/oracle/make_columns.py)."""

from pathlib import Path

import golden
import numpy as np
import pytest
import weft

FILE = golden.load("columns.json")
# TensorFlow constructs these, and they fail later or never work; weft refuses them at once.
REFUSED = {
    "identity/buckets_float",
    "identity/default_float",
    "sequence_identity/buckets_float",
    "sequence_identity/default_float",
    "embedding/dimension_float",
    "embedding/unknown_combiner",
    "embedding/combiner_none",
    "embedding/of_text",
    "embedding/of_numeric",
    "embedding/of_embedding",
    "embedding/of_indicator",
    "embedding/of_sequence_numeric",
    "sequence_numeric/key_none",
    "sequence_numeric/key_int",
    "sequence_numeric/key_list",
    "sequence_numeric/default_text",
    "sequence_numeric/default_list",
}
OPEN = {"sequence_numeric/default_float_for_int64", "identity/key_empty"}  # either way is right
CASES = [case for case in FILE["cases"] if case["name"] not in OPEN]
COLUMNS = [
    case for case in CASES if case.get("result", {}).get("type") and case["name"] not in REFUSED
]
PAIRS = [case for case in CASES if case["name"].startswith("equal/")]
KEY_WORDS = ("greater than 0", "integer", "callable", "must be a string")


def affine(x):
    return x * 2 + 1


def ramp(shape, dtype):
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


class Functions(dict):
    """By name; "method" is bound anew each time."""

    def method(self, x):
        return affine(x)

    def __getitem__(self, name):
        return self.method if name == "method" else super().__getitem__(name)

    def __hash__(self):
        return id(self)


FUNCTIONS = Functions(affine=affine, ramp=ramp, ones=weft.initializers.Ones())


def build(json):
    return golden.Builder(weft.feature_column, weft.as_dtype, FUNCTIONS)(json)


def plain(x):
    """Configs and specs in the golden file's JSON."""
    if isinstance(x, str) and "/golden-" in x:  # golden.file_of
        return Path(x).name
    if isinstance(x, weft.DType):
        return {"dtype": x.name}
    if callable(x) and hasattr(x, "__name__"):
        return {"function": x.__name__}
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return [plain(v) for v in x] if isinstance(x, (list, tuple)) else x


def plain_spec(spec):
    out = {}
    for key, feature in spec.items():
        out[key] = {"type": type(feature).__name__, "dtype": plain(feature.dtype)}
        if out[key]["type"] == "FixedLenFeature":
            out[key]["shape"] = plain(feature.shape)
            out[key]["default_value"] = plain(feature.default_value)
    return out


def assert_config(got, want):
    """The same keys and values; of an initializer, its class and its own numbers."""
    assert got.keys() == want.keys()
    for key, value in want.items():
        if key == "initializer" and isinstance(value, str):
            assert got[key] == value
        elif key == "initializer":
            assert got[key]["class_name"] == value["class_name"]
            for name in ("mean", "stddev"):
                assert got[key]["config"].get(name) == value["config"].get(name)
        elif key == "normalizer_fn":
            named = [v["function"] if isinstance(v, dict) else v for v in (got[key], value)]
            assert named[0] == named[1]
        else:
            assert got[key] == value, key


def check_error(case):
    raised = TypeError if case["error"]["type"] == "TypeError" else (ValueError, TypeError)
    with pytest.raises(raised) as caught:
        build(case["column"])
    for words in KEY_WORDS:
        if words in case["error"]["message"]:
            assert words in str(caught.value)


@pytest.mark.parametrize("case", PAIRS, ids=lambda c: c["name"])
def test_equality(case):
    (one, two), want = build(case["column"]), case["result"]
    assert (one == two) == want["equal"]
    if want["equal"]:
        assert hash(one) == hash(two)


@pytest.mark.parametrize("case", [c for c in CASES if c not in PAIRS], ids=lambda c: c["name"])
def test_column(case):
    if case["name"] in REFUSED:
        with pytest.raises((ValueError, TypeError)):
            build(case["column"])
        return
    if "error" in case:
        check_error(case)
        return
    want, column = case["result"], build(case["column"])
    if case["name"].startswith("spec/"):
        assert plain_spec(column) == want
        return
    config = column.get_config()
    assert type(column).__name__ == want["type"]
    assert column.name == want["name"]
    assert_config(plain(config), want["config"])
    assert plain_spec(column.parse_example_spec) == want["parse_example_spec"]
    for answer in ("num_buckets", "variable_shape"):
        if answer in want:
            assert plain(getattr(column, answer)) == want[answer]
    for field in want["config"]:
        assert hasattr(column, field)


@pytest.mark.parametrize("case", COLUMNS, ids=lambda c: c["name"])
def test_columns_are_values(case):
    """Equal when built alike, hashable, rebuilt by from_config."""
    one, two = build(case["column"]), build(case["column"])
    assert one == two
    assert hash(one) == hash(two)
    assert type(one).from_config(one.get_config(), FUNCTIONS) == one


def test_conflicts_name_the_key():
    for case in FILE["cases"]:
        if case["name"].startswith("spec/conflict"):
            with pytest.raises(ValueError, match="different parse_spec for key k"):
                build(case["column"])


@pytest.mark.parametrize("name", FILE["compat_v1"])
def test_compat_v1_has_the_name_or_says_what_to_use(name):
    module = weft.compat.v1.feature_column
    if name in ("input_layer", "linear_model"):
        with pytest.raises(AttributeError, match="use weft.layers.DenseFeatures"):
            getattr(module, name)
    else:
        assert callable(getattr(module, name))
