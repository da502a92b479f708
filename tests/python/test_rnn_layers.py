"""Cells and recurrent layers as Keras layers: base arguments, configs, copies, shapes, names."""

import copy
import json
import pickle

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import initializers, layers

X = np.random.RandomState(0).standard_normal((2, 3, 4)).astype(np.float32)
KINDS = ["SimpleRNNCell", "GRUCell", "LSTMCell", "SimpleRNN", "GRU", "LSTM"]


def make(kind, *args, **kwargs):
    return getattr(layers, kind)(*args, **kwargs)


def tens(shape, dtype):
    return np.full(shape, 10, dtype)


class Doubled(initializers.GlorotUniform):
    """Draws nothing else than its base."""


class Sevens(initializers.GlorotUniform):
    def __call__(self, shape, dtype=None):
        return np.full(shape, 7, dtype)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": (10, 4)}, (None, 10, 4)),
        ({"input_shape": [None, 4]}, (None, None, 4)),
        ({"input_shape": (10, 4), "batch_size": 2}, (2, 10, 4)),
        ({"batch_input_shape": (None, 10, np.int64(4))}, (None, 10, 4)),
        ({"input_dim": 4}, (None, None, 4)),
        ({"input_dim": 4, "input_length": 10}, (None, 10, 4)),
    ],
)
def test_input_shapes_build(arguments, shape):
    layer = layers.LSTM(3, **arguments)
    assert layer.batch_input_shape == shape
    assert layer.weights["kernel"].shape == (4, 12)
    config = json.loads(json.dumps(layer.get_config()))
    assert config["batch_input_shape"] == list(shape)
    assert layers.LSTM.from_config(config).get_config() == layer.get_config()


def test_other_base_arguments():
    layers.GRU(2, dynamic=False, autocast=True, enable_caching_device=False, weights=None)
    weights = layers.GRU(2, input_dim=4).get_weights()
    for arguments in ({}, {"input_dim": 4}):
        rnn = layers.RNN(layers.GRUCell(2), weights=weights, **arguments)
        np.testing.assert_array_equal(rnn.weights["kernel"], weights[0])
    cell = layers.GRUCell(2, input_dim=4)
    assert cell.batch_input_shape == (None, 4)
    assert layers.StackedRNNCells([cell, layers.GRUCell(3)], input_shape=(4,)).built
    with pytest.raises(ValueError, match=r"\(B, T, D\), but `input_shape` makes it \(None, 4\)"):
        layers.GRU(2, input_shape=(4,))
    with pytest.raises(ValueError, match="size of the inputs"):
        layers.GRU(2, input_shape=(4, None))
    with pytest.raises(ValueError, match="3 weights, got 1"):
        layers.GRU(2, weights=weights[:1])
    with pytest.raises(TypeError, match="GRU has no argument `units_`"):
        layers.GRU(2, units_=3)


def test_keras_call_form():
    gru, lstm = layers.GRU(3), layers.LSTM(3)
    h, c = X[:, 0, :3].copy(), X[:, 1, :3].copy()
    np.testing.assert_array_equal(gru([X, h]), gru(X, initial_state=h))
    np.testing.assert_array_equal(gru([X]), gru(X))
    np.testing.assert_array_equal(lstm([X, h, c]), lstm(X, initial_state=[h, c]))
    with pytest.raises(ValueError, match="both in 'inputs' and in 'initial_state'"):
        gru([X, h], initial_state=h)
    with pytest.raises(ValueError, match="2 tensors, .* has 1 states"):
        gru([X, h, c])


