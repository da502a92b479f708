"""Makes the inputs of every workload from workloads.json, the same bytes for every peer.

A workload's inputs lie in one folder, named after the workload and a digest of its numbers, so that
a changed number makes new inputs.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from wire import example, framed, sequence_example

HERE = Path(__file__).resolve().parent
SHOWN_ROWS = 1000  # of a large table, to compare
GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}


def load_workloads() -> dict[str, Any]:
    """The parsed workloads.json; every workload knows its own name and the shared lengths."""
    config = json.loads((HERE / "workloads.json").read_text())
    for name, workload in config["workloads"].items():
        workload.update(name=name, lengths=workload.get("lengths", config["lengths"]))
        if workload["kind"] == "dataset":
            source = config["workloads"][workload["records_of"]]
            workload.update(features=source["features"], records=source["records"])
    return config


def folder(workload: dict[str, Any], cache: Path) -> Path:
    """Where the inputs of `workload` lie."""
    numbers = {k: v for k, v in workload.items() if k not in ("title", "unit", "targets")}
    digest = hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:12]
    return cache / f"{workload['name']}-{digest}"


def make(name: str, workloads: dict[str, Any], cache: Path) -> Path:
    """Makes the inputs of a workload unless they are there, and returns their folder."""
    workload = workloads[name]
    path = folder(workload, cache)
    if not (path / "complete").exists():
        path.mkdir(parents=True, exist_ok=True)
        if "records_of" in workload:
            COPIERS[workload["kind"]](
                workload, make(workload["records_of"], workloads, cache), path
            )
        else:
            MAKERS[workload["kind"]](workload, path)
        (path / "complete").touch()
    return path


# --- one maker for each kind of workload ----------------------------------------------------------


def feature_names(workload: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, its declaration) for every feature of a parse workload."""
    for group in workload["features"]:
        for i in range(group["count"]):
            yield f"{group['name']}_{i}", group


def draw_lengths(rng: np.random.Generator, rows: int, lengths: dict[str, Any]) -> np.ndarray:
    """Lengths of histories: lognormal, or low to high with the mean asked for (a scaled beta)."""
    if "lognormal_mean" in lengths:
        mu = np.log(lengths["lognormal_mean"]) - lengths["sigma"] ** 2 / 2
        return np.maximum(1, np.rint(rng.lognormal(mu, lengths["sigma"], rows))).astype(np.int64)
    low, high = lengths["low"], lengths["high"]
    share = (lengths["mean"] - low) / (high - low)
    return low + np.rint((high - low) * rng.beta(share * 2, (1 - share) * 2, rows)).astype(np.int64)


def draw_values(rng: np.random.Generator, n: int, group: dict[str, Any]) -> Any:
    if group["dtype"] == "float":
        return rng.normal(size=n).astype(np.float32)
    if group["dtype"] == "int64":
        return rng.integers(0, group["below"], n).tolist()
    low, high = group["bytes"]
    letters = rng.integers(97, 123, (n, high), dtype=np.uint8)
    return [
        row[:size].tobytes()
        for row, size in zip(letters, rng.integers(low, high + 1, n), strict=True)
    ]


def make_parse(workload: dict[str, Any], path: Path) -> None:
    rng = np.random.default_rng(workload["seed"])
    rows = workload["records"]
    columns = []
    for key, group in feature_names(workload):
        lengths = (
            draw_lengths(rng, rows, group["lengths"])
            if "lengths" in group
            else np.ones(rows, np.int64)
        )
        ends = np.cumsum(lengths)
        values = draw_values(rng, int(ends[-1]), group)
        columns.append(
            (key, group["dtype"], [values[e - n : e] for n, e in zip(lengths, ends, strict=True)])
        )
    columns.sort()
    lists = {key for key, group in feature_names(workload) if "lengths" in group}
    with open(path / "records.tfrecord", "wb") as file:
        for i in range(rows):
            order = (
                rng.permutation(len(columns))
                if workload["order"] == "random"
                else range(len(columns))
            )
            entries = [(columns[c][0], columns[c][1], columns[c][2][i]) for c in order]
            is_sequence = workload["kind"] == "parse_sequence"
            file.write(
                framed(sequence_example(entries, lists) if is_sequence else example(entries))
            )


def copy_records(workload: dict[str, Any], source: Path, path: Path) -> None:
    """The same records `repeat` times over, plain or gzip (level 6, as TensorFlow's writer)."""
    data = (source / "records.tfrecord").read_bytes() * workload["repeat"]
    packed = gzip.compress(data, 6, mtime=0) if workload["gzip"] else data
    (path / ("records.tfrecord.gz" if workload["gzip"] else "records.tfrecord")).write_bytes(packed)


def copy_files(workload: dict[str, Any], source: Path, path: Path) -> None:
    """The same records `repeat` times over in each of `files` files."""
    data = (source / "records.tfrecord").read_bytes() * workload["repeat"]
    for file in dataset_files(workload, path):
        file.write_bytes(data)


