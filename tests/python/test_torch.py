"""Epochs and parts of a dataset, without torch; weft.torch in DataLoaders, where there is torch."""

from __future__ import annotations

import collections
import json

import numpy as np
import pytest
import weft
from weft.io import TFRecordDataset
from weft.io.share import share_of

SPEC = {
    "id": weft.io.FixedLenFeature([], weft.int64),
    "w": weft.io.RaggedFeature(weft.string),
    "h": weft.io.VarLenFeature(weft.int64),
}
FILES, ROWS = 5, 40


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("epochs")
    for file in range(FILES):
        with weft.io.TFRecordWriter(folder / str(file)) as writer:
            for i in range(ROWS * file, ROWS * file + ROWS):
                row = {"id": [i], "w": np.array([b"a"] * (i % 3), object), "h": np.full(i % 4, i)}
                writer.write(weft.io.encode_example(row))
    return [folder / str(file) for file in range(FILES)]


def shuffled(paths, seed=3):
    return TFRecordDataset(paths).shuffle_files(seed).interleave(2).shuffle(50, seed)


def ids(batches):
    return [np.asarray(batch["id"]).tolist() for batch in batches]


def flat(batches):
    return [i for batch in ids(batches) for i in batch]


def test_an_epochs_order_is_of_seed_and_epoch(paths):
    dataset = shuffled(paths).parse(SPEC).batch(16)
    epochs = [ids(dataset) for _ in range(3)]
    assert len({str(epoch) for epoch in epochs}) == 3
    other = shuffled(paths).parse(SPEC).batch(16)
    for epoch in (2, 0, 2, 1):
        other.set_epoch(epoch)
        assert other.state_dict()["iteration"] == epoch
        assert ids(other) == epochs[epoch]
    assert ids(other) == epochs[2]  # the one after 1
    other.set_epoch(np.int64(1))
    assert ids(other) == epochs[1]


def test_set_epoch_keeps_a_place_in_that_epoch(paths):
    dataset = shuffled(paths).parse(SPEC).batch(16)
    dataset.set_epoch(4)
    whole = ids(dataset)
    dataset.set_epoch(4)
    iterator = iter(dataset)
    next(iterator)
    state = json.loads(json.dumps(dataset.state_dict()))
    again = shuffled(paths).parse(SPEC).batch(16)
    again.load_state_dict(state)
    again.set_epoch(4)
    assert ids(again) == whole[1:]
    again.load_state_dict(state)
    again.set_epoch(5)
    assert len(ids(again)) == len(whole)
    for wrong in (-1, 2**31):
        with pytest.raises(ValueError, match=r"`epoch` must be in \[0"):
            dataset.set_epoch(wrong)
    for wrong in (1.5, None, "1"):
        with pytest.raises(TypeError, match="`epoch` must be an integer"):
            dataset.set_epoch(wrong)


@pytest.mark.parametrize("parts", [1, 2, 3, FILES, FILES + 2])
@pytest.mark.parametrize(
    "steps",
    [
        lambda d: d.parse(SPEC),
        lambda d: d.batch(7).parse(SPEC).prefetch(2),
        lambda d: d.take(120).batch(7).parse(SPEC),
        lambda d: d.batch(7).parse(SPEC).skip(1).take(9),
        lambda d: d.repeat(2).parse(SPEC),
        lambda d: d.shard(2, 1).parse(SPEC).bucket_by_length("h", [2], [8, 4]),
    ],
)
def test_parts_are_the_whole(paths, steps, parts):
    dataset = steps(shuffled(paths))
    shares = [share_of(dataset, parts, i) for i in range(parts)]
    for epoch in (0, 3):
        for one in (dataset, *shares):
            one.set_epoch(epoch)
        found = [i for share in shares for i in flat(share)]
        whole = flat(dataset)
        assert collections.Counter(found) == collections.Counter(whole)
    if parts <= FILES and not any(step in repr(dataset) for step in ("take", "shard(")):
        assert sum(len(share.files) for share in shares) == FILES


