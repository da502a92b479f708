"""weft's feature columns against TensorFlow's (tests/oracle/make_columns.py)."""

import golden
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
OPEN = {"sequence_numeric/default_float_for_int64", "identity/key_empty"}
KEY_WORDS = ("greater than 0", "integer", "callable", "must be a string")


def affine(x):
    return x * 2 + 1


def build(json):
    functions = {"affine": affine, "ones": weft.initializers.Ones()}
    return golden.Builder(weft.feature_column, weft.as_dtype, functions)(json)


def plain(x):
    """Configs and specs in the golden file's JSON."""
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
        if key == "initializer":
            assert got[key]["class_name"] == value["class_name"]
            for name in ("mean", "stddev"):
                assert got[key]["config"].get(name) == value["config"].get(name)
        elif key == "normalizer_fn":
            named = [v["function"] if isinstance(v, dict) else v for v in (got[key], value)]
            assert named[0] == named[1]
        else:
            assert got[key] == value


def check_error(case):
    raised = TypeError if case["error"]["type"] == "TypeError" else (ValueError, TypeError)
    with pytest.raises(raised) as caught:
        build(case["column"])
    for words in KEY_WORDS:
        if words in case["error"]["message"]:
            assert words in str(caught.value)


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda c: c["name"])
def test_column(case):
    if case["name"] in OPEN:
        pytest.skip("either way is right")
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
    if "num_buckets" in want:
        assert column.num_buckets == want["num_buckets"]
    for field in want["config"]:
        assert hasattr(column, field)


@pytest.mark.parametrize(
    "case", [c for c in FILE["cases"] if "result" in c], ids=lambda c: c["name"]
)
def test_columns_are_values(case):
    """Equal when built alike, hashable, rebuilt by from_config."""
    if case["name"].startswith("spec/") or case["name"] in REFUSED | OPEN:
        pytest.skip("not a column")
    one, two = build(case["column"]), build(case["column"])
    assert one == two
    assert hash(one) == hash(two)
    if "normalizer" not in case["name"]:
        assert type(one).from_config(one.get_config()) == one


def test_conflicts_name_the_key():
    for case in FILE["cases"]:
        if case["name"].startswith("spec/conflict"):
            with pytest.raises(ValueError, match="k"):
                build(case["column"])


@pytest.mark.parametrize(
    "name",
    [
        "categorical_column_with_identity",
        "sequence_categorical_column_with_identity",
        "embedding_column",
        "indicator_column",
        "numeric_column",
        "sequence_numeric_column",
        "make_parse_example_spec",
    ],
)
def test_compat_v1_has_the_name(name):
    assert name in FILE["compat_v1"]
    assert callable(getattr(weft.compat.v1.feature_column, name))
