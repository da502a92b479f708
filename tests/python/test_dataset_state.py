"""Datasets that stop anywhere and go on: state_dict, load_state_dict, threads, Ctrl-C."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import weft
from weft.io import TFRecordDataset, TFRecordWriter

SPEC = {"id": weft.io.FixedLenFeature([], weft.int64), "h": weft.io.VarLenFeature(weft.int64)}


def write(path: Path, first: int, count: int, compression: str | None = None) -> Path:
    with TFRecordWriter(path, compression) as writer:
        for i in range(first, first + count):
            writer.write(weft.io.encode_example({"id": [i], "h": np.full(i * i % 21, i)}))
    return path


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    return [write(folder / f"f{k}", 1000 * k, 200, "GZIP" if k == 1 else None) for k in range(4)]


def pipeline(paths: list[Path]) -> TFRecordDataset:
    """Everything at once, with seeds that are drawn."""
    return (
        TFRecordDataset(paths)
        .shuffle_files()
        .interleave(2, 3)
        .shuffle(60)
        .repeat(3)
        .parse(SPEC)
        .bucket_by_length("h", [6, 13], [9, 8, 7])
        .shuffle(3)
        .prefetch(3)
    )


def ids(batches) -> list[list[int]]:
    return [batch["id"].tolist() for batch in batches]


def stored(state: dict) -> dict:
    return json.loads(json.dumps(state))


@pytest.mark.parametrize("seed", range(12))
def test_resumes_exactly(paths, seed):
    rng = random.Random(seed)
    dataset = pipeline(paths)
    for _ in range(seed % 3):
        next(iter(dataset))  # earlier iterations
    iterator = iter(dataset)
    for _ in range(rng.randrange(280)):
        next(iterator)
    state = stored(iterator.state_dict())
    assert dataset.state_dict() == state
    expected = ids(iterator)
    assert len(expected) > 10

    other = pipeline(paths)  # has drawn other seeds
    other.load_state_dict(state)
    assert other.state_dict() == state
    resumed = iter(other)
    assert resumed.state_dict() == state
    assert ids(resumed) == expected
    # What comes after it is a new iteration of both, by the same seeds.
    assert other.state_dict()["iteration"] == state["iteration"]
    assert ids(iter(other)) == ids(iter(dataset))
    assert other.state_dict()["iteration"] == state["iteration"] + 1

    third = iter(pipeline(paths))
    next(third)
    third.load_state_dict(state)
    assert ids(third) == expected


@pytest.mark.parametrize("stop", [0, 1, 300, 511, 512, 513, 799, 800])
def test_records_one_by_one(paths, stop):
    dataset = TFRecordDataset(paths).shuffle(30, seed=1)
    iterator = iter(dataset)
    for _ in range(stop):
        next(iterator)
    state = stored(iterator.state_dict())
    expected = list(iterator)
    assert len(expected) == 800 - stop
    other = TFRecordDataset(paths).shuffle(30, seed=1)
    other.load_state_dict(state)
    resumed = iter(other)
    assert resumed.state_dict() == state
    first = [next(resumed) for _ in range(min(3, len(expected)))]
    other.load_state_dict(resumed.state_dict())
    assert first + list(other) == expected


def test_a_state_after_the_loop_was_left(paths):
    dataset = TFRecordDataset(paths).shuffle(50, seed=4).batch(10)
    for i, _ in enumerate(dataset):
        if i == 7:
            break
    gc.collect()
    state = dataset.state_dict()
    again = TFRecordDataset(paths).shuffle(50, seed=4).batch(10)
    whole = [b.tolist() for b in again]
    dataset.load_state_dict(state)
    assert [b.tolist() for b in dataset] == whole[8:]
    assert [b.tolist() for b in dataset] != whole  # iteration 1


def test_a_state_after_close(paths):
    dataset = TFRecordDataset(paths)
    records = list(dataset)
    iterator = iter(dataset)
    for _ in range(700):
        next(iterator)
    iterator.close()
    assert list(iterator) == []
    iterator.close()
    dataset.load_state_dict(stored(iterator.state_dict()))
    assert list(dataset) == records[700:]


def test_at_the_end_nothing_is_left(paths):
    dataset = TFRecordDataset(paths).batch(10)
    list(dataset)
    dataset.load_state_dict(stored(dataset.state_dict()))
    assert list(dataset) == []
    assert len(list(dataset)) == 80


def test_states_pickle_with_the_dataset(paths):
    dataset = TFRecordDataset(paths).shuffle(50).batch(10)
    iterator = iter(dataset)
    next(iterator)
    dataset.load_state_dict(iterator.state_dict())
    again = pickle.loads(pickle.dumps(dataset))
    assert [b.tolist() for b in again] == [b.tolist() for b in iterator]


def test_states_of_others_are_refused(paths, tmp_path):
    dataset = TFRecordDataset(paths).shuffle(5).batch(4)
    state = dataset.state_dict()
    with pytest.raises(ValueError, match="another dataset: its steps"):
        TFRecordDataset(paths).batch(4).load_state_dict(state)
    with pytest.raises(ValueError, match="another dataset: of 4 files"):
        TFRecordDataset(paths[:3]).shuffle(5).batch(4).load_state_dict(state)
    with pytest.raises(ValueError, match="other names, or another order"):
        TFRecordDataset(paths[::-1]).shuffle(5).batch(4).load_state_dict(state)
    copies = [tmp_path / path.name for path in paths]
    for path, copy in zip(paths, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    moved = TFRecordDataset(copies).shuffle(5).batch(4)
    moved.load_state_dict(state)  # another folder is no matter
    copies[2].write_bytes(b"")
    with pytest.raises(ValueError, match="other sizes"):
        moved.load_state_dict(state)
    for key in state:
        with pytest.raises(ValueError, match=f"no '{key}'"):
            dataset.load_state_dict({k: v for k, v in state.items() if k != key})
        with pytest.raises((ValueError, TypeError)):
            dataset.load_state_dict({**state, key: None})
    with pytest.raises(ValueError, match="version 2"):
        dataset.load_state_dict({**state, "version": 2})
    with pytest.raises(ValueError, match="does not fit"):
        dataset.load_state_dict({**state, "position": [["files", 1]]})
    for wrong in (None, 3, "x", []):
        with pytest.raises((ValueError, TypeError)):
            dataset.load_state_dict(wrong)


KILLED = """
import json, os, sys, weft
sys.path.insert(0, sys.argv[1])
from test_dataset_state import pipeline
folder, log, state = sys.argv[2:5]
dataset = pipeline([f"{folder}/f{k}" for k in range(4)])
if os.path.exists(state):
    dataset.load_state_dict(json.load(open(state)))
