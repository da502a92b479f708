"""TensorFlow's way back: gradients, steps of training, optimizers over a large table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import inputs
import numpy as np
import tensorflow as tf

from peers import Case
from peers.tensorflow_peer import keras_rnn

NAMES = ("kernel", "recurrent_kernel", "bias")


def rnn_backward(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "rnn.npz")
    x, grad = tf.constant(arrays["x"]), tf.constant(arrays["grad"])
    mask = tf.sequence_mask(arrays["lengths"], workload["steps"])
    layer = keras_rnn(workload["cell"], arrays, workload["hidden"], workload["hidden"])
    weights = [w if isinstance(w, tf.Variable) else w.value for w in layer.trainable_weights]

    def both(x: Any, mask: Any, grad: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x, *weights])
            state = layer(x, mask=mask)
        return state, tape.gradient(state, [x, *weights], output_gradients=grad)

    def case(function: Callable[..., Any]) -> Case:
        def run() -> Any:
            state, grads = function(x, mask, grad)
            return state.numpy(), [g.numpy() for g in grads]

        def result() -> dict[str, np.ndarray]:
            state, grads = run()
            return {"state": state, "grad_x": grads[0], NAMES[0]: grads[1], NAMES[1]: grads[2]}

        return Case(run, result)

    return {
        "tf.function": case(tf.function(both)),
        "tf.function, XLA": case(tf.function(both, jit_compile=True)),
    }


def step(workload: dict[str, Any], path: Path) -> Callable[[], Any]:
    """Embedding-GRU-Dense, and a step of its training on one batch: a tf.function."""
    arrays = np.load(path / "arrays.npz")
    ids, mask = inputs.padded_ids(arrays)
    ids, mask, labels = tf.constant(ids), tf.constant(mask), tf.constant(arrays["labels"])
    embedding = tf.keras.layers.Embedding(workload["buckets"], workload["dimension"])
    embedding(ids)
    embedding.set_weights([arrays["table"]])
    gru = keras_rnn("GRU", arrays, workload["dimension"], workload["hidden"])
    dense = tf.keras.layers.Dense(1)
    dense(tf.zeros([1, workload["hidden"]]))
    dense.set_weights([arrays["dense"], np.zeros(1, np.float32)])
    weights = [w for layer in (embedding, gru, dense) for w in layer.trainable_weights]
    variables = [w if isinstance(w, tf.Variable) else w.value for w in weights]
    optimizer = tf.keras.optimizers.Adam()
    optimizer.build(weights)
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)

    @tf.function
    def train(ids: Any, mask: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(labels[:, None], dense(gru(embedding(ids), mask=mask)))
        grads = tape.gradient(value, variables)
        optimizer.apply_gradients(zip(grads, weights, strict=True))
        return value, grads[1]

    return lambda: [made.numpy() for made in train(ids, mask, labels)]


def training_step(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    if workload["lazy"]:
        return {}

    def result() -> dict[str, np.ndarray]:
        loss, grad = step(workload, path)()
        return {"loss": loss, "grad": grad}

    return {"tf.function": Case(step(workload, path), result)}


def sparse_step(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    if workload["optimizer"] == "adam":  # Keras's is not lazy
        return {}
    arrays = np.load(path / "arrays.npz")
    shape = (workload["buckets"], workload["dimension"])
    table = tf.Variable(tf.zeros(shape))
    ids, values = tf.constant(arrays["ids"]), tf.constant(arrays["grad"])
    optimizer = tf.keras.optimizers.get(workload["optimizer"])
    optimizer.build([table])

    @tf.function
    def apply(ids: Any, values: Any) -> None:
        slices = tf.IndexedSlices(values, ids, tf.constant(shape))
        optimizer.apply_gradients([(slices, table)])

    def result() -> dict[str, np.ndarray]:
        apply(ids, values)
        return {"rows": tf.gather(table, ids[: inputs.SHOWN_ROWS]).numpy()}

    return {"IndexedSlices": Case(lambda: apply(ids, values), result)}