def test_parts_with_empty_files_repeat_the_others(paths, tmp_path):
    with weft.io.TFRecordWriter(tmp_path / "empty"):
        pass
    for dataset in (
        shuffled([tmp_path / "empty", *paths]).repeat(3).parse(SPEC),
        shuffled([tmp_path / "empty", *paths]).repeat(3).parse(SPEC).shuffle(2),
        TFRecordDataset([tmp_path / "empty", *paths] * 2)
        .shuffle_files(1)
        .shard_files(2, 0)
        .repeat(4)
        .parse(SPEC),
    ):
        found = [i for part in range(6) for i in flat(share_of(dataset, 6, part))]
        assert collections.Counter(found) == collections.Counter(flat(dataset))


# --- where there is torch -------------------------------------------------------------------------


@pytest.fixture
def loader():
    torch = pytest.importorskip("torch")

    def made(dataset, kind=torch.utils.data.DataLoader, **arguments):
        return kind(dataset, batch_size=None, **arguments)

    return made


def wrapped(dataset):
    import weft.torch

    return weft.torch.IterableDataset(dataset)


@pytest.mark.parametrize("workers", [0, 1, 2, FILES + 1])
def test_workers_divide_the_data(paths, loader, workers):
    dataset = wrapped(shuffled(paths).batch(8).parse(SPEC).prefetch(1))
    batches = loader(dataset, num_workers=workers)
    epochs = []
    next(iter(dataset))  # in this process, which forked workers inherit
    for epoch in (0, 1, 1, 0):
        dataset.set_epoch(epoch)
        epochs.append(flat(batches))
        assert sorted(epochs[-1]) == list(range(FILES * ROWS))
    assert epochs[0] == epochs[3] != epochs[1] == epochs[2]
    for batch in batches:
        assert isinstance(batch["w"], weft.Ragged)
        for row, i in zip(batch["w"].to_lists(), batch["id"].tolist(), strict=True):
            assert row == [b"a"] * (i % 3)


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_that_live_on_follow_the_epoch(paths, loader, context):
    dataset = wrapped(shuffled(paths).parse(SPEC))
    fresh = loader(dataset, num_workers=2)
    living = loader(
        dataset, num_workers=2, persistent_workers=True, multiprocessing_context=context
    )
    for epoch in (2, 5, 2):
        dataset.set_epoch(epoch)
        assert flat(living) == flat(fresh)


def test_one_process_resumes_exactly(paths, loader):
    dataset = wrapped(shuffled(paths).batch(8).parse(SPEC))
    with pytest.raises(weft.InvalidArgumentError, match="StatefulDataLoader"):
        dataset.state_dict()
    dataset.set_epoch(3)
    batches = iter(loader(dataset))
    for _ in range(5):
        next(batches)
    state = json.loads(json.dumps(dataset.state_dict()))
    following = ids(batches)
    resumed = wrapped(shuffled(paths).batch(8).parse(SPEC))
    resumed.load_state_dict(state)
    assert ids(loader(resumed)) == following
    resumed.load_state_dict(state)
    resumed.set_epoch(3)
    assert ids(loader(resumed)) == following
    with pytest.raises(TypeError, match="weft.io.TFRecordDataset"):
        wrapped(paths)


@pytest.mark.parametrize("workers", [0, 2])
def test_torchdata_resumes_exactly(paths, loader, workers):
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader

    def made():
        dataset = wrapped(shuffled(paths).batch(8).parse(SPEC))
        return dataset, loader(dataset, stateful, num_workers=workers)

    dataset, batches = made()
    dataset.set_epoch(2)
    iterator = iter(batches)
    for _ in range(7):
        next(iterator)
    state = batches.state_dict()
    following = ids(iterator)
    assert following
    dataset.set_epoch(3)
    next_epoch = ids(batches)
    dataset, batches = made()
    batches.load_state_dict(state)
    dataset.set_epoch(2)
    assert ids(batches) == following
    dataset.set_epoch(3)
    assert ids(batches) == next_epoch
