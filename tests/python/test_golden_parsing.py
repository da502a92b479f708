"""weft's parser against TensorFlow's answers and protobuf's meaning (oracle/make_parsing.py)."""

import golden
import pytest
import weft

PARSING = golden.cases("parsing.json")
WIRE = golden.load("parsing_wire.json")
# TensorFlow lets these pass; weft checks partitions and indices record by record, and knows a
# SequenceExample when it sees one. docs/semantics.md says why.
REFUSED = {
    "batch/sequence_example",
    "bad_partition/splits_not_from_zero",
    "bad_partition/lengths_fit_only_over_batch",
    "sparse/index_negative",
    "sparse/index_too_large",
    "sparse/counts_fit_only_over_batch",
    "sparse/spec_size_zero",
}
ERRORS = (ValueError, TypeError, KeyError)


def parse(case):
    spec = {k: golden.feature_spec(v, weft.io, weft.as_dtype) for k, v in case["spec"].items()}
    records = [bytes.fromhex(r) for r in case["records"]]
    if case.get("call") == "parse_single_example":
        return weft.io.parse_single_example(records[0], spec)
    return weft.io.parse_example(records, features=spec)


def check(case):
    want = case.get("meaning", case["tf"])
    refused = case["name"].split("/single")[0] in REFUSED
    if want.get("malformed"):
        with pytest.raises(weft.CorruptDataError):
            parse(case)
    elif refused or "error" in want:
        with pytest.raises(ERRORS) as caught:
            parse(case)
        for name in case.get("names", []):
            assert name in str(caught.value)
    else:
        got = parse(case)
        assert got.keys() == want["result"].keys()
        for key, value in want["result"].items():
            golden.assert_feature(got[key], value)


@pytest.mark.parametrize("case", PARSING, ids=lambda c: c["name"])
def test_feature_specs(case):
    check(case)


@pytest.mark.parametrize("case", WIRE["cases"], ids=lambda c: c["name"])
def test_wire_format(case):
    check({**case, "spec": WIRE["spec"]})


@pytest.mark.parametrize("case", WIRE["cases"], ids=lambda c: c["name"])
def test_the_record_fares_the_same_in_a_batch(case):
    """Between two good records, and under a spec that reads nothing of it."""
    good = bytes.fromhex("0a0d0a0b0a0169" + "12061a040a020102")
    records = [good, *(bytes.fromhex(r) for r in case["records"]), good]
    spec = {k: golden.feature_spec(v, weft.io, weft.as_dtype) for k, v in WIRE["spec"].items()}
    want = case.get("meaning", case["tf"])
    if "result" not in want:
        with pytest.raises(ERRORS):
            weft.io.parse_example(records, features=spec)
        other = {"unread": weft.io.VarLenFeature(weft.int64)}
        if want.get("malformed"):
            with pytest.raises(weft.CorruptDataError):
                weft.io.parse_example(records, features=other)
        else:
            weft.io.parse_example(records, features=other)
        return
    got = weft.io.parse_example(records, features=spec)
    for key, value in want["result"].items():
        rows = int(golden.array(value["dense_shape"])[0])
        owner = got[key].indices[:, 0]
        assert got[key].dense_shape[0] == rows + 2
        middle = got[key].values[(owner > 0) & (owner <= rows)]
        golden.assert_same(middle, golden.array(value["values"]))
