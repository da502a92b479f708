"""PyTorch with packed and padded sequences, and the `tfrecord` package to read files for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tfrecord import reader
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from peers import Case, column, record_batch, strings

DISTRIBUTIONS = ["torch", "tfrecord", "fbgemm_gpu-cpu", "numpy"]
# Keras's order of gates -> torch's: GRU z r h -> r z n; LSTM i f c o is torch's i f g o.
GATE_ORDER = {"SimpleRNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 1, 2, 3]}
MODULES = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}


def set_threads(threads: int) -> None:
    torch.set_num_threads(threads)


def read(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    file = str(path / ("records.tfrecord.gz" if workload["gzip"] else "records.tfrecord"))
    compression = "gzip" if workload["gzip"] else None

    def batches() -> Any:
        batch = []
        for record in reader.tfrecord_iterator(file, compression_type=compression):
            batch.append(bytes(record))
            if len(batch) == workload["batch"]:
                yield batch
                batch = []
        if batch:
            yield batch

    def run() -> None:
        for _ in batches():
            pass

    return {"tfrecord package": Case(run, lambda: strings(r for batch in batches() for r in batch))}


def ids(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    if workload["column"] != "bucketize":
        return {}
    with np.load(path / "rows.npz") as arrays:
        values = torch.from_numpy(arrays["values"])
        boundaries = torch.from_numpy(arrays["boundaries"].astype(np.float32))

    def run() -> torch.Tensor:
        return torch.bucketize(values, boundaries, right=True)

    return {"torch.bucketize": Case(run, lambda: {"ids": run().numpy()})}


def padded(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    with np.load(path / "rows.npz") as arrays:
        values = torch.from_numpy(arrays["values"])
        row_splits = torch.from_numpy(arrays["row_splits"])
        longest = int(arrays["lengths"].max())

    def case(run: Callable[[], torch.Tensor]) -> Case:
        return Case(run, lambda: {"padded": run().numpy()})

    floats = values.ndim == 2
    cases = {}
    if floats:
        pad = torch.ops.aten._jagged_to_padded_dense_forward
        cases["torch"] = case(lambda: pad(values, [row_splits], [longest], 0))
    try:  # where it is installed: each release is for one version of torch
        import fbgemm_gpu  # noqa: F401
    except (ImportError, OSError):
        return cases
    fbgemm = torch.ops.fbgemm
    cases["fbgemm"] = case(
        (lambda: fbgemm.jagged_to_padded_dense(values, [row_splits], [longest], 0))
        if floats
        else (lambda: fbgemm.jagged_1d_to_dense(values, row_splits, longest, 0))
    )
    return cases


def arrow(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    if any(group["dtype"] == "string" for group in workload["features"]):
        return {}
    batch = record_batch(path)

    def taken() -> dict[str, torch.Tensor]:
        return {
            key: torch.nested.nested_tensor_from_jagged(
                torch.from_numpy(array.values.to_numpy()),
                torch.from_numpy(array.offsets.to_numpy()),
            )
            for key, array in zip(batch.schema.names, batch.columns, strict=True)
        }

    def result() -> dict[str, np.ndarray]:
        out = {}
        for key, jagged in taken().items():
            out |= column(key, jagged.values().numpy(), jagged.offsets().diff().numpy())
        return out

    return {"nested_tensor_from_jagged": Case(taken, result)}


def torch_rnn(cell: str, weights: Any, width: int, hidden: int) -> torch.nn.Module:
    """Torch's module with Keras's weights."""
    order = GATE_ORDER[cell]

    def gates(array: np.ndarray) -> torch.Tensor:
        parts = np.split(array, len(order), axis=-1)
        return torch.from_numpy(np.concatenate([parts[i] for i in order], axis=-1).T.copy())

    module = MODULES[cell](width, hidden, batch_first=True)
    bias = weights["bias"]
    both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    with torch.no_grad():
        module.weight_ih_l0.copy_(gates(weights["kernel"]))
        module.weight_hh_l0.copy_(gates(weights["recurrent_kernel"]))
        module.bias_ih_l0.copy_(gates(both[0]))
        module.bias_hh_l0.copy_(gates(both[1]))
    return module.eval()


def last_state(state: Any) -> torch.Tensor:
    return (state[0] if isinstance(state, tuple) else state)[0]


def last_outputs(
    module: torch.nn.Module, x: torch.Tensor, lengths: torch.Tensor, packed: bool
) -> torch.Tensor:
    """The state after each row's last step: of packed rows, or of all padded steps."""
    if packed:
        rows = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return last_state(module(rows)[1])
    outputs, _ = module(x)
    return outputs[torch.arange(len(x)), lengths - 1]


def rnn(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "rnn.npz")
    x, lengths = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["lengths"])
    module = torch_rnn(workload["cell"], arrays, workload["hidden"], workload["hidden"])

    def case(packed: bool) -> Case:
        @torch.inference_mode()
        def forward() -> torch.Tensor:
            return last_outputs(module, x, lengths, packed)

        return Case(forward, lambda: {"state": forward().numpy()})

    return {"packed": case(True), "padded": case(False)}


def end_to_end(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    file, key, size = str(path / "records.tfrecord"), workload["key"], workload["batch"]
    weights = np.load(path / "weights.npz")
    table = torch.from_numpy(weights["table"])
    module = torch_rnn("SimpleRNN", weights, workload["dimension"], workload["hidden"])

    @torch.inference_mode()
    def states(rows: list[np.ndarray]) -> torch.Tensor:
        embedded = table[torch.from_numpy(np.concatenate(rows))]
        packed = pack_sequence(list(embedded.split([len(r) for r in rows])), enforce_sorted=False)
        return last_state(module(packed)[1])

    def batches(found: Callable[[torch.Tensor], Any]) -> None:
        rows = []
        for record in reader.tfrecord_loader(file, None, {key: "int"}):
            rows.append(record[key])
            if len(rows) == size:
                found(states(rows))
                rows = []
        if rows:
            found(states(rows))

    def result() -> dict[str, np.ndarray]:
        parts: list[torch.Tensor] = []
        batches(parts.append)
        return {"state": torch.cat(parts).numpy()}

    return {"tfrecord package + packed": Case(lambda: batches(lambda _: None), result)}
