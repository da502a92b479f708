"""What all peers share: the form of a case, of its result, and what is installed."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Peer -> the modules that drive it, the first its own. Two TensorFlows, two environments.
MODULES = {
    "weft": ("peers.weft_peer", "peers.weft_training"),
    "tf2.15": ("peers.tensorflow_peer", "peers.tensorflow_training"),
    "tf2.21": ("peers.tensorflow_peer", "peers.tensorflow_training"),
    "torch": ("peers.torch_peer", "peers.torch_training"),
    "protobuf": ("peers.protobuf_peer",),
}
ENVIRONMENTS = {
    "weft": "bench",
    "tf2.15": "tf215",
    "tf2.21": "tf221",
    "torch": "bench",
    "protobuf": "bench",
}
FAMILY = {
    "weft": "weft",
    "tf2.15": "tensorflow",
    "tf2.21": "tensorflow",
    "torch": "torch",
    "protobuf": "protobuf",
}


class Case(NamedTuple):
    """One way to do a workload. `items`: what a run counts if it does less than all of it."""

    run: Callable[[], Any]
    result: Callable[[], dict[str, np.ndarray]]
    items: int | None = None


def batches(records: list[bytes], size: int) -> list[list[bytes]]:
    return [records[i : i + size] for i in range(0, len(records), size)]


def strings(values: Iterable[Any]) -> dict[str, np.ndarray]:
    """Byte strings as the arrays that results are made of."""
    values = [bytes(v) for v in values]
    data = np.frombuffer(b"".join(values), np.uint8)
    return {"bytes": data, "lengths": np.array([len(v) for v in values], np.int64)}


def column(key: str, values: Any, row_lengths: Any = None) -> dict[str, np.ndarray]:
    """A parsed feature as result arrays: flat values, and row lengths unless each row has one."""
    values = np.asarray(values)
    if values.dtype.kind in "OSU":
        out = {f"{key}.{part}": array for part, array in strings(values.ravel().tolist()).items()}
    else:
        out = {key: values.ravel()}
    if row_lengths is not None:
        out[f"{key}.row_lengths"] = np.asarray(row_lengths, np.int64)
    return out


def record_batch(path: Path) -> Any:
    """The record batch of an Arrow workload, as pyarrow makes it of a Parquet file."""
    import pyarrow

    with np.load(path / "columns.npz") as arrays:
        columns = {}
        for key in arrays:
            if key.endswith(".row_splits"):
                continue
            values = arrays[key].tolist() if arrays[key].dtype.kind == "S" else arrays[key]
            columns[key] = pyarrow.array(values)
            if f"{key}.row_splits" in arrays:
                offsets = pyarrow.array(arrays[f"{key}.row_splits"].astype(np.int32))
                columns[key] = pyarrow.ListArray.from_arrays(offsets, columns[key])
    return pyarrow.RecordBatch.from_pydict(columns)


def joined(results: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Results of several batches as one."""
    return {key: np.concatenate([result[key] for result in results]) for key in results[0]}


def unordered(results: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Results of several batches as one, the same in whatever order the rows come."""
    return {key: np.sort(values) for key, values in joined(results).items()}


def save_result(path: Path, result: dict[str, np.ndarray]) -> None:
    np.savez(path, **result)


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Installed versions; a source tree on the path has none."""
    found = {}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def closure(name: str, found: set[str]) -> None:
    """Adds a distribution and everything it needs, extras aside, to `found`."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in found:
        return
    try:
        needs = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return
    found.add(name)
    for need in needs:
        if "extra ==" not in need:
            closure(re.match(r"[A-Za-z0-9._-]+", need).group(), found)


def size(name: str) -> int:
    total = 0
    for file in importlib.metadata.files(name) or []:
        path = str(file.locate())
        total += os.path.getsize(path) if os.path.isfile(path) else 0
    return total


def installed_megabytes(distributions: list[str]) -> dict[str, float]:
    """Size on disk of the first distribution with its dependencies, and without numpy."""
    found: set[str] = set()
    closure(distributions[0], found)
    total = sum(map(size, found))
    beyond = total - (size("numpy") if "numpy" in found else 0)
    return {"with_dependencies": round(total / 1e6, 1), "beyond_numpy": round(beyond / 1e6, 1)}
