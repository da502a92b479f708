"""The golden files themselves: small, readable, each case named once."""

import golden
import numpy as np
import pytest

FILES = sorted(p.name for p in golden.FOLDER.glob("*.json"))


def test_they_are_few_and_small():
    assert len(FILES) >= 10
    assert sum(p.stat().st_size for p in golden.FOLDER.rglob("*") if p.is_file()) < 6 << 20


@pytest.mark.parametrize("name", FILES)
def test_names_are_unique(name):
    names = [case["name"] for case in golden.cases(name)]
    assert len(set(names)) == len(names)


def arrays(x):
    if golden.is_array(x):
        yield x
    elif isinstance(x, (dict, list)):
        for v in x.values() if isinstance(x, dict) else x:
            yield from arrays(v)


@pytest.mark.parametrize("name", FILES)
def test_arrays_decode(name):
    for x in arrays(golden.load(name)):
        decoded = golden.array(x)
        assert list(decoded.shape) == x["shape"]
        assert decoded.dtype == (object if x["dtype"] == "bytes" else np.dtype(x["dtype"]))
