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

PEERS = ["weft", "tf2.15", "torch"]
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
start = time.perf_counter()
import numpy
numpy_done = time.perf_counter()
import {module}
print(numpy_done - start, time.perf_counter() - numpy_done)
"""


def measure(python: dict[str, Path], folder: Path, rounds: int) -> dict[str, Any]:
    """Medians over `rounds` fresh processes of every peer, interleaved."""
    found: dict[str, Any] = {
        peer: {
            "first_batch_seconds": [],
            "first_batch_megabytes": [],
            "import_seconds_beyond_numpy": [],
        }
        for peer in PEERS
        if peer in python
    }
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    for turn in range(rounds + 1):
        for peer, numbers in found.items():
            command = [python[peer], __file__, peer, folder, str(time.monotonic())]
            answer = json.loads(
                subprocess.check_output(
                    list(map(str, command)), env=quiet, stderr=subprocess.DEVNULL
                )
            )
            script = IMPORT.format(module=IMPORTS[peer])
            out = subprocess.check_output(
                [str(python[peer]), "-c", script], env=quiet, stderr=subprocess.DEVNULL
            )
            if turn:  # the first round brings files into the page cache
                numbers["first_batch_seconds"].append(round(answer["seconds"], 4))
                numbers["first_batch_megabytes"].append(round(answer["megabytes"], 1))
                numbers["import_seconds_beyond_numpy"].append(round(float(out.split()[1]), 4))
    for numbers in found.values():
        for name, values in list(numbers.items()):
            numbers[name] = {
                "median": statistics.median(values),
                "low": min(values),
                "high": max(values),
            }
    return found


if __name__ == "__main__":
    once(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
