"""weft.torch under DistributedDataParallel: two processes are one on the joined batch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import weft
from weft import feature_column as fc

torch = pytest.importorskip("torch")
wt = pytest.importorskip("weft.torch")

ROWS, STEPS = 8, 3


class Model(torch.nn.Module):
    def __init__(self, sparse):
        super().__init__()
        item = fc.sequence_categorical_column_with_identity("item", 50)
        word = fc.sequence_categorical_column_with_vocabulary_list("word", ["a", "b"])
        columns = [fc.embedding_column(item, 4), fc.embedding_column(word, 2)]
        self.features = wt.SequenceFeatures(columns, sparse=sparse, name="features")
        self.rnn = wt.GRU(self.features.width, 5, name="gru")
        self.head = torch.nn.Linear(5, 1)

    def forward(self, features):
        pair = self.features(features)
        return self.head(self.rnn(pair.data, mask=pair.mask))


def made(sparse, seed):
    torch.manual_seed(seed)
    model = Model(sparse)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model


def batch(step, begin, end):
    """Rows [begin, end); the second half has no word of the vocabulary."""
    rng = np.random.default_rng(step)
    lengths = rng.integers(0, 6, ROWS)
    items = [rng.integers(0, 50, n).tolist() for n in lengths]
    words = [["a" if i < ROWS // 2 else "zz"] * n for i, n in enumerate(lengths)]
    labels = torch.from_numpy(rng.normal(size=(ROWS, 1)).astype(np.float32))
    features = {
        "item": weft.Ragged.from_lists(items[begin:end], weft.int64),
        "word": weft.Ragged.from_lists(words[begin:end], weft.string),
    }
    return features, labels[begin:end]


def train(model, rows):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(STEPS):
        features, labels = batch(step, *rows)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(features), labels).backward()
        optimizer.step()


def one_rank(rank, sparse, folder):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2
    )
    model = made(sparse, seed=rank)  # the ranks begin with the weights of the first
    train(
        torch.nn.parallel.DistributedDataParallel(model),
        (rank * ROWS // 2, (rank + 1) * ROWS // 2),
    )
    torch.save(model.state_dict(), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("sparse", [False, True])
def test_two_processes_are_one_on_the_joined_batch(tmp_path, sparse):
    commands = [
        [sys.executable, __file__, str(rank), str(int(sparse)), str(tmp_path)] for rank in (0, 1)
    ]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for command in commands]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    model = made(sparse, seed=0)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    train(model, (0, ROWS))
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    for name, wanted in model.state_dict().items():
        assert torch.equal(ranks[0][name], ranks[1][name])
        torch.testing.assert_close(ranks[0][name], wanted, atol=1e-5, rtol=1e-5)
        assert not torch.equal(wanted, before[name])


if __name__ == "__main__":
    one_rank(int(sys.argv[1]), bool(int(sys.argv[2])), sys.argv[3])
