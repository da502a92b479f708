"""SequenceFeatures and DenseFeatures against TensorFlow's (tests/oracle/make_columns.py)."""

import golden
import numpy as np
import pytest
import weft

CASES = {case["name"]: case for case in golden.cases("feature_layers.json")}
ERRORS = (ValueError, TypeError, KeyError)
# Out-of-range ids without default_value: TensorFlow drops negative ones, and its indicator drops
# all; weft refuses them everywhere.
REFUSED = {
    "sequence/embedding/negative",
    "sequence/indicator/negative",
    "sequence/indicator/out_of_range",
    "dense/embedding/negative",
    "dense/indicator/negative",
    "dense/indicator/out_of_range",
    "crossed/float",  # TensorFlow cuts the fractions off
}
# Checked one by one below.
APART = {
    "several/widths_differ",
    "numbers/no_rows",
    "dense/unsafe_lookup/empty_row_last",
}


def affine(x):
    return x * 2 + 1


def build(case):
    make = golden.Builder(weft.feature_column, weft.as_dtype, {"affine": affine})
    columns = [make(c) for c in case["columns"]]
    layer = getattr(weft.layers, case["layer"])(columns)
    layer.build(None)
    layer.set_weights([golden.array(w) for _, w in case["weights"]])
    return layer


def features(case):
    return {k: golden.sparse_tensor(v, weft.SparseTensor) for k, v in case["features"].items()}


def call(case):
    return build(case)(features(case))


def check(case, got):
    want = {k: golden.array(v) for k, v in case["result"].items()}
    if case["layer"] == "DenseFeatures":
        got = (got,)
    golden.assert_close(got[0], want["data"].astype(np.float32))
    assert got[0].dtype == np.float32
    if "lengths" in want:
        golden.assert_same(got[1], want["lengths"])


@pytest.mark.parametrize("name", [n for n in CASES if n not in APART])
def test_layer(name):
    case = CASES[name]
    if name in REFUSED or "error" in case:
        with pytest.raises(ERRORS):
            call(case)
    else:
        check(case, call(case))


def test_a_narrower_column_is_padded():
    data, lengths = call(CASES["several/widths_differ"])
    plain = golden.array(CASES["several/in_order"]["result"]["data"])[..., :5]
    golden.assert_close(data[:, :4], plain)
    assert data.shape == (4, 6, 5)
    assert not data[:, 4:].any()
    assert lengths.tolist() == [3, 0, 1, 4]


def test_no_rows_of_numbers():
    data, lengths = call(CASES["numbers/no_rows"])
    assert data.shape[0] == 0
    assert data.shape[2] == 1
    assert lengths.shape == (0,)


def test_an_empty_last_row_without_safe_lookup_is_zeros():
    case = CASES["dense/unsafe_lookup/empty_row_last"]
    data = call(case)
    golden.assert_close(data[:1], golden.array(case["result"]["data"]))
    assert data.shape == (2, 3)
    assert not data[1:].any()


def prefixes(name):
    """The rows of a case whose feature "a" is sparse, of rank 2 and without holes; else None."""
    feature = CASES[name]["features"].get("a", {})
    if not name.startswith("sequence/") or "result" not in CASES[name] or name in REFUSED:
        return None
    if feature.get("kind") != "sparse" or golden.array(feature["indices"]).shape[1] != 2:
        return None
    rows = [[] for _ in range(golden.array(feature["dense_shape"])[0])]
    places = zip(golden.array(feature["indices"]), golden.array(feature["values"]), strict=True)
    for (b, t), value in places:
        if t != len(rows[b]):
            return None
        rows[b].append(value)
    return rows


@pytest.mark.parametrize("name", [n for n in CASES if prefixes(n) is not None])
def test_ragged_input_gives_what_sparse_input_gives(name):
    case, rows = CASES[name], prefixes(name)
    feature = case["features"]["a"]
    dtype = golden.array(feature["values"]).dtype
    values = np.array([v for row in rows for v in row], dtype)
    ragged = weft.Ragged.from_row_lengths(values, np.array([len(r) for r in rows], np.int64))
    data, lengths = build(case)({"a": ragged})
    want = golden.array(case["result"]["data"])
    golden.assert_close(data, want[:, : data.shape[1]])
    assert not want[:, data.shape[1] :].any()
    golden.assert_same(lengths, golden.array(case["result"]["lengths"]))
