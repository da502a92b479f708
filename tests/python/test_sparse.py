"""SparseTensor: validated, cached, and the same as TensorFlow's for what ragged rows become."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import weft
from weft import Ragged, SparseTensor


def test_as_tensorflow():
    sparse = SparseTensor(indices=[[0, 1], [2, 0]], values=[5, 7], dense_shape=[3, 2])
    assert sparse.indices.tolist() == [[0, 1], [2, 0]]
    assert sparse.indices.dtype == np.int64
    assert sparse.values.tolist() == [5, 7]
    assert sparse.dense_shape.tolist() == [3, 2]
    assert sparse.shape == (3, 2)
    assert sparse.dtype == weft.int64
    assert sparse.rows is None
    assert sparse.to_dense().tolist() == [[0, 5], [0, 0], [7, 0]]
    assert sparse.to_dense(-1).tolist() == [[-1, 5], [-1, -1], [7, -1]]


def test_numeric_values_are_borrowed():
    values = np.array([1.5, 2.5], np.float32)
    sparse = SparseTensor(np.array([[0], [3]]), values, np.array([4]))
    assert np.shares_memory(sparse.values, values)


def test_strings():
    sparse = SparseTensor([[0, 0], [0, 1]], ["a", b"b\x00"], (1, 3))
    assert sparse.values.tolist() == [b"a", b"b\x00"]
    assert sparse.to_dense().tolist() == [[b"a", b"b\x00", b""]]


def test_nothing_at_all():
    for indices in ([], np.zeros((0, 2), np.int64)):
        sparse = SparseTensor(indices, np.array([], np.int64), [0, 0])
        assert sparse.indices.shape == (0, 2)
        assert sparse.to_dense().shape == (0, 0)


@pytest.mark.parametrize(
    ("indices", "values", "shape", "error", "words"),
    [
        ([[0, 2]], [1], [2, 2], ValueError, r"index \[0, 2\] of value 0 is outside"),
        ([[-1, 0]], [1], [2, 2], ValueError, "outside"),
        ([[1, 0], [0, 0]], [1, 2], [2, 2], ValueError, "out of order"),
        ([[0, 0], [0, 0]], [1, 2], [2, 2], ValueError, "repeated"),
        ([[0, 0]], [1, 2], [2, 2], ValueError, r"needs indices \[N, rank\]"),
        ([[0]], [1], [2, 2], ValueError, r"needs indices \[N, rank\]"),
        ([[0, 0]], [1], [-2, 2], ValueError, "negative dimension|outside"),
        (np.array([[0, 0]], np.int32), [1], [2, 2], TypeError, "indices must be int64, got int32"),
        ([[0, 0]], [1], None, TypeError, "'dense_shape' must be an int or a sequence"),
        ([[0, 0]], [1], [2, None], ValueError, "'dense_shape' must be fully defined"),
        ([[0, 0]], [1], [2.0, 2], TypeError, "'dense_shape' must be an integer"),
    ],
)
def test_is_checked(indices, values, shape, error, words):
    with pytest.raises(error, match=words):
        SparseTensor(indices, values, shape)


def test_from_rows_builds_indices_once():
    rows = Ragged.from_lists([[4, 5], [], [6]])
    sparse = rows.to_sparse()
    assert sparse.rows == rows
    assert sparse.shape == (3, 2)
    assert sparse.indices.tolist() == [[0, 0], [0, 1], [2, 0]]
    assert sparse.indices is sparse.indices
    assert not sparse.indices.flags.writeable
    assert sparse == SparseTensor(sparse.indices, sparse.values, sparse.dense_shape)
    assert SparseTensor.from_rows(rows) == sparse
    deep = Ragged.from_lists([[[1], [2, 3]], []]).to_sparse()
    assert deep.shape == (2, 2, 2)
    assert deep.indices.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 1]]
    with pytest.raises(ValueError):
        SparseTensor.from_rows(Ragged.from_row_splits(np.ones((2, 2)), [0, 2]))


def test_copies():
    rows = Ragged.from_lists([["a"], []]).to_sparse()
    plain = SparseTensor([[1]], [2.5], [3])
    for sparse in (rows, plain):
        for other in (pickle.loads(pickle.dumps(sparse)), copy.deepcopy(sparse), copy.copy(sparse)):
            assert other == sparse
            assert (other.rows is None) == (sparse.rows is None)
    assert plain != rows
    assert repr(plain) == "<weft.SparseTensor values=[2.5], shape=(3,), dtype=float32>"


def test_repeated_and_unsorted_indices_come_back():
    spec = {"s": weft.io.SparseFeature("i", "v", weft.int64, 3, already_sorted=True)}
    record = weft.io.encode_example({"i": [2, 0, 2], "v": [7, 8, 9]})
    for sparse in (
        weft.io.parse_example([record], spec)["s"],
        weft.io.parse_example([record], {"s": spec["s"]._replace(already_sorted=False)})["s"],
    ):
        for again in (pickle.loads(pickle.dumps(sparse)), copy.deepcopy(sparse)):
            assert again == sparse


def test_indices_of_any_layout():
    dense = np.array([[0, 3, 0], [4, 0, 5]])
    indices = np.argwhere(dense)
    assert not indices.flags.c_contiguous
    sparse = weft.SparseTensor(indices, dense[dense != 0], dense.shape)
    assert sparse.indices.tolist() == [[0, 1], [1, 0], [1, 2]]
