"""PyTorch's way back: gradients, steps of training, optimizers over a large table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import inputs
import numpy as np
import torch

from peers import Case
from peers.torch_peer import GATE_ORDER, last_outputs, torch_rnn


def keras_gates(cell: str, grad: torch.Tensor) -> np.ndarray:
    """The gradient of a torch weight in Keras's layout."""
    order = GATE_ORDER[cell]
    parts = np.split(grad.numpy().T, len(order), axis=-1)
    return np.concatenate([parts[order.index(i)] for i in range(len(order))], axis=-1)


def rnn_backward(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "rnn.npz")
    x, lengths = torch.from_numpy(arrays["x"]).requires_grad_(), torch.from_numpy(arrays["lengths"])
    grad = torch.from_numpy(arrays["grad"])
    module = torch_rnn(workload["cell"], arrays, workload["hidden"], workload["hidden"]).train()

    def case(packed: bool) -> Case:
        def run() -> torch.Tensor:
            x.grad = None
            module.zero_grad()
            state = last_outputs(module, x, lengths, packed)
            state.backward(grad)
            return state

        def result() -> dict[str, np.ndarray]:
            state = run()
            return {
                "state": state.detach().numpy(),
                "grad_x": x.grad.numpy(),
                "kernel": keras_gates(workload["cell"], module.weight_ih_l0.grad),
                "recurrent_kernel": keras_gates(workload["cell"], module.weight_hh_l0.grad),
            }

        return Case(run, result)

    return {"packed": case(True), "padded": case(False)}


def step(workload: dict[str, Any], path: Path, packed: bool) -> Callable[[], Any]:
    """Embedding-GRU-Linear, and a step of its training on one batch."""
    arrays, lazy = np.load(path / "arrays.npz"), workload["lazy"]
    ids, mask = map(torch.from_numpy, inputs.padded_ids(arrays))
    lengths, labels = mask.sum(1), torch.from_numpy(arrays["labels"])
    table = torch.from_numpy(arrays["table"])
    embedding = torch.nn.Embedding.from_pretrained(table.clone(), freeze=False, sparse=lazy)
    gru = torch_rnn("GRU", arrays, workload["dimension"], workload["hidden"]).train()
    dense = torch.nn.Linear(workload["hidden"], 1)
    with torch.no_grad():
        dense.weight.copy_(torch.from_numpy(arrays["dense"]).T)
        dense.bias.zero_()
    rest = [*gru.parameters(), *dense.parameters()]
    optimizers = (
        [torch.optim.SparseAdam(embedding.parameters(), eps=1e-7), torch.optim.Adam(rest, eps=1e-7)]
        if lazy
        else [torch.optim.Adam([*embedding.parameters(), *rest], eps=1e-7)]
    )
    loss_of = torch.nn.BCEWithLogitsLoss()

    def run() -> Any:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = loss_of(dense(last_outputs(gru, embedding(ids), lengths, packed))[:, 0], labels)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        return loss.item(), gru.weight_ih_l0.grad

    return run


def training_step(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    def case(packed: bool) -> Case:
        def result() -> dict[str, np.ndarray]:
            loss, grad = step(workload, path, packed)()
            return {"loss": np.float32(loss), "grad": keras_gates("GRU", grad)}

        return Case(step(workload, path, packed), result)

    return {"packed": case(True), "padded": case(False)}


def sparse_step(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "arrays.npz")
    ids, values = torch.from_numpy(arrays["ids"])[None], torch.from_numpy(arrays["grad"])
    shape = (workload["buckets"], workload["dimension"])
    table = torch.nn.Parameter(torch.zeros(shape))
    optimizer = {
        "sgd": lambda: torch.optim.SGD([table], 0.01),
        "adagrad": lambda: torch.optim.Adagrad(
            [table], 0.001, initial_accumulator_value=0.1, eps=1e-7
        ),
        "adam": lambda: torch.optim.SparseAdam([table], 0.001, eps=1e-7),
    }[workload["optimizer"]]()

    def run() -> None:
        table.grad = torch.sparse_coo_tensor(ids, values, shape, check_invariants=False)
        optimizer.step()

    def result() -> dict[str, np.ndarray]:
        run()
        return {"rows": table.detach()[ids[0, : inputs.SHOWN_ROWS]].numpy()}

    return {"sparse gradient": Case(run, result)}
