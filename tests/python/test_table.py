"""lookup: rows of a table, and rows combined."""

from __future__ import annotations

import numpy as np
import pytest
import weft
from weft.sequence import lookup

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_one_row_an_id():
    ids = np.array([[3, 0], [-1, 1]])
    found = lookup(TABLE, ids)
    assert found.shape == (2, 2, 3)
    np.testing.assert_array_equal(found[0], TABLE[[3, 0]])
    assert not found[1, 0].any()
    assert lookup(TABLE.astype(np.float64), [1]).dtype == np.float64


@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_rows_combined(combiner):
    ids = weft.Ragged.from_lists([[0, 3, 3], [], [1]])
    weights = np.array([1, 2, 0.5, 3], np.float32)
    sums = np.stack([TABLE[0] + 2 * TABLE[3] + 0.5 * TABLE[3], 0 * TABLE[0], 3 * TABLE[1]])
    by = {"sum": [1, 1, 1], "mean": [3.5, 1, 3], "sqrtn": [np.sqrt(5.25), 1, 3]}[combiner]
    found = lookup(TABLE, ids, weights, combiner=combiner)
    np.testing.assert_allclose(found, sums / np.array(by)[:, None], rtol=1e-6)


def test_max_norm():
    found = lookup(TABLE, [0, 1], max_norm=5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [np.sqrt(5), 5], rtol=1e-6)


def test_errors():
    with pytest.raises(ValueError, match="id 4 at position 1"):
        lookup(TABLE, [0, 4])
    with pytest.raises(TypeError, match="'ids' must be int64"):
        lookup(TABLE, np.array([0], np.int32))
    with pytest.raises(ValueError, match="a table must have shape"):
        lookup(TABLE[0], [0])
    with pytest.raises(ValueError, match="combiner must be one of"):
        lookup(TABLE, [0], combiner="max")
    with pytest.raises(ValueError, match="'weights' belong to ragged"):
        lookup(TABLE, [0], np.ones(1, np.float32))
