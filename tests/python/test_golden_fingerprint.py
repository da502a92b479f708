"""Fingerprint64 against TensorFlow's (tests/oracle/make_fingerprint.py)."""

import golden
import weft


def test_fingerprint64():
    (case,) = golden.cases("fingerprint64.json")
    for data, want in zip(case["inputs"], case["fingerprints"], strict=True):
        assert weft.fingerprint64(bytes.fromhex(data)) == int(want), data