def dataset_files(workload: dict[str, Any], path: Path) -> list[Path]:
    """The files of a dataset workload."""
    return [path / f"records-{i}.tfrecord" for i in range(workload["files"])]


def make_histories(
    workload: dict[str, Any], path: Path, keys: list[str], rows: int
) -> np.random.Generator:
    """Records of one int64 history for each key, of equal lengths within a record."""
    rng = np.random.default_rng(workload["seed"])
    lengths = draw_lengths(rng, rows, workload["lengths"])
    ends = np.cumsum(lengths)
    values = [rng.integers(0, workload["buckets"], int(ends[-1])).tolist() for _ in keys]
    with open(path / "records.tfrecord", "wb") as file:
        for n, end in zip(lengths, ends, strict=True):
            rows_of = zip(keys, values, strict=True)
            file.write(
                framed(example([(key, "int64", ids[end - n : end]) for key, ids in rows_of]))
            )
    np.savez(path / "lengths.npz", lengths=lengths)
    return rng


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return (rng.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)


def sequence_keys(workload: dict[str, Any]) -> list[str]:
    """Keys of a SequenceFeatures workload, in order of name."""
    return [f"history_{i}" for i in range(workload["columns"])]


def make_sequence_features(workload: dict[str, Any], path: Path) -> None:
    keys = sequence_keys(workload)
    rng = make_histories(workload, path, keys, workload["rows"])
    shape = (workload["buckets"], workload["dimension"])
    np.savez(path / "tables.npz", **{key: draw_weights(rng, shape) for key in keys})


def cell_weights(
    rng: np.random.Generator, cell: str, width: int, hidden: int
) -> dict[str, np.ndarray]:
    """Keras's weights of a cell; a GRU with reset_after has two rows of biases."""
    units = GATES[cell] * hidden
    return {
        "kernel": draw_weights(rng, (width, units)),
        "recurrent_kernel": draw_weights(rng, (hidden, units)),
        "bias": draw_weights(rng, (2, units) if cell == "GRU" else (units,)),
    }


def make_rnn(workload: dict[str, Any], path: Path) -> None:
    rng = np.random.default_rng(workload["seed"])
    rows, steps, hidden = workload["rows"], workload["steps"], workload["hidden"]
    lengths = np.minimum(draw_lengths(rng, rows, workload["lengths"]), steps)
    lengths[0] = workload.get("longest", steps)
    x = rng.normal(size=(rows, steps, hidden)).astype(np.float32)
    x[np.arange(steps)[None, :] >= lengths[:, None]] = 0
    np.savez(
        path / "rnn.npz",
        x=x,
        lengths=lengths,
        grad=draw_weights(rng, (rows, hidden)),
        **cell_weights(rng, workload["cell"], hidden, hidden),
    )


def make_training_step(workload: dict[str, Any], path: Path) -> None:
    """Histories of ids with a label each, and the weights of a model over them."""
    rng = np.random.default_rng(workload["seed"])
    lengths = draw_lengths(rng, workload["rows"], workload["lengths"])
    hidden, dimension = workload["hidden"], workload["dimension"]
    np.savez(
        path / "arrays.npz",
        lengths=lengths,
        ids=rng.integers(0, workload["buckets"], int(lengths.sum())),
        row_splits=np.concatenate([[0], np.cumsum(lengths)]),
        labels=rng.integers(0, 2, workload["rows"]).astype(np.float32),
        table=draw_weights(rng, (workload["buckets"], dimension)),
        dense=draw_weights(rng, (hidden, 1)),
        **cell_weights(rng, "GRU", dimension, hidden),
    )


def padded_ids(arrays: Any) -> tuple[np.ndarray, np.ndarray]:
    """The histories of `make_training_step`, padded with 0, and what is real of them."""
    lengths = arrays["lengths"]
    mask = np.arange(lengths.max())[None, :] < lengths[:, None]
    ids = np.zeros(mask.shape, np.int64)
    ids[mask] = arrays["ids"]
    return ids, mask


def make_sparse_step(workload: dict[str, Any], path: Path) -> None:
    """Different ids, in any order, and the gradient of the row of each."""
    rng = np.random.default_rng(workload["seed"])
    ids = rng.choice(workload["buckets"], workload["ids"], replace=False)
    grad = rng.normal(size=(workload["ids"], workload["dimension"])).astype(np.float32)
    np.savez(path / "arrays.npz", ids=ids, grad=grad)


def make_indicator_rnn(workload: dict[str, Any], path: Path) -> None:
    rng = make_histories(workload, path, [workload["key"]], workload["rows"])
    np.savez(
        path / "weights.npz", **cell_weights(rng, "GRU", workload["buckets"], workload["hidden"])
    )


def make_end_to_end(workload: dict[str, Any], path: Path) -> None:
    rng = make_histories(workload, path, [workload["key"]], workload["records"])
    table = draw_weights(rng, (workload["buckets"], workload["dimension"]))
    cell = cell_weights(rng, "SimpleRNN", workload["dimension"], workload["hidden"])
    np.savez(path / "weights.npz", table=table, **cell)


