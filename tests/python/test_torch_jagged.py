"""Ragged batches as torch's nested tensors and as torchrec's KeyedJaggedTensor."""

from __future__ import annotations

import numpy as np
import pytest
import weft

torch = pytest.importorskip("torch")
wt = pytest.importorskip("weft.torch")


def ragged(dtype=np.int64):
    return weft.Ragged.from_row_splits(np.arange(6, dtype=dtype), [0, 3, 3, 6])


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, np.float64])
def test_jagged_and_back_share_memory(dtype):
    rows = ragged(dtype)
    jagged = wt.to_jagged(rows)
    assert jagged.layout == torch.jagged and jagged.shape[0] == 3
    assert [row.tolist() for row in jagged.unbind()] == rows.to_lists()
    assert jagged.values().data_ptr() == rows.flat_values.ctypes.data
    back = wt.from_jagged(jagged)
    assert back.to_lists() == rows.to_lists()
    assert back.flat_values.ctypes.data == jagged.values().data_ptr()


def test_values_of_several_numbers():
    rows = weft.Ragged.from_row_splits(np.ones((4, 2), np.float32), [0, 1, 4])
    jagged = wt.to_jagged(rows)
    assert jagged.shape[2] == 2
    out = torch.nn.Linear(2, 5)(jagged)
    assert wt.from_jagged(out).shape == (2, None, 5)
    nothing = wt.to_jagged(weft.Ragged.from_lists([], weft.float32))
    assert wt.from_jagged(nothing).nrows() == 0


def test_values_that_may_only_be_read():
    values = np.arange(4)
    values.flags.writeable = False
    jagged = wt.to_jagged(weft.Ragged.from_row_splits(values, [0, 4]))
    assert jagged.values().tolist() == [0, 1, 2, 3]


def test_what_torch_does_not_check():
    wrong = torch.nested.nested_tensor_from_jagged(torch.arange(7), torch.tensor([0, 3, 2, 99]))
    with pytest.raises(ValueError, match="row_splits"):
        wt.from_jagged(wrong)
    gaps = torch.nested.nested_tensor_from_jagged(
        torch.arange(7), torch.tensor([0, 3, 7]), lengths=torch.tensor([2, 2])
    )
    with pytest.raises(ValueError, match="gaps"):
        wt.from_jagged(gaps)
    with pytest.raises(ValueError, match="gaps"):
        wt.from_jagged(
            wt.to_jagged(weft.Ragged.from_row_splits(np.ones((4, 2)), [0, 4])).transpose(1, 2)
        )
    with pytest.raises(ValueError, match="torch.jagged"):
        wt.from_jagged(torch.nested.nested_tensor([torch.arange(2)]))
    with pytest.raises(TypeError, match="nested tensor"):
        wt.from_jagged(torch.arange(3))


def test_refuses():
    with pytest.raises(TypeError, match="weft.Ragged"):
        wt.to_jagged([[1], [2]])
    with pytest.raises(ValueError, match="one ragged dimension and numbers"):
        wt.to_jagged(weft.Ragged.from_lists([[[1], [2]]]))
    with pytest.raises(ValueError, match="one ragged dimension and numbers"):
        wt.to_jagged(weft.Ragged.from_lists([["a"]]))


def test_keyed_jagged_tensors():
    torchrec = pytest.importorskip("torchrec")
    features = {"a": ragged(), "b": weft.Ragged.from_lists([[7], [], [8, 9]]), "c": "else"}
    keyed = wt.to_keyed_jagged_tensor(features, ["b", "a"])
    assert isinstance(keyed, torchrec.KeyedJaggedTensor)
    assert keyed.keys() == ["b", "a"] and keyed.stride() == 3
    for key in keyed.keys():  # noqa: SIM118
        found = keyed[key]
        assert found.values().tolist() == features[key].flat_values.tolist()
        assert found.lengths().tolist() == features[key].row_lengths().tolist()
    one = wt.to_keyed_jagged_tensor({"a": features["a"]})
    assert one.values().data_ptr() == features["a"].flat_values.ctypes.data
    bags = torchrec.EmbeddingBagCollection(
        tables=[
            torchrec.EmbeddingBagConfig(
                name=key, embedding_dim=3, num_embeddings=10, feature_names=[key]
            )
            for key in ("a", "b")
        ]
    )
    assert bags(keyed).values().shape == (3, 6)
    with pytest.raises(ValueError, match="'b' and 'd' differ in rows: 3 and 1"):
        wt.to_keyed_jagged_tensor({**features, "d": weft.Ragged.from_lists([[1]])}, ["b", "d"])
    with pytest.raises(ValueError, match="differ in dtype: int64 and float32"):
        wt.to_keyed_jagged_tensor({"a": ragged(), "b": ragged(np.float32)})
    with pytest.raises(TypeError, match="feature 'c'"):
        wt.to_keyed_jagged_tensor(features)
    with pytest.raises(ValueError, match="at least one"):
        wt.to_keyed_jagged_tensor({})