def test_a_pair_is_no_input():
    column = fc.sequence_categorical_column_with_identity("a", 5)
    pair = layers.SequenceFeatures(fc.indicator_column(column))({"a": [[1, 2], [3]]})
    for inputs in (pair, tuple(pair), [pair.data, pair.lengths]):
        with pytest.raises(ValueError, match=r"data, lengths = \.\.\..*lengths=lengths"):
            layers.GRU(3)(inputs)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"name": 3}, TypeError, "`name` must be a string, got 3"),
        ({"name": b"x"}, TypeError, "`name` must be a string"),
        ({"name": "\udc80"}, ValueError, "`name` is no valid Unicode"),
        ({"activation": "\udc80"}, ValueError, "unknown activation"),
        ({"recurrent_activation": "\ud800"}, ValueError, "unknown activation"),
        ({"kernel_initializer": "\udc80"}, ValueError, "`kernel_initializer`: unknown"),
        ({"dropout": "x"}, TypeError, "`dropout` must be a number, got 'x'"),
        ({"recurrent_dropout": None}, TypeError, "`recurrent_dropout` must be a number, got None"),
        ({"seed": 1.5}, TypeError, "`seed` must be an integer, got 1.5"),
        ({"seed": 2**70}, ValueError, "'seed' does not fit"),
        ({"units": 2**62}, ValueError, "`units`: expected a positive integer of at most 2.28"),
    ],
)
@pytest.mark.parametrize("kind", ["GRUCell", "LSTM"])
def test_arguments_are_named(kind, arguments, error, words):
    with pytest.raises(error, match=words) as raised:
        make(kind, **{"units": 3, **arguments})
    assert isinstance(raised.value, weft.errors.Error)


def test_too_many_units():
    with pytest.raises(ValueError, match="`units`"):
        layers.LSTM(2**62, use_bias=False)(np.ones((0, 1, 3), np.float32))
    with pytest.raises(MemoryError):
        layers.SimpleRNNCell(2**28, kernel_initializer="zeros").build((0,))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("initializer", [tens, Sevens(), Doubled(seed=3)])
def test_copies_keep_any_initializer(kind, initializer):
    made = make(kind, 3, kernel_initializer=initializer, dropout=0.5, name="a")
    made.build((None, None, 4))
    made.mark = 5
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert type(other) is type(made)
        assert (other.name, other.dropout, other.mark) == ("a", 0.5, 5)
        for a, b in zip(other.get_weights(), made.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        other.weights["kernel"][...] = 0
    assert made.weights["kernel"].any()
    unbuilt = pickle.loads(pickle.dumps(make(kind, 3, kernel_initializer=initializer)))
    assert not unbuilt.built


def test_copies_of_layers_of_cells():
    shared = layers.GRUCell(4, kernel_initializer=tens)
    rnn = layers.RNN([shared, shared, layers.LSTMCell(2)], stateful=True, trainable=False)
    rnn(X)
    other = copy.deepcopy(rnn)
    assert other.cell.cells[0] is other.cell.cells[1]
    np.testing.assert_array_equal(other(X)[0], rnn(X)[0])
    assert not other.trainable_weights


class Wide(layers.GRUCell):
    def __init__(self, extra):
        super().__init__(2 * extra)
        self.extra = extra


def test_copies_of_subclasses():
    made = Wide(2)
    made.build((4,))
    other = pickle.loads(pickle.dumps(made))
    assert (type(other), other.extra, other.units) == (Wide, 2, 4)


def test_shared_cells():
    cell = layers.GRUCell(4)
    rnn = layers.RNN([cell, cell])
    rnn(X)
    assert list(rnn.weights) == ["cell_0/kernel", "cell_0/recurrent_kernel", "cell_0/bias"]
    assert rnn.count_params() == cell.count_params()
    once = layers.GRU(4, return_sequences=True)
    once.build(X.shape)
    once.set_weights(rnn.get_weights())
    np.testing.assert_array_equal(rnn(X)[0], once(once(X))[:, -1])
    narrow = layers.GRUCell(3)
    with pytest.raises(ValueError, match="places 0 and 1 .* size 4 and 3: make two cells"):
        layers.RNN([narrow, narrow])(X)


def test_a_stack_is_a_cell():
    stack = layers.StackedRNNCells([layers.GRUCell(2), layers.LSTMCell(3)])
    states = stack.get_initial_state(batch_size=2)
    assert [states[0].shape, *(s.shape for s in states[1])] == [(2, 2), (2, 3), (2, 3)]
    outputs, last = layers.RNN(stack, return_sequences=True)(X)
    for t in range(3):
        output, states = stack(X[:, t].copy(), states)
        np.testing.assert_array_equal(output, outputs[:, t])
    assert isinstance(states, tuple)
    np.testing.assert_array_equal(states[1][1], last[1][1])
    with pytest.raises(ValueError, match="2 tensors, 'stacked.*' has 3 states"):
        stack(X[:, 0].copy(), states[1])


def test_a_cell_takes_one_step():
    cell = layers.GRUCell(3)
    with pytest.raises(ValueError, match=r"one step \[B, D\], got shape \[2, 3, 4\]"):
        cell(X, cell.get_initial_state(batch_size=2))
    with pytest.raises(ValueError, match=r"one step \[B, D\], got a list"):
        cell([[1.0], [1.0, 2.0]], cell.get_initial_state(batch_size=2))


def test_initial_states():
    cell = layers.LSTMCell(3, dtype="float64")
    h, c = cell.get_initial_state(X)
    assert (h.shape, c.dtype) == ((2, 3), np.float64)
    assert cell.get_initial_state(batch_size=0, dtype="float32")[0].dtype == np.float32
    gru = layers.RNN(layers.GRUCell(3), time_major=True)
    assert [s.shape for s in gru.get_initial_state(X)] == [(3, 3)]
    stack = layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)])
    np.testing.assert_array_equal(
        stack(X, initial_state=stack.get_initial_state(X))[0], stack(X)[0]
    )
    with pytest.raises(ValueError, match="`inputs` or `batch_size`"):
        cell.get_initial_state()
    with pytest.raises(TypeError, match="`batch_size` must be an integer"):
        cell.get_initial_state(batch_size=2.0)


