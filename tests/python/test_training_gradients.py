"""Gradients of whole models by differences, in double precision.

Feature layer, recurrent layers, Dense, loss: over masks with holes, empty rows, rows masked
throughout and steps of several ids, some of them twice.
"""

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import layers, losses

H = 1e-6
FEATURES = {
    # Rows of steps of ids: the second has no steps, two steps have no ids.
    "items": weft.ragged.constant(
        [[[3, 1, 3], [0]], [], [[5], [], [2, 2, 2, 1], [6]], [[], [4, 4]], [[1], [3], [5]]],
        dtype=weft.int64,
    ),
    "shop": weft.ragged.constant([[2, 0], [], [1, 1, 2, 0], [2, 2], [0, 1, 2]], dtype=weft.int64),
    "price": weft.ragged.constant(
        [[0.5, -1.0], [], [0.3, 0.1, -0.7, 1.2], [0.4, 0.9], [-0.2, 0.8, 0.6]], dtype=weft.float64
    ),
}
ROWS, LONGEST = 5, 4
HOLES = np.array(
    [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool
)  # the fourth has a hole first, the last is masked throughout
MASKS = {"lengths": None, "holes": HOLES, "nothing": np.zeros_like(HOLES)}


def columns(combiner):
    """An embedding of bags of ids, one of single ids, an indicator and a number."""
    items = fc.sequence_categorical_column_with_identity("items", 7)
    shop = fc.sequence_categorical_column_with_identity("shop", 3)
    return [
        fc.embedding_column(items, 3, combiner=combiner),
        fc.embedding_column(shop, 2),
        fc.indicator_column(shop),
        fc.sequence_numeric_column("price", dtype=weft.float64),
    ]


def cell(kind, units):
    kwargs = {"reset_after": False} if kind == "before" else {}
    made = {"simple": layers.SimpleRNNCell, "lstm": layers.LSTMCell}.get(kind, layers.GRUCell)
    return made(units, dtype="float64", **kwargs)


STACKS = {
    "gru": lambda: [layers.GRU(4, dtype="float64")],
    "gru_before": lambda: [layers.GRU(4, reset_after=False, dtype="float64")],
    "lstm": lambda: [layers.LSTM(4, dtype="float64")],
    "simple": lambda: [layers.SimpleRNN(4, dtype="float64")],
    "two_layers": lambda: [
        layers.GRU(3, return_sequences=True, go_backwards=True, dtype="float64"),
        layers.LSTM(4, dtype="float64"),
    ],
    "zeros_between": lambda: [
        layers.LSTM(3, return_sequences=True, zero_output_for_mask=True, dtype="float64"),
        layers.SimpleRNN(4, activation="softsign", dtype="float64"),
    ],
    "cells": lambda: [
        layers.RNN([cell(k, n) for k, n in (("gru", 3), ("lstm", 2), ("before", 4))]),
    ],
    "both_ways_pooled": lambda: [
        layers.Bidirectional(layers.GRU(3, return_sequences=True, dtype="float64")),
        layers.Pooling("mean", dtype="float64"),
    ],
    "dropout": lambda: [
        layers.LSTM(3, dropout=0.3, return_sequences=True, dtype="float64"),
        layers.GRU(4, dropout=0.2, recurrent_dropout=0.4, dtype="float64"),
    ],
}


class Model:
    """Layers after one another, with a loss at their end."""

    def __init__(self, stack, loss, outputs, mask, combiner="mean"):
        self.features = layers.SequenceFeatures(columns(combiner), seed=1, dtype="float64")
        self.recurrent = STACKS[stack]()
        self.dense = [
            layers.Dense(3, activation="tanh", dtype="float64"),
            layers.Dense(outputs, dtype="float64"),
        ]
        self.layers = [self.features, *self.recurrent, *self.dense]
        self.given, self.loss = mask, loss
        self.training = {"training": True, "step": 3} if stack == "dropout" else {}
        rng = np.random.default_rng(5)
        if isinstance(loss, losses.SparseCategoricalCrossentropy):
            self.labels = rng.integers(0, outputs, ROWS)
        else:
            self.labels = rng.uniform(size=(ROWS, outputs))
        self.sample_weight = rng.uniform(0.2, 2, ROWS)
        self.value()
        for layer in self.layers:
            for weight in layer.weights.values():
                weight += rng.standard_normal(weight.shape) * 0.3

    def mask(self, data, lengths):
        return weft.sequence_mask(lengths, data.shape[1]) if self.given is None else self.given

    def value(self):
        data, lengths = self.features(FEATURES)
        x, mask = data, self.mask(data, lengths)
        for layer in self.recurrent:
            x = layer(x, mask=mask, **self.training)
            x = x[0] if isinstance(x, tuple) else x
        for layer in self.dense:
            x = layer(x)
        return self.loss(self.labels, x, sample_weight=self.sample_weight)

    def gradients(self):
        """The loss, the gradient of prices, and those of each layer's weights."""
        (data, lengths), first = self.features.vjp(FEATURES)
        x, mask, pullbacks = data, self.mask(data, lengths), [first]
        for layer in self.recurrent:
            x, pullback = layer.vjp(x, mask=mask, **self.training)
            x = x[0] if isinstance(x, tuple) else x
            pullbacks.append(pullback)
        for layer in self.dense:
            x, pullback = layer.vjp(x)
            pullbacks.append(pullback)
        value, gradient = self.loss.value_and_grad(self.labels, x, sample_weight=self.sample_weight)
        grads = []
        for pullback in pullbacks[:0:-1]:
            (gradient,), own = pullback(gradient)
            grads.append(own)
        (of_features,), own = first(gradient, None)
        grads.append(own)
        return value, of_features["price"].flat_values, grads[::-1]


def dense(gradient):
    return gradient.to_dense() if isinstance(gradient, weft.IndexedSlices) else gradient


def assert_differences(model, array, got):
    """`got` is how the loss changes with each element of the array, which the model reads."""
    assert got.shape == array.shape and got.dtype == array.dtype
    for place in np.ndindex(array.shape):
        before = array[place]
        array[place] = before + H
        above = model.value()
        array[place] = before - H
        below = model.value()
        array[place] = before
        assert abs(got[place] - (above - below) / (2 * H)) < 1e-7, place


def check(model):
    value, of_prices, grads = model.gradients()
    assert value == model.value()
    for layer, own in zip(model.layers, grads, strict=True):
        assert own.keys() == layer.weights.keys()
        for name, weight in layer.weights.items():
            assert_differences(model, weight, dense(own[name]))
    assert_differences(model, FEATURES["price"].flat_values, of_prices)


BINARY = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("stack", STACKS)
def test_recurrent_layers_and_masks(stack, mask):
    check(Model(stack, BINARY, 1, MASKS[mask]))


@pytest.mark.parametrize("combiner", ["mean", "sum", "sqrtn"])
@pytest.mark.parametrize(
    ("loss", "outputs"),
    [
        (losses.SparseCategoricalCrossentropy(from_logits=True), 4),
        (losses.CategoricalCrossentropy(from_logits=True, reduction="sum"), 3),
        (losses.MeanSquaredError(), 2),
    ],
    ids=lambda x: getattr(x, "name", x),
)
def test_losses_and_combiners(loss, outputs, combiner):
    check(Model("gru", loss, outputs, None, combiner))


def test_slices_have_each_row_once_and_only_what_was_met():
    model = Model("gru", BINARY, 1, None)
    tables = {name: g for name, g in model.gradients()[2][0].items() if "embedding" in name}
    assert [type(g) for g in tables.values()] == [weft.IndexedSlices] * 2
    assert [g.ids.tolist() for g in tables.values()] == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2]]
