"""Dropout in training: the cells', and the layer of that name."""

import pickle

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import layers

X = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32)
MAKERS = {
    "simple_rnn": layers.SimpleRNN,
    "gru": layers.GRU,
    "lstm": layers.LSTM,
}


def dropped(kind, **kwargs):
    return MAKERS[kind](6, **{"dropout": 0.4, "recurrent_dropout": 0.4, "name": "a", **kwargs})


@pytest.mark.parametrize("kind", MAKERS)
def test_the_step_decides(kind):
    layer, same = dropped(kind), dropped(kind)
    first, second = layer(X, training=True), layer(X, training=True)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(same(X, training=True, step=1), second)
    np.testing.assert_array_equal(same(X, training=True, step=np.int64(0)), first)
    np.testing.assert_array_equal(same(X, training=True), first)  # steps given are not counted
    np.testing.assert_array_equal(layer(X), same(X))
    outputs, _ = layer.vjp(X, training=True)
    np.testing.assert_array_equal(outputs, same(X, training=True, step=2))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(layer))(X, training=True), layer(X, training=True)
    )


def test_name_and_seed_decide():
    calls = [
        dropped("gru", **kwargs)(X, training=True)
        for kwargs in ({}, {"name": "b"}, {"seed": 1}, {"dropout": 0}, {"recurrent_dropout": 0})
    ]
    for other in calls[1:]:
        assert not np.array_equal(calls[0], other)


def test_without_rates_training_changes_nothing():
    layer = dropped("gru", dropout=0, recurrent_dropout=0)
    np.testing.assert_array_equal(layer(X, training=True), layer(X))


def test_a_cell_holds_its_masks_over_one_step_argument():
    cell = layers.LSTMCell(6, dropout=0.4, recurrent_dropout=0.4, name="a")
    states = cell.get_initial_state(batch_size=4)
    for x in X.transpose(1, 0, 2).copy():
        output, states = cell(x, states, training=True, step=7)
    expected = layers.RNN(cell, return_state=False)(X, training=True, step=7)
    np.testing.assert_allclose(output, expected, atol=1e-6)
    (stepped, _), _ = cell.vjp(x, states, training=True, step=7)
    np.testing.assert_array_equal(stepped, cell(x, states, training=True, step=7)[0])


def test_blocks_drop_as_their_array():
    items = fc.indicator_column(fc.sequence_categorical_column_with_identity("items", 50))
    features = {"items": [[3, 1, 4], [5], []]}
    wide = layers.SequenceFeatures([items])
    pair, blocks = wide(features), wide.blocks(features)
    for kwargs in ({"recurrent_dropout": 0}, {"implementation": 1}):
        gru = dropped("gru", **kwargs)
        np.testing.assert_array_equal(
            gru(blocks.data, mask=blocks.mask, training=True, step=0),
            gru(pair.data, mask=pair.mask, training=True, step=0),
        )


@pytest.mark.parametrize("place", ["dropout", "recurrent_dropout"])
def test_a_rate_of_one_cannot_train(place):
    """As in Keras."""
    gru = layers.GRU(2, **{place: 1.0})
    gru(X)
    with pytest.raises(ValueError, match=f"`{place}` of 'gru.*' is 1"):
        gru(X, training=True)


@pytest.mark.parametrize(("step", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError)])
def test_bad_steps(step, error):
    for layer in (dropped("gru"), layers.Dropout(0.5)):
        with pytest.raises(error, match="`step` must"):
            layer(X, training=True, step=step)


def test_dropout_layer():
    layer = layers.Dropout(0.25)
    out = layer(X, training=True, step=0)
    assert 0 < np.sum(out == 0) < X.size / 2
    np.testing.assert_allclose(out[out != 0], X[out != 0] / np.float32(0.75), rtol=1e-6)
    np.testing.assert_array_equal(layer(X, training=True), out)
    assert not np.array_equal(layer(X, training=True), out)
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layers.Dropout(0)(X, training=True), X)
    assert layer.get_weights() == [] and layer.built and layer.count_params() == 0


def test_dropout_layer_backwards():
    layer = layers.Dropout(0.25)
    for training in (True, False):
        out, pullback = layer.vjp(X, training=training, step=3 if training else None)
        np.testing.assert_array_equal(out, layer(X, training=training, step=3))
        (grad,), grads = pullback(np.ones_like(X))
        np.testing.assert_allclose(grad * X, out, rtol=1e-6)
        assert grads == {}
    with pytest.raises(ValueError, match=r"must have shape \(4, 3, 5\)"):
        pullback(X[0])


def test_noise_shape():
    out = layers.Dropout(0.5, noise_shape=(None, 1, 5))(X, training=True, step=1)
    kept = (out != 0).all(axis=1)
    assert np.array_equal(kept, (out != 0).any(axis=1)) and 0 < kept.sum() < kept.size
    with pytest.raises(ValueError, match="does not fit inputs"):
        layers.Dropout(0.5, noise_shape=(4, 2, 5))(X, training=True)


def test_dropout_config():
    layer = layers.Dropout(0.5, noise_shape=(None, 1, 5), seed=3, name="d", dtype="float64")
    config = layer.get_config()
    assert config == {
        "name": "d",
        "trainable": True,
        "dtype": "float64",
        "rate": 0.5,
        "noise_shape": (None, 1, 5),
        "seed": 3,
    }
    x = X.astype(np.float64)
    expected = layer(x, training=True, step=4)
    for other in (layers.Dropout.from_config(config), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(x, training=True, step=4), expected)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: layers.Dropout(1.5), ValueError),
        (lambda: layers.Dropout(float("nan")), ValueError),
        (lambda: layers.Dropout("x"), TypeError),
        (lambda: layers.Dropout(0.5, noise_shape=3), TypeError),
        (lambda: layers.Dropout(0.5, seed="x"), TypeError),
        (lambda: layers.Dropout(1.0)(X, training=True), ValueError),
        (lambda: layers.Dropout(0.5)(X.astype(np.float64), training=True), TypeError),
        (lambda: layers.Dropout(0.5)(None), TypeError),
        (lambda: layers.Dropout(0.5).set_weights([X]), ValueError),
    ],
)
def test_refused(call, error):
    with pytest.raises(error):
        call()


def test_sequential():
    items = fc.indicator_column(fc.categorical_column_with_identity("items", 9))
    features = {"items": [[3, 1, 4], [5], [2]]}
    first = layers.DenseFeatures([items])
    drop, head = layers.Dropout(0.5), layers.Dense(2)
    model = weft.Sequential([first, drop, head, layers.Dropout(0.5)])
    model.build()
    np.testing.assert_array_equal(model(features), head(first(features)))
    once = model(features, training=True)
    expected = head(drop(first(features), training=True, step=0))
    np.testing.assert_array_equal(once, model.layers[3](expected, training=True, step=0))
    np.testing.assert_array_equal(model(features, training=True, step=0), once)
    made = weft.Sequential.from_config(model.get_config())
    made.build()
    made.set_weights(model.get_weights())
    np.testing.assert_array_equal(made(features, training=True), once)
    recurrent = weft.Sequential([dropped("gru"), layers.Dropout(0.5), layers.Dense(1)])
    recurrent.build((None, None, 5))
    assert not np.array_equal(recurrent(X, training=True), recurrent(X, training=True))
