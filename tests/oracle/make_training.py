"""Makes training.json: the losses of whole runs of training in Keras 2.15.

The runs are those of tests/python/training_runs.py. "losses": one for each step, computed in
float64. "accuracy": how many of the last 100 batches' labels the model told before it learnt them.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from typing import Any

import golden
import numpy as np
import tensorflow as tf
import training_runs
from training_runs import DIMENSION, LONGEST, RUNS, UNITS, VOCABULARY, Run

BUILD = golden.Builder(tf.keras.optimizers, tf.as_dtype, {})
FLOAT32_ERROR = 1e-5  # how far Keras's own losses in float32 may be from those in float64


def padded(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ids as ids [B, T] and a mask [B, T]."""
    mask = np.arange(LONGEST) < np.array([len(row) for row in rows])[:, None]
    ids = np.zeros(mask.shape, np.int64)
    ids[mask] = [id for row in rows for id in row]
    return ids, mask


def train(run: Run, dtype: str) -> tuple[np.ndarray, float]:
    """The losses of all steps, and the share of right answers in the last 100."""
    tf.keras.backend.set_floatx(dtype)
    tf.keras.backend.clear_session()
    table = tf.keras.layers.Embedding(VOCABULARY, DIMENSION)
    table.build((None, None))
    recurrent = [
        getattr(tf.keras.layers, run.layer)(
            UNITS, return_sequences=i + 1 < run.layers, **run.kwargs
        )
        for i in range(run.layers)
    ]
    for i, layer in enumerate(recurrent):
        layer.build((None, None, UNITS if i else DIMENSION))
    head = tf.keras.layers.Dense(1)
    head.build((None, UNITS))
    weights = [w for layer in (table, *recurrent, head) for w in layer.trainable_weights]
    first = training_runs.first_weights([tuple(w.shape) for w in weights])
    for weight, value in zip(weights, first, strict=True):
        weight.assign(value.astype(dtype))
    optimizer = golden_io.optimizer(BUILD, run.optimizer, dtype)
    optimizer.build(weights)
    loss_of = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def step(ids: Any, mask: Any, labels: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            x = table(ids)
            for layer in recurrent:
                x = layer(x, mask=mask)
            logits = head(x)
            loss = loss_of(labels, logits)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss, logits

    losses, right = [], []
    for rows, labels in training_runs.batches():
        loss, logits = step(*map(tf.constant, (*padded(rows), labels.astype(dtype))))
        losses.append(loss.numpy())
        right.append(np.mean((logits.numpy() > 0) == labels))
    return np.array(losses), float(np.mean(right[-100:]))


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    cases = []
    for run in RUNS:
        losses, accuracy = train(run, "float64")
        error = np.max(np.abs(losses - train(run, "float32")[0]))
        if not error < FLOAT32_ERROR:
            raise ValueError(f"{run.name}: float32 leaves the losses by {error}")
        cases.append({"name": run.name, "losses": golden_io.array(losses), "accuracy": accuracy})
    golden_io.write(out / "training.json", "Losses of runs of training.", cases)


if __name__ == "__main__":
    main()