@pytest.mark.parametrize(
    ("layer", "shape", "want"),
    [
        (layers.GRU(3), (5, None, 4), (5, 3)),
        (layers.LSTM(3, return_state=True), (None, 6, 4), [(None, 3)] * 3),
        (layers.LSTM(3, return_sequences=True, time_major=True), (5, 6, 4), (5, 6, 3)),
        (layers.SimpleRNN(3, time_major=True), (5, 6, 4), (6, 3)),
        (
            layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)], return_sequences=True),
            (5, 6, 4),
            [(5, 6, 3), (5, 2), (5, 3), (5, 3)],
        ),
    ],
)
def test_output_shapes(layer, shape, want):
    """As Keras's compute_output_shape."""
    assert layer.compute_output_shape(shape) == want


def test_trainable_weights():
    cells = [layers.GRUCell(2), layers.LSTMCell(3, trainable=False)]
    rnn = layers.RNN(cells)
    rnn.build(X.shape)
    names = ["kernel", "recurrent_kernel", "bias"]
    assert list(rnn.trainable_weights) == [f"cell_0/{n}" for n in names]
    assert list(rnn.non_trainable_weights) == [f"cell_1/{n}" for n in names]
    fixed = layers.GRU(2, trainable=False, input_dim=4)
    assert not fixed.trainable_weights
    assert list(fixed.non_trainable_weights) == names
    assert (rnn.output_size, fixed.output_size) == (3, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_configs_are_json(kind):
    made = make(
        kind,
        np.int32(3),
        seed=np.int64(1),
        dropout=np.float32(0.5),
        use_bias=np.bool_(True),
        kernel_initializer=initializers.RandomNormal(np.float64(1), seed=np.int64(2)),
    )
    config = json.loads(json.dumps(made.get_config()))
    assert type(made).from_config(config).get_config() == made.get_config()


def test_stack_configs_as_keras():
    stack = layers.StackedRNNCells([layers.GRUCell(2, dtype="float64")], trainable=False)
    assert list(stack.get_config()) == ["name", "trainable", "dtype", "cells"]
    config = layers.RNN(stack).get_config()
    assert config["dtype"] == "float64"
    again = layers.RNN.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert not again.cell.trainable
    for bad in ({"cell": 3}, {"cell": {"class_name": "GRUCell"}}):
        with pytest.raises(TypeError, match="class_name and config"):
            layers.RNN.from_config(bad)
