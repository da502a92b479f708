"""weft's parser of SequenceExamples against TensorFlow's answers and protobuf's meaning
(oracle/make_sequence_example.py).
"""

import golden
import pytest
import weft

CASES = golden.cases("sequence_example.json")
# TensorFlow lets these pass; weft checks the partition of each step. docs/semantics.md says why.
REFUSED = {"bad_partition/fits_only_over_list"}
# And here weft does what TensorFlow does for Examples: a feature without a kind is missing.
TAKEN = {"context/no_kind"}
ERRORS = (ValueError, TypeError, KeyError)


def parse(case):
    specs = [
        spec and {k: golden.feature_spec(v, weft.io, weft.as_dtype) for k, v in spec.items()}
        for spec in (case["context"], case["lists"])
    ]
    records = [bytes.fromhex(record) for record in case["records"]]
    if case["single"]:
        return weft.io.parse_single_sequence_example(records[0], *specs)
    return weft.io.parse_sequence_example(records, *specs)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_sequence_examples(case):
    want = case.get("meaning", case["tf"])
    if want.get("malformed"):
        with pytest.raises(weft.CorruptDataError):
            parse(case)
    elif case["name"].split("/single")[0] in TAKEN:
        assert parse(case)[0]["i"] == 9
    elif "error" in want or case["name"].split("/single")[0] in REFUSED:
        with pytest.raises(ERRORS) as caught:
            parse(case)
        for name in case.get("names", []):
            assert name in str(caught.value)
    else:
        parts = parse(case)
        assert len(parts) == len(want["result"])
        for got, expected in zip(parts, want["result"], strict=True):
            assert got.keys() == expected.keys()
            for key, value in expected.items():
                golden.assert_feature(got[key], value)
