"""weft.io.TFRecordDataset over many files."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import weft
from weft.io import TFRecordDataset, TFRecordWriter


def files(folder: Path, sizes: list[int]) -> list[Path]:
    """File k holds the records b"k.0", b"k.1", ..."""
    paths = []
    for k, size in enumerate(sizes):
        paths.append(folder / f"f{k}")
        with TFRecordWriter(paths[-1]) as writer:
            for i in range(size):
                writer.write(b"%d.%d" % (k, i))
    return paths


def test_files_one_after_another(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [2, 0, 1]))
    assert list(dataset) == [b"0.0", b"0.1", b"2.0"]
    assert list(dataset.as_numpy_iterator()) == list(dataset)
    assert dataset.files == [str(tmp_path / f"f{k}") for k in range(3)]
    assert list(TFRecordDataset([])) == []


def test_takes_every_kind_of_path(tmp_path):
    path = files(tmp_path, [1])[0]
    for given in (path, str(path), os.fsencode(path), [path], (str(path),), np.array([str(path)])):
        assert list(TFRecordDataset(given)) == [b"0.0"]
    for wrong in (3, None, [3], 2.5):
        with pytest.raises(TypeError, match="filenames"):
            TFRecordDataset(wrong)


def test_names_that_are_not_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe"
    with TFRecordWriter(name) as writer:
        writer.write(b"x")
    assert list(TFRecordDataset(name)) == [b"x"]
    assert os.fsencode(TFRecordDataset(name).files[0]) == name


def test_order(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [3, 1, 2]))
    assert list(dataset.interleave(2)) == [b"0.0", b"1.0", b"0.1", b"0.2", b"2.0", b"2.1"]
    assert list(dataset.interleave(2, 2)) == [b"0.0", b"0.1", b"1.0", b"0.2", b"2.0", b"2.1"]
    parallel = TFRecordDataset(files(tmp_path, [3, 1, 2]), num_parallel_reads=2)
    assert list(parallel) == list(dataset.interleave(2))
    assert list(dataset.shard(2, 1)) == [b"0.1", b"1.0", b"2.1"]
    assert list(dataset.shard_files(2, 1)) == [b"1.0"]
    assert list(dataset.skip(1).take(3)) == [b"0.1", b"0.2", b"1.0"]
    assert list(dataset.take(3).skip(1)) == [b"0.1", b"0.2"]
    shuffled = dataset.shuffle_files(4)
    assert sorted(shuffled.files) == sorted(dataset.files)
    assert list(shuffled) == list(dataset.shuffle_files(4))


def test_batches(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [3, 2])).batch(2)
    batches = list(dataset)
    assert [b.tolist() for b in batches] == [[b"0.0", b"0.1"], [b"0.2", b"1.0"], [b"1.1"]]
    assert all(np.asarray(b).dtype == object and b.shape == (len(b),) for b in batches)
    assert len(list(TFRecordDataset(dataset.files).batch(2, drop_remainder=True))) == 2
    assert [b.tolist() for b in dataset.skip(1).take(1)] == [[b"0.2", b"1.0"]]


def test_wrong_descriptions(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [1]))
    for wrong in (
        lambda: dataset.batch(0),
        lambda: dataset.batch(1).batch(1),
        lambda: dataset.shard(2, 2),
        lambda: dataset.take(1).interleave(2),
        lambda: dataset.parse({}),
        lambda: TFRecordDataset([], on_error="ignore"),
        lambda: TFRecordDataset([], "BZIP2"),
    ):
        with pytest.raises(ValueError):
            wrong()
    for wrong in (
        lambda: dataset.batch(1.5),
        lambda: dataset.take("1"),
        lambda: dataset.parse(3),
        lambda: TFRecordDataset([], 1),
    ):
        with pytest.raises(TypeError):
            wrong()


SPEC = {"n": weft.io.FixedLenFeature([], weft.int64), "h": weft.io.VarLenFeature(weft.int64)}


def examples(path: Path, n: int) -> Path:
    with TFRecordWriter(path, "GZIP") as writer:
        for i in range(n):
            writer.write(weft.io.encode_example({"n": [i], "h": np.arange(i % 4)}))
    return path


def test_parses_as_parse_example(tmp_path):
    dataset = TFRecordDataset(examples(tmp_path / "a", 10)).batch(4)
    parsed = list(dataset.parse(SPEC))
    assert [len(p["n"]) for p in parsed] == [4, 4, 2]
    for serialized, features in zip(dataset, parsed, strict=True):
        expected = weft.io.parse_example(serialized, SPEC)
        assert features.keys() == expected.keys()
        np.testing.assert_array_equal(features["n"], expected["n"])
        assert features["h"] == expected["h"]
    assert [len(p["n"]) for p in TFRecordDataset(tmp_path / "a").parse(SPEC)] == [10]


def test_parse_errors_say_file_and_record(tmp_path):
    path = tmp_path / "b"
    with TFRecordWriter(path) as writer:
        writer.write(weft.io.encode_example({"n": [1]}))
        writer.write(weft.io.encode_example({"m": [1]}))
    dataset = TFRecordDataset([examples(tmp_path / "a", 3), path])
    with pytest.raises(ValueError, match="'n'") as info:
        list(dataset.parse(SPEC))
    error = info.value
    assert (error.file, error.record, error.row, error.key) == (str(path), 1, 4, "n")


def test_keys_that_no_record_has_are_named(tmp_path):
    spec = {"hh": weft.io.VarLenFeature(weft.int64)}
    with pytest.warns(UserWarning, match="'hh'"):
        list(TFRecordDataset(examples(tmp_path / "a", 3)).parse(spec))


def test_counters(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [4]))
    batched = dataset.batch(3)
    list(batched)
    assert batched.counters()["records"] == 4
    list(batched)
    list(dataset.take(2))
    assert batched.counters()["records"] == 8
    assert dataset.counters()["records"] > 8  # and of what was made from it
    assert dataset.counters()["skipped"] == 0


def test_missing_files_are_errors_in_their_turn(tmp_path):
    paths = [*files(tmp_path, [2]), tmp_path / "missing"]
    got = []
    with pytest.raises(FileNotFoundError) as info:
        for record in TFRecordDataset(paths):
            got.append(record)
    assert got == [b"0.0", b"0.1"]
    assert info.value.file == str(tmp_path / "missing")


def test_pickles(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [5, 5]), num_parallel_reads=2).shard(2, 1).batch(2)
    again = pickle.loads(pickle.dumps(dataset))
    assert [b.tolist() for b in again] == [b.tolist() for b in dataset]
    parsed = TFRecordDataset(examples(tmp_path / "a", 3)).parse(SPEC)
    assert len(list(pickle.loads(pickle.dumps(parsed)))) == 1


def test_repr_says_what_is_read_and_how(tmp_path):
    one = TFRecordDataset("a.tfrecord").shuffle(10, seed=1).batch(3).parse(SPEC)
    assert repr(one) == (
        "<weft.io.TFRecordDataset of 'a.tfrecord'"
        f".shuffle(10, 1, True).batch(3, False).parse({list(SPEC)!r}, True, None)>"
    )
    assert "of 'a' and 2 more.take(2)>" in repr(TFRecordDataset(["a", "b", "c"]).take(2))
    assert repr(TFRecordDataset([])) == "<weft.io.TFRecordDataset of no files>"


def big(folder: Path, count: int = 3) -> list[Path]:
    """Files large enough for threads."""
    paths = [folder / f"big{i}" for i in range(count)]
    for path in paths:
        with TFRecordWriter(path) as writer:
            for i in range(20_000):
                writer.write(b"%06d" % i * 20)
    return paths


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def test_threads_end_with_the_iterator(tmp_path):
    dataset = TFRecordDataset(big(tmp_path), num_parallel_reads=3)
    before = threads()
    iterator = iter(dataset.batch(100))
    next(iterator)
    assert threads() > before
    del iterator
    gc.collect()
    assert threads() == before
    for _ in dataset.take(10):
        pass
    assert threads() == before


def _count_in_child(dataset: TFRecordDataset, queue: multiprocessing.Queue) -> None:
    queue.put(sum(len(b) for b in dataset.batch(512)))


def test_a_forked_worker_reads(tmp_path):
    dataset = TFRecordDataset(big(tmp_path), num_parallel_reads=2)
    iterator = iter(dataset)
    next(iterator)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_count_in_child, args=(dataset, queue))
    child.start()
    assert queue.get(timeout=60) == 60_000
    child.join(60)
    assert child.exitcode == 0
    assert sum(1 for _ in iterator) == 59_999


def test_two_threads_iterate_at_once(tmp_path):
    dataset = TFRecordDataset(big(tmp_path))
    counts = []

    def work() -> None:
        counts.append(sum(len(b) for b in dataset.batch(512)))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert counts == [60_000, 60_000]


def test_ctrl_c_interrupts(tmp_path):
    """In the middle of one long call: skipping records of a pipe that nobody fills."""
    os.mkfifo(tmp_path / "pipe")
    code = (
        "import signal, sys, weft\n"
        # A job in the background of a shell begins with SIGINT ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    next(iter(weft.io.TFRecordDataset(sys.argv[1])))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "pipe")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    silent = os.open(tmp_path / "pipe", os.O_RDWR)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert output == "interrupted\n"
    os.close(silent)


@pytest.mark.parametrize(
    "use",
    [
        lambda d: d.batch("a"),
        lambda d: d.batch(3.0),
        lambda d: d.batch(2**70),
        lambda d: d.skip(None),
        lambda d: d.take("1"),
        lambda d: d.shuffle_files(2**63),
        lambda d: d.shard(2, "x"),
        lambda d: d.interleave(2.5),
        lambda d: TFRecordDataset(d.files, num_parallel_reads="a"),
    ],
)
def test_numbers_that_are_none(tmp_path, use):
    dataset = TFRecordDataset(files(tmp_path, [1]))
    with pytest.raises((TypeError, ValueError), match="must be an integer|does not fit into int64"):
        use(dataset)


def test_limits_reach_the_parser(tmp_path):
    path = tmp_path / "f"
    with weft.io.TFRecordWriter(path) as writer:
        writer.write(weft.io.encode_example({"a": [1], "b": [2]}))
    spec = {"a": weft.io.VarLenFeature(weft.int64)}
    dataset = TFRecordDataset(path, limits=weft.Limits(max_keys=1)).parse(spec)
    for again in (dataset, pickle.loads(pickle.dumps(dataset))):
        with pytest.raises(weft.LimitExceededError, match="max_keys = 1"):
            list(again)


@pytest.mark.parametrize("wrong", [None, 3, "state", [("version", 1)]])
def test_a_state_is_a_dict(tmp_path, wrong):
    dataset = TFRecordDataset(files(tmp_path, [3]))
    iterator = iter(dataset)
    assert next(iterator) == b"0.0"
    for one in (dataset, iterator):
        with pytest.raises(weft.errors.WrongTypeError, match="`state_dict` must be what"):
            one.load_state_dict(wrong)
    assert list(iterator) == [b"0.1", b"0.2"]  # which went on where it was


def test_flags_are_anything_true_or_false(tmp_path):
    dataset = TFRecordDataset(files(tmp_path, [3]))
    assert [len(batch) for batch in dataset.batch(2, None)] == [2, 1]
    assert [len(batch) for batch in dataset.batch(2, np.True_)] == [2]
    path = weft.io.write_tfrecords({"a": [1, 2]}, tmp_path / "examples")
    spec = {"a": weft.io.FixedLenFeature([], weft.int64)}
    for strict in (None, 0, 1):
        (batch,) = TFRecordDataset(path).parse(spec, strict)
        assert batch["a"].tolist() == [1, 2]
        repr(dataset.parse_sequence(spec, strict=strict))
        repr(dataset.parse_sequence(None, {"a": weft.io.VarLenFeature("int64")}, strict))


def test_the_keys_of_bucket_by_length(tmp_path):
    parsed = TFRecordDataset(files(tmp_path, [3])).parse({"a": weft.io.VarLenFeature("int64")})
    for wrong in (None, 3):
        with pytest.raises(weft.errors.WrongTypeError, match="`key` must be the name"):
            parsed.bucket_by_length(wrong, [2], [2, 2])


def test_names_of_tf_data(tmp_path):
    assert weft.data.AUTOTUNE == -1
    paths = files(tmp_path, [2, 1])
    dataset = weft.data.TFRecordDataset(paths, num_parallel_reads=weft.data.AUTOTUNE)
    assert len(list(dataset.batch(2).prefetch(weft.data.AUTOTUNE))) == 2


def test_a_dataset_is_no_list_of_files():
    with pytest.raises(weft.errors.WrongTypeError, match="a dataset of records gives no paths"):
        weft.io.TFRecordDataset(weft.io.TFRecordDataset([]))


@pytest.mark.parametrize("steps", ["", ".prefetch(2)"])
def test_ctrl_c_among_small_files(tmp_path, steps):
    """No file takes long, and yet the call does."""
    with weft.io.TFRecordWriter(tmp_path / "f") as writer:
        writer.write(b"record")
    code = (
        "import signal, sys, weft\n"
        # A job in the background of a shell begins with SIGINT ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "d = weft.io.TFRecordDataset(sys.argv[1]).repeat().skip(10**12).batch(2)\n"
        f"print('ready', flush=True); next(iter(d{steps}))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "f"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    try:
        assert "KeyboardInterrupt" in child.communicate(timeout=30)[1]
    finally:
        child.kill()


def test_where_rows_are_from(tmp_path):
    paths = [
        weft.io.write_tfrecords({"id": [10 * k + i for i in range(7)]}, tmp_path / f"f{k}")[0]
        for k in range(3)
    ]
    spec = {"id": weft.io.FixedLenFeature([], weft.int64)}
    dataset = TFRecordDataset(paths).interleave(2).shuffle(5, seed=1).batch(4).parse(spec)
    for one in (dataset, dataset.prefetch(2)):
        iterator = iter(one)
        assert iterator.origins() == []
        rows = 0
        for batch in iterator:
            origins = iterator.origins()
            assert [(paths[i // 10], i % 10) for i in batch["id"].tolist()] == origins
            rows += len(origins)
        assert rows == 21
    iterator = iter(TFRecordDataset(paths))
    next(iterator)
    with pytest.raises(weft.InvalidArgumentError, match="parse"):
        iterator.origins()
