"""Whole runs of training follow Keras 2.15's losses (tests/oracle/make_training.py)."""

import golden
import numpy as np
import pytest
import training_runs
import weft
from training_runs import DIMENSION, RUNS, UNITS, VOCABULARY

LOSSES = {case["name"]: golden.array(case["losses"]) for case in golden.cases("training.json")}


def make_layers(run, dtype):
    """The feature layer, the recurrent layers and the head."""
    column = weft.feature_column.sequence_categorical_column_with_identity("ids", VOCABULARY)
    table = weft.feature_column.embedding_column(column, DIMENSION)
    made = getattr(weft.layers, run.layer)
    layers = [
        weft.layers.SequenceFeatures([table], dtype=dtype),
        *(
            made(UNITS, return_sequences=i + 1 < run.layers, dtype=dtype, **run.kwargs)
            for i in range(run.layers)
        ),
        weft.layers.Dense(1, dtype=dtype),
    ]
    for layer, size in zip(layers[1:], [DIMENSION, *[UNITS] * run.layers], strict=True):
        layer.build((None, None, size))
    shapes = [w.shape for layer in layers for w in layer.weights.values()]
    weights = iter(training_runs.first_weights(shapes))
    for layer in layers:
        layer.set_weights([next(weights).astype(dtype) for _ in layer.weights])
    return layers


def train(run, dtype):
    """The loss of each step."""
    layers = make_layers(run, dtype)
    features, recurrent, head = layers[0], layers[1:-1], layers[-1]
    optimizer = golden.Builder(weft.optimizers, weft.as_dtype, {})(run.optimizer)
    loss = weft.losses.BinaryCrossentropy(from_logits=True)
    losses = []
    for rows, labels in training_runs.batches():
        (x, lengths), back = features.vjp({"ids": weft.ragged.constant(rows, dtype=weft.int64)})
        mask, pullbacks = weft.sequence_mask(lengths, x.shape[1]), []
        for layer in recurrent:
            x, pullback = layer.vjp(x, mask=mask)
            pullbacks.append(pullback)
        logits, pullback = head.vjp(x)
        pullbacks.append(pullback)
        value, gradient = loss.value_and_grad(labels, logits)
        losses.append(value)
        grads = []
        for pullback in reversed(pullbacks):
            (gradient,), own = pullback(gradient)
            grads.append(own)
        grads.append(back(gradient, None)[1])
        optimizer.apply(layers, grads[::-1])
    return np.array(losses)


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-5), ("float64", 1e-11)])
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_losses(run, dtype, error):
    """Gradients of the table are IndexedSlices here and in Keras, and move the whole table."""
    assert np.abs(train(run, dtype) - LOSSES[run.name]).max() < error
