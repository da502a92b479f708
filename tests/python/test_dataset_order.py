"""The order of datasets, against the slow model of dataset_model.py."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import weft
from dataset_model import Model
from weft.io import TFRecordDataset, TFRecordWriter

SPEC = {"id": weft.io.FixedLenFeature([], weft.int64), "h": weft.io.VarLenFeature(weft.int64)}
SIZES = [40, 0, 90, 1, 33, 7, 300]


def example(i: int) -> bytes:
    return weft.io.encode_example({"id": [i], "h": np.full(i * i % 21, i)})


def ident(record: bytes) -> int:
    return int(weft.io.decode_example(record)["id"][0])


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[list[Path], list[list[bytes]]]:
    """Files of Examples, and what is in them."""
    folder = tmp_path_factory.mktemp("files")
    paths, contents = [], []
    for k, size in enumerate(SIZES):
        paths.append(folder / f"f{k}")
        contents.append([example(1000 * k + i) for i in range(size)])
        with TFRecordWriter(paths[-1], "GZIP" if k % 2 else None) as writer:
            for record in contents[-1]:
                writer.write(record)
    return paths, contents


def random_steps(rng: random.Random) -> list[tuple]:
    """(method, arguments), the same for dataset and model."""
    steps: list[tuple] = []
    if rng.random() < 0.5:
        steps.append(("shuffle_files", rng.randrange(99), rng.random() < 0.7))
    if rng.random() < 0.3:
        steps.append(("shard_files", 2, rng.randrange(2)))
    if rng.random() < 0.5:
        steps.append(("interleave", rng.randint(1, 4), rng.randint(1, 5)))

    def element_steps(most: int) -> None:
        for _ in range(rng.randrange(most)):
            kind = rng.choice(["shard", "skip", "take", "repeat", "shuffle", "shuffle"])
            steps.append(
                {
                    "shard": ("shard", 2, rng.randrange(2)),
                    "skip": ("skip", rng.choice([-1, 0, 3, 60])),
                    "take": ("take", rng.choice([-1, 0, 50, 400])),
                    "repeat": ("repeat", rng.randrange(4)),
                    "shuffle": (
                        "shuffle",
                        rng.choice([1, 2, 10, 5000]),
                        rng.randrange(99) - 50,
                        rng.random() < 0.7,
                    ),
                }[kind]
            )

    element_steps(4)
    drop = rng.random() < 0.5
    if rng.random() < 0.5:
        steps.append(("batch", rng.randint(1, 40), drop))
    else:
        sizes = [rng.randint(1, 20) for _ in range(3)]
        steps.append(("bucket_by_length", "h", [3, 11], sizes, drop))
    element_steps(3)
    return steps


def modelled(contents: list[list[bytes]], steps: list[tuple], iteration: int) -> list[list[int]]:
    model = Model(contents, iteration)
    for name, *arguments in steps:
        if name == "bucket_by_length":
            _, bounds, sizes, drop = arguments
            model.buckets(
                lambda x, b=bounds: int(np.searchsorted(b, ident(x) ** 2 % 21, "right")),
                sizes,
                drop,
            )
        else:
            getattr(model, name)(*arguments)
    return [[ident(record) for record in batch] for batch in model.run()]


@pytest.mark.parametrize("seed", range(60))
def test_random_steps(files, seed):
    rng = random.Random(seed)
    paths, contents = files
    steps = random_steps(rng)
    dataset = TFRecordDataset(paths)
    for i, (name, *arguments) in enumerate(steps):
        if name in ("batch", "bucket_by_length"):
            dataset = dataset.parse(SPEC)
        dataset = getattr(dataset, name)(*arguments)
        if rng.random() < 0.2:
            dataset = dataset.prefetch(1 + i)
    for iteration in range(2):
        got = [batch["id"].tolist() for batch in dataset]
        assert got == modelled(contents, steps, iteration), steps


def test_batches_are_as_parsed_at_once(files):
    """Padding, dense shapes and all else are of the batch alone."""
    paths, _ = files
    padded = weft.io.FixedLenSequenceFeature([], weft.int64, allow_missing=True)
    for spec in (SPEC, {"id": SPEC["id"], "h": padded}):
        parsed = TFRecordDataset(paths).parse(spec)
        for batch in parsed.bucket_by_length("h", [4, 12], [7, 8, 9]).prefetch(3):
            expected = weft.io.parse_example([example(int(i)) for i in batch["id"]], spec)
            np.testing.assert_array_equal(batch["id"], expected["id"])
            assert np.all(batch["h"] == expected["h"])


def test_padding_is_small(files):
    paths, _ = files
    parsed = TFRecordDataset(paths).shuffle(100, seed=1).parse(SPEC)

    def waste(dataset: TFRecordDataset) -> float:
        cells = values = 0
        for batch in dataset:
            rows, width = batch["h"].dense_shape
            cells, values = cells + rows * width, values + len(batch["h"].values)
        return 1 - values / cells

    plain, bucketed = (
        waste(parsed.batch(16)),
        waste(parsed.bucket_by_length("h", [5, 10, 15], [16] * 4)),
    )
    assert bucketed < plain / 2


LENGTHS = {
    "values": ({"v": [1, 2, 3]}, weft.io.VarLenFeature(weft.int64), 3),
    "steps": (
        {"v": [1, 2, 3, 4]},
        weft.io.FixedLenSequenceFeature([2], weft.int64, allow_missing=True),
        2,
    ),
    "rows": (
        {"w": [1, 2, 3, 4], "n": [3, 1]},
        weft.io.RaggedFeature(weft.int64, "w", partitions=[weft.io.RaggedFeature.RowLengths("n")]),
        2,
    ),
    "indices": (
        {"i": [0, 5], "w": [7, 8]},
        weft.io.SparseFeature("i", "w", weft.int64, 9),
        6,
    ),
}


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("more", [0, 1])
def test_lengths_of_every_kind(tmp_path, kind, more):
    """Records in the bucket of the long ones come last."""
    features, spec, length = LENGTHS[kind]
    with TFRecordWriter(tmp_path / "f") as writer:
        writer.write(weft.io.encode_example({"id": [1], "x": [9], **features}))
        writer.write(weft.io.encode_example({"id": [2], "x": [9]}))
    dataset = TFRecordDataset(tmp_path / "f").parse({"id": SPEC["id"], "v": spec, "x": SPEC["h"]})
    found = dataset.bucket_by_length(["x", "v"], [length + more], [1, 2])
    assert [b["id"].tolist() for b in found] == ([[1], [2]] if more else [[2], [1]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("id", [3], [1, 1]), "'id'"),
        (("zz", [3], [1, 1]), "'zz'"),
        (("h", [], [1]), "boundaries"),
        (("h", [3, 3], [1, 1, 1]), "increase"),
        (("h", [3], [1]), "one batch size more"),
        (("h", [3], [1, 0]), "at least 1"),
        (([], [3], [1, 1]), "key"),
    ],
)
def test_buckets_that_cannot_work(arguments, message):
    with pytest.raises(ValueError, match=message):
        TFRecordDataset([]).parse(SPEC).bucket_by_length(*arguments)
    with pytest.raises(ValueError, match=r"call parse\(\) before"):
        TFRecordDataset([]).bucket_by_length("h", [3], [1, 1])


def test_a_record_that_does_not_parse(tmp_path):
    path = tmp_path / "f"
    with TFRecordWriter(path) as writer:
        for i in range(9):
            writer.write(b"\x08\xff" if i == 4 else example(i))
    dataset = TFRecordDataset(path).parse(SPEC).bucket_by_length("h", [5], [2, 2])
    with pytest.raises(weft.CorruptDataError) as info:
        list(dataset)
    assert (info.value.file, info.value.record) == (str(path), 4)


def test_iterations_differ_unless_told_not_to(files):
    paths, _ = files
    for made in (
        lambda: TFRecordDataset(paths).shuffle(500, seed=3),
        lambda: TFRecordDataset(paths).shuffle_files(seed=3),
    ):
        dataset, same = made(), made()
        first, second = list(dataset), list(dataset)
        assert first != second and sorted(first) == sorted(second)
        assert list(same) == first and list(same) == second
    dataset = TFRecordDataset(paths).shuffle(500, seed=3, reshuffle_each_iteration=False)
    assert list(dataset) == list(dataset)
    assert list(TFRecordDataset(paths).shuffle(500)) != list(TFRecordDataset(paths).shuffle(500))
    one = TFRecordDataset(paths).shuffle(500, seed=3)
    passes = list(one.repeat(2))
    assert passes[: sum(SIZES)] != passes[sum(SIZES) :]


def test_a_shuffle_is_fair(tmp_path):
    """Every order of four comes as often, over seeds and over iterations."""
    path = tmp_path / "f"
    with TFRecordWriter(path) as writer:
        for c in b"abcd":
            writer.write(bytes([c]))
    counts: dict[bytes, int] = {}
    for seed in range(100):
        dataset = TFRecordDataset(path).shuffle(4, seed=seed)
        for _ in range(24):
            order = b"".join(dataset)
            counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert 55 < min(counts.values()) and max(counts.values()) < 150
