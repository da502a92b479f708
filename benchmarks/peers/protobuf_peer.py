"""Google's protobuf package (upb): Examples parsed in Python and gathered into numpy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import inputs
import numpy as np
from tfrecord import example_pb2
from wire import read_records

from peers import Case, batches, column, joined

DISTRIBUTIONS = ["protobuf", "numpy"]
FIELDS = {"int64": "int64_list", "float": "float_list", "string": "bytes_list"}
NUMPY = {"int64": np.int64, "float": np.float32, "string": object}


def set_threads(threads: int) -> None:
    """Python: one thread whatever is asked for."""


def parse(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    declared = [
        (key, FIELDS[g["dtype"]], NUMPY[g["dtype"]]) for key, g in inputs.feature_names(workload)
    ]
    ragged = {key for key, group in inputs.feature_names(workload) if "lengths" in group}
    serialized = batches(read_records(path / "records.tfrecord"), workload["batch"])

    def parse_batch(batch: list[bytes]) -> dict[str, tuple[np.ndarray, list[int]]]:
        rows = [example_pb2.Example.FromString(record).features.feature for record in batch]
        out = {}
        for key, field, dtype in declared:
            lists = [getattr(row[key], field).value for row in rows]
            lengths = [len(values) for values in lists]
            flat = [value for values in lists for value in values]
            out[key] = np.array(flat, dtype), lengths
        return out

    def run() -> None:
        for batch in serialized:
            parse_batch(batch)

    def result() -> dict[str, np.ndarray]:
        return joined([columns_of(parse_batch(batch)) for batch in serialized])

    def columns_of(parsed: dict[str, Any]) -> dict[str, np.ndarray]:
        out: dict[str, np.ndarray] = {}
        for key, (values, lengths) in parsed.items():
            out |= column(key, values, lengths if key in ragged else None)
        return out

    return {"FromString": Case(run, result)}