def make_vocabulary(workload: dict[str, Any], path: Path) -> None:
    """Numbers that are entries, and batches of keys, a tenth of them out of vocabulary."""
    rng = np.random.default_rng(workload["seed"])
    entries = rng.permutation(workload["entries"]) * 7919 + 13
    keys = entries[rng.integers(0, len(entries), (workload["batches"], workload["batch"]))]
    np.savez(path / "keys.npz", entries=entries, keys=keys + (rng.random(keys.shape) < 0.1))


def vocabulary_values(workload: dict[str, Any], numbers: np.ndarray) -> Any:
    """The numbers as what the workload looks up."""
    return [b"item_%09d" % n for n in numbers.tolist()] if workload["strings"] else numbers


def make_vocabulary_build(workload: dict[str, Any], path: Path) -> None:
    rng = np.random.default_rng(workload["seed"])
    lengths = draw_lengths(rng, workload["records"], workload["lengths"])
    words = rng.zipf(1.2, int(lengths.sum())) % workload["words"]
    np.savez(path / "lengths.npz", lengths=lengths)
    with open(path / "records.tfrecord", "wb") as file:
        for row in np.split(words, np.cumsum(lengths)[:-1]):
            values = [b"item_%09d" % word for word in row.tolist()]
            file.write(framed(example([("words", "string", values)])))


def make_arrow(workload: dict[str, Any], path: Path) -> None:
    """The columns of a record batch, flat: `KEY`, and for lists `KEY.row_splits`."""
    rng = np.random.default_rng(workload["seed"])
    arrays = {}
    for key, group in feature_names(workload):
        n = workload["rows"]
        if "lengths" in group:
            lengths = draw_lengths(rng, n, group["lengths"])
            arrays[f"{key}.row_splits"] = np.concatenate([[0], np.cumsum(lengths)])
            n = int(lengths.sum())
        arrays[key] = np.asarray(draw_values(rng, n, group))
    np.savez(path / "columns.npz", **arrays)


def make_rows(workload: dict[str, Any], path: Path) -> None:
    """Rows of values, flat: `values`, and `others` of the same kind beside them for a cross."""
    rng = np.random.default_rng(workload["seed"])
    lengths = draw_lengths(rng, workload["rows"], workload["lengths"])
    n = int(lengths.sum())
    arrays = {
        name: np.asarray(draw_values(rng, n * workload.get("dimension", 1), workload))
        for name in ("values", "others")
    }
    if "dimension" in workload:
        arrays["values"] = arrays["values"].reshape(n, workload["dimension"])
    arrays["boundaries"] = np.sort(rng.normal(size=workload.get("boundaries", 0)))
    row_splits = np.concatenate([[0], np.cumsum(lengths)])
    np.savez(path / "rows.npz", lengths=lengths, row_splits=row_splits, **arrays)


MAKERS = {
    "vocabulary": make_vocabulary,
    "vocabulary_open": make_vocabulary,
    "vocabulary_build": make_vocabulary_build,
    "parse": make_parse,
    "parse_sequence": make_parse,
    "sequence_features": make_sequence_features,
    "rnn": make_rnn,
    "ids": make_rows,
    "padded": make_rows,
    "arrow": make_arrow,
    "rnn_backward": make_rnn,
    "training_step": make_training_step,
    "sparse_step": make_sparse_step,
    "indicator_rnn": make_indicator_rnn,
    "end_to_end": make_end_to_end,
}


COPIERS = {"read": copy_records, "dataset": copy_files}


def items(workload: dict[str, Any], path: Path) -> int:
    """What one run counts: records, bytes of a plain file or an output, real tokens, keys, or
    batches.
    """
    kind = workload["kind"]
    if kind in ("parse", "parse_sequence", "end_to_end"):
        return workload["records"]
    if kind == "vocabulary":
        return workload["batches"] * workload["batch"]
    if kind == "sparse_step":
        return workload["ids"]
    if kind in ("vocabulary_open", "arrow"):
        return 1
    if kind == "dataset":
        return workload["records"] * workload["repeat"] * workload["files"]
    if kind == "read":
        if not workload["gzip"]:
            return (path / "records.tfrecord").stat().st_size
        with gzip.open(path / "records.tfrecord.gz") as file:
            return file.seek(0, 2)
    if kind == "padded":
        with np.load(path / "rows.npz") as arrays:
            return (
                len(arrays["lengths"]) * int(arrays["lengths"].max()) * arrays["values"][0].nbytes
            )
    if kind == "training_step":
        return 1
    files = {"rnn": "rnn.npz", "rnn_backward": "rnn.npz", "ids": "rows.npz"}
    with np.load(path / files.get(kind, "lengths.npz")) as arrays:
        return int(arrays["lengths"].sum()) * workload.get("columns", 1)
