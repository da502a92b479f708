"""Import time, and time and memory from starting Python to the first batch of RNN states.

As a script: startup.py PEER FOLDER STARTED does it once in a fresh process and prints one JSON
line; STARTED is the clock of the process that started it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMPORTS = {"weft": "weft", "tf2.15": "tensorflow", "tf2.21": "tensorflow", "torch": "torch"}


def first_batch_weft(
    file: str, key: str, buckets: int, dimension: int, hidden: int, batch: int
) -> Any:
    import weft

    column = weft.feature_column.sequence_categorical_column_with_identity(key, buckets)
    columns = [weft.feature_column.embedding_column(column, dimension)]
    spec = weft.feature_column.make_parse_example_spec(columns)
    sequence = weft.layers.SequenceFeatures(columns)
    rnn = weft.layers.RNN(weft.layers.SimpleRNNCell(hidden))
    serialized = next(iter(weft.io.TFRecordDataset(file).batch(batch)))
    x, lengths = sequence(weft.io.parse_example(serialized, spec))
    return rnn(x, mask=weft.sequence_mask(lengths))[0]


def first_batch_tensorflow(
    file: str, key: str, buckets: int, dimension: int, hidden: int, batch: int
) -> Any:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    import tensorflow as tf

    column = tf.feature_column.sequence_categorical_column_with_identity(key, buckets)
    columns = [tf.feature_column.embedding_column(column, dimension)]
    spec = tf.feature_column.make_parse_example_spec(columns)
    sequence = tf.keras.experimental.SequenceFeatures(columns)
    rnn = tf.keras.layers.RNN(tf.keras.layers.SimpleRNNCell(hidden))
    serialized = next(iter(tf.data.TFRecordDataset(file).batch(batch)))
    x, lengths = sequence(tf.io.parse_example(serialized, spec))
    return rnn(x, mask=tf.sequence_mask(lengths)).numpy()


def first_batch_torch(
    file: str, key: str, buckets: int, dimension: int, hidden: int, batch: int
) -> Any:
    import itertools

    import numpy as np
    import torch
    from tfrecord import reader

    table = torch.nn.Embedding(buckets, dimension)
    rnn = torch.nn.RNN(dimension, hidden, batch_first=True)
    loader = reader.tfrecord_loader(file, None, {key: "int"})
    rows = [record[key] for record in itertools.islice(loader, batch)]
    with torch.inference_mode():
        parts = table(torch.from_numpy(np.concatenate(rows))).split([len(row) for row in rows])
        return rnn(torch.nn.utils.rnn.pack_sequence(list(parts), enforce_sorted=False))[1][
            0
        ].numpy()


FIRST_BATCH: dict[str, Callable[..., Any]] = {
    "weft": first_batch_weft,
    "tf2.15": first_batch_tensorflow,
    "torch": first_batch_torch,
}


def peak_megabytes() -> float:
    """The process's largest resident size so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def once(peer: str, folder: Path, started: float) -> None:
    import inputs

    workload = inputs.load_workloads()["workloads"]["end_to_end"]
    numbers = [workload[name] for name in ("key", "buckets", "dimension", "hidden", "batch")]
    state = FIRST_BATCH[peer](str(folder / "records.tfrecord"), *numbers)
    seconds = time.monotonic() - started
    assert state.shape == (workload["batch"], workload["hidden"])
    print(json.dumps({"seconds": seconds, "megabytes": peak_megabytes()}))


IMPORT = """
import time
import numpy
numpy_done = time.perf_counter()
import {module}
print(time.perf_counter() - numpy_done)
"""


def output_of(command: list[object]) -> str:
    """What a fresh process prints."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    words = list(map(str, command))
    return subprocess.check_output(words, env=environment, stderr=subprocess.DEVNULL, text=True)


def measure(python: dict[str, Path], folder: Path, rounds: int) -> dict[str, Any]:
    """Figures of `rounds` fresh processes of every peer, interleaved."""
    found: dict[str, dict[str, Any]] = {peer: {} for peer in python if peer in IMPORTS}
    for turn in range(rounds + 1):
        for peer, numbers in found.items():
            script = IMPORT.format(module=IMPORTS[peer])
            figures = {"import_seconds_beyond_numpy": output_of([python[peer], "-c", script])}
            if peer in FIRST_BATCH:
                command = [python[peer], __file__, peer, folder, time.monotonic()]
                answer = json.loads(output_of(command))
                figures |= {f"first_batch_{name}": value for name, value in answer.items()}
            if turn:  # the first round brings files into the page cache
                for name, value in figures.items():
                    numbers.setdefault(name, []).append(round(float(value), 4))
    for numbers in found.values():
        for name, values in list(numbers.items()):
            middle = statistics.median(values)
            numbers[name] = {"median": middle, "low": min(values), "high": max(values)}
    return found


if __name__ == "__main__":
    once(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
