"""Fingerprint64 and crosses against TensorFlow's (tests/oracle/make_fingerprint.py)."""

import golden
import pytest
import weft
from weft import feature_column as fc

CASES = {case["name"]: case for case in golden.cases("fingerprint64.json")}
INPUTS = [bytes.fromhex(data) for data in CASES["farmhash64"]["inputs"]]


def test_fingerprint64():
    for data, want in zip(INPUTS, CASES["farmhash64"]["fingerprints"], strict=True):
        assert weft.fingerprint64(data) == int(want), data


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("cross/")])
def test_crosses(name):
    case = CASES[name]
    features = {
        "a": [[data] for data in INPUTS],
        "b": [[int(n)] for n in case["integers"]],
        "c": [[bytes.fromhex(data)] for data in case["others"]],
    }
    column = fc.crossed_column(["a", "b", "c"], 2**63 - 1, case["hash_key"])
    assert column.ids(features).to_lists() == [[int(n)] for n in case["ids"]]