iterator = iter(dataset)
out = open(log, "a")
for batch in iterator:
    with open(state + ".new", "w") as file:
        json.dump(iterator.state_dict(), file)
    print(*batch["id"], file=out, flush=True)
    os.replace(state + ".new", state)
print("end", file=out, flush=True)
"""


def test_killed_and_resumed(paths, tmp_path):
    """Killed at any time: the batches of all lives are those of one."""
    log, state = tmp_path / "log", tmp_path / "state"
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED, here, paths[0].parent, log, state]
    rng = random.Random(1)
    lines: list[str] = []
    for life in range(30):
        child = subprocess.Popen([str(word) for word in command])
        while life < 4 and child.poll() is None:
            time.sleep(0.002 + rng.random() * 0.01)
            if log.exists() and len(log.read_text().splitlines()) > len(lines) + 20:
                child.kill()
        child.wait()
        if not state.exists():
            continue
        lines = log.read_text().splitlines()
        if lines[-1] == "end":
            break
    seeds = json.loads(state.read_text())
    whole = pipeline(paths)
    start = stored(whole.state_dict())
    start["seeds"] = seeds["seeds"]
    whole.load_state_dict(start)
    expected = [" ".join(map(str, batch)) for batch in ids(whole)]
    # A kill between the line and the state has that line come once more.
    once = [line for i, line in enumerate(lines[:-1]) if i == 0 or line != lines[i - 1]]
    assert life > 2
    assert once == expected


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


@pytest.mark.parametrize("how", ["drop", "close", "exception", "end", "load"])
def test_threads_end(paths, how):
    dataset = pipeline(paths)
    list(dataset.take(1))  # has started the thread pool
    before = threads()
    iterator = iter(dataset)
    next(iterator)
    assert threads() > before
    if how == "drop":
        del iterator
    elif how == "close":
        iterator.close()
        assert list(iterator) == []
        iterator.close()
    elif how == "exception":
        with pytest.raises(FileNotFoundError):
            list(TFRecordDataset([*paths, "missing"]).shuffle(9).batch(3).prefetch(2))
        del iterator
    elif how == "end":
        for _ in iterator:
            pass
    else:
        iterator.load_state_dict(iterator.state_dict())
        assert threads() == before
        del iterator
    gc.collect()
    assert threads() == before


def test_many_iterations_at_once(paths):
    dataset = pipeline(paths)
    state = dataset.state_dict()
    iterators = []
    for _ in range(3):
        dataset.load_state_dict(state)
        iterators.append(iter(dataset))
    for batches in zip(*iterators, strict=True):
        assert batches[0]["id"].tolist() == batches[1]["id"].tolist() == batches[2]["id"].tolist()


def test_what_happens_ahead_is_told_in_its_turn(paths, tmp_path):
    """Damage, warnings and errors come on the iterating thread, before the batch they precede."""
    data = bytearray(paths[0].read_bytes())
    data[12] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    told: list[Exception] = []
    files = [paths[2], tmp_path / "damaged", tmp_path / "missing"]
    spec = {**SPEC, "absent": weft.io.VarLenFeature(weft.int64)}
    dataset = TFRecordDataset(files, on_error=told.append).parse(spec).batch(100).prefetch(2)
    iterator = iter(dataset)
    for batches in range(3):
        assert len(told) == (batches > 2)
        next(iterator)
    assert dataset.counters()["skipped"] == len(told) == 1
    with pytest.raises(FileNotFoundError):
        next(iterator)
    assert list(iterator) == []
    whole = TFRecordDataset(paths).parse(spec).prefetch(2)
    with pytest.warns(UserWarning, match="'absent'"):
        list(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="'absent'"):
            list(whole)

    def stop(error: Exception) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        list(TFRecordDataset(files, on_error=stop).batch(7).prefetch(1))


def test_a_record_that_does_not_parse_ahead(paths, tmp_path):
    with TFRecordWriter(tmp_path / "bad") as writer:
        writer.write(b"\x08\xff")
    dataset = TFRecordDataset([paths[0], tmp_path / "bad"]).parse(SPEC).batch(300).prefetch(2)
    with pytest.raises(weft.CorruptDataError) as info:
        list(dataset)
    assert (info.value.file, info.value.record) == (str(tmp_path / "bad"), 0)


def _count_in_child(dataset: TFRecordDataset, queue: multiprocessing.Queue) -> None:
    queue.put(sum(len(batch["id"]) for batch in dataset))


def _use_in_child(iterator, queue: multiprocessing.Queue) -> None:
    try:
        next(iterator)
    except OSError as error:
        queue.put(str(error))


def test_forked_workers(paths):
    dataset = pipeline(paths)
    iterator = iter(dataset)
    next(iterator)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    for target, argument in ((_count_in_child, dataset), (_use_in_child, iterator)):
        child = context.Process(target=target, args=(argument, queue))
        child.start()
        answer = queue.get(timeout=60)
        child.join(60)
        assert child.exitcode == 0
        assert answer == 2400 or "forked" in answer
    assert sum(len(batch["id"]) for batch in iterator) > 2300


INTERRUPTED = """
import os, signal, sys, time, weft
signal.signal(signal.SIGINT, signal.default_int_handler)
dataset = weft.io.TFRecordDataset(sys.argv[2:])
spec = {"id": weft.io.FixedLenFeature([], weft.int64), "h": weft.io.VarLenFeature(weft.int64)}
dataset = eval("dataset" + sys.argv[1], {"dataset": dataset, "spec": spec})
iterator = iter(dataset)
threads = len(os.listdir("/proc/self/task"))
print("ready", flush=True)
try:
    for _ in iterator:
        pass
except KeyboardInterrupt:
    left = len(os.listdir("/proc/self/task")) - threads
    print("interrupted", left, flush=True)
"""


@pytest.mark.parametrize(
    "steps",
    [
        ".batch(1000).prefetch(2)",
        ".parse(spec).prefetch(2)",
        ".shuffle(100000).parse(spec)",
        ".parse(spec).bucket_by_length('h', [5], [10**6, 10**6]).prefetch(1)",
        ".interleave(2).repeat().skip(-1)",
    ],
)
def test_ctrl_c(paths, tmp_path, steps):
    """While it waits for a pipe that nobody fills."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", INTERRUPTED, steps, str(paths[0]), str(pipe)]
    environment = {**os.environ, "WEFT_NUM_THREADS": "1"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    silent = os.open(pipe, os.O_RDWR)
    time.sleep(0.3)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert output == "interrupted 0\n"
    assert time.monotonic() - sent < 5
    os.close(silent)
