"""weft's way back: gradients, steps of training, optimizers over a large table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import inputs
import numpy as np
import weft

from peers import Case
from peers.weft_peer import weft_rnn

NAMES = ("kernel", "recurrent_kernel", "bias")


def rnn_backward(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "rnn.npz")
    x, lengths, grad = arrays["x"], arrays["lengths"], arrays["grad"]
    mask = weft.sequence_mask(lengths, workload["steps"])
    layer = weft_rnn(workload["cell"], arrays, workload["hidden"], workload["hidden"])

    def run() -> Any:
        state, pullback = layer.vjp(x, mask=mask)
        return state, *pullback(grad)

    def result() -> dict[str, np.ndarray]:
        state, (grad_x,), grads = run()
        return {"state": state, "grad_x": grad_x, **{name: grads[name] for name in NAMES[:2]}}

    return {"vjp": Case(run, result)}


class Step:
    """Embedding-GRU-Dense, and a step of its training on one batch."""

    def __init__(self, workload: dict[str, Any], path: Path):
        fc, arrays = weft.feature_column, np.load(path / "arrays.npz")
        ids = fc.sequence_categorical_column_with_identity("history", workload["buckets"])
        table = fc.embedding_column(ids, workload["dimension"])
        self.features_layer = weft.layers.SequenceFeatures([table])
        self.features_layer.set_weights([arrays["table"]])
        self.gru = weft_rnn("GRU", arrays, workload["dimension"], workload["hidden"])
        self.dense = weft.layers.Dense(1)
        self.dense.build((None, workload["hidden"]))
        self.dense.set_weights([arrays["dense"], np.zeros(1, np.float32)])
        self.layers = [self.features_layer, self.gru, self.dense]
        self.loss = weft.losses.BinaryCrossentropy(from_logits=True)
        self.optimizer = weft.optimizers.Adam(lazy=workload["lazy"])
        self.features = {
            "history": weft.Ragged.from_row_splits(arrays["ids"], arrays["row_splits"])
        }
        self.labels = arrays["labels"]

    def __call__(self) -> tuple[float, Any]:
        pair, features_back = self.features_layer.vjp(self.features)
        state, gru_back = self.gru.vjp(pair.data, mask=pair.mask)
        logits, dense_back = self.dense.vjp(state)
        loss, grad = self.loss.value_and_grad(self.labels, logits)
        (grad,), dense_grads = dense_back(grad)
        (grad,), gru_grads = gru_back(grad)
        _, table_grads = features_back(grad)
        self.optimizer.apply(self.layers, [table_grads, gru_grads, dense_grads])
        return loss, gru_grads["kernel"]


def training_step(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    def result() -> dict[str, np.ndarray]:
        loss, grad = Step(workload, path)()
        return {"loss": np.float32(loss), "grad": grad}

    return {"vjp and apply": Case(Step(workload, path), result)}


def sparse_step(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "arrays.npz")
    ids, grad = arrays["ids"], arrays["grad"]
    fc = weft.feature_column
    column = fc.embedding_column(
        fc.categorical_column_with_identity("id", workload["buckets"]),
        workload["dimension"],
        initializer=weft.initializers.Zeros(),
    )
    layer = weft.layers.DenseFeatures([column])
    ((name, table),) = layer.weights.items()
    optimizer = weft.optimizers.get(workload["optimizer"]).get_config() | {"lazy": True}
    optimizer = type(weft.optimizers.get(workload["optimizer"])).from_config(optimizer)

    def run() -> None:
        optimizer.apply(layer, {name: weft.lookup_backward(table, ids, grad)})

    def result() -> dict[str, np.ndarray]:
        run()
        return {"rows": table[ids[: inputs.SHOWN_ROWS]]}

    return {"lookup_backward and apply": Case(run, result)}
