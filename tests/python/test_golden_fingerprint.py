"""Fingerprint64 and crosses against TensorFlow's (tests/oracle/make_fingerprint.py)."""

import golden
import pytest
import weft
from weft import feature_column as fc

CASES = {case["name"]: case for case in golden.cases("fingerprint64.json")}
INPUTS = [bytes.fromhex(data) for data in CASES["farmhash64"]["inputs"]]

INTEGERS = [0, 1, -1, 7, 255, -(2**31), 2**31, 2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1]


def test_fingerprint64():
    for data, want in zip(INPUTS, CASES["farmhash64"]["fingerprints"], strict=True):
        assert weft.fingerprint64(data) == int(want), data


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("cross/")])
def test_crosses(name):
    case = CASES[name]
    features = {
        "a": [[data] for data in INPUTS],
        "b": [[INTEGERS[i % len(INTEGERS)]] for i in range(len(INPUTS))],
        "c": [[data] for data in INPUTS[1:] + INPUTS[:1]],
    }
    column = fc.crossed_column(["a", "b", "c"], 2**63 - 1, case["hash_key"])
    assert column.ids(features).to_lists() == [[int(n)] for n in case["ids"]]
