"""Cells and recurrent layers as Python objects; the numbers are in test_golden_rnn.py."""

import copy
import pickle

import numpy as np
import pytest
import weft
from weft import layers

X = np.random.RandomState(0).standard_normal((4, 6, 5)).astype(np.float32)
LENGTHS = np.array([6, 0, 3, 1])
MASK = np.arange(6) < LENGTHS[:, None]


def make(kind, *args, **kwargs):
    return getattr(layers, kind)(*args, **kwargs)


CELLS = ["SimpleRNNCell", "GRUCell", "LSTMCell"]
LAYERS = ["SimpleRNN", "GRU", "LSTM"]


def test_the_documented_lines():
    rnn_cell = weft.layers.SimpleRNNCell(3)
    rnn_layer = weft.layers.RNN(rnn_cell)
    outputs, state = rnn_layer(X, mask=MASK)
    assert outputs.shape == state.shape == (4, 3)
    np.testing.assert_array_equal(outputs, state)
    assert not outputs[1].any()


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("sequences", [False, True])
def test_rnn_returns_a_pair(kind, sequences):
    rnn = layers.RNN(make(kind, 3), return_sequences=sequences)
    outputs, state = rnn(X, mask=MASK)
    assert outputs.shape == ((4, 6, 3) if sequences else (4, 3))
    states = state if kind == "LSTMCell" else [state]
    assert [s.shape for s in states] == [(4, 3)] * len(states)
    for array in [outputs, *states]:
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous
        assert array.ctypes.data % 64 == 0
        assert array.dtype == np.float32
    by_lengths, _ = rnn(X, lengths=LENGTHS)
    np.testing.assert_array_equal(by_lengths, outputs)
    alone = layers.RNN(rnn.cell, return_sequences=sequences, return_state=False)(X, mask=MASK)
    np.testing.assert_array_equal(alone, outputs)


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_return_as_keras(kind):
    assert make(kind, 3)(X).shape == (4, 3)
    outputs, *states = make(kind, 3, return_state=True, return_sequences=True)(X)
    assert outputs.shape == (4, 6, 3)
    assert [s.shape for s in states] == [(4, 3)] * (2 if kind == "LSTM" else 1)


def test_stacked_states_nest():
    rnn = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3), layers.LSTMCell(4)])
    outputs, state = rnn(X, mask=MASK)
    assert outputs.shape == (4, 4)
    (h0, c0), h1, (h2, c2) = state
    assert [a.shape[1] for a in (h0, c0, h1, h2, c2)] == [2, 2, 3, 4, 4]
    assert rnn.state_size == ([2, 2], 3, [4, 4])
    again, _ = rnn(X, mask=MASK, initial_state=state)
    assert not np.array_equal(again, outputs)
    names = list(rnn.weights)
    assert names[:2] == ["cell_0/kernel", "cell_0/recurrent_kernel"]
    assert len(names) == 9


def test_weights_are_the_memory_itself():
    gru = layers.GRU(3)
    assert dict(gru.weights) == {}
    gru.build((None, None, 5))
    assert [w.shape for w in gru.get_weights()] == [(5, 9), (3, 9), (2, 9)]
    for w in gru.weights.values():
        w[...] = 0
    assert not gru(X).any()
    with pytest.raises(TypeError):
        gru.weights["kernel"] = np.zeros((5, 9), np.float32)
    new = [np.full(w.shape, 0.1, np.float32) for w in gru.get_weights()]
    gru.set_weights(new)
    assert gru.weights["kernel"][0, 0] == np.float32(0.1)
    assert gru.cell.weights["kernel"] is not new[0]


def test_set_weights_refuses():
    rnn = layers.SimpleRNN(3)
    with pytest.raises(ValueError, match="no weights yet"):
        rnn.set_weights([])
    rnn.build((None, None, 5))
    good = rnn.get_weights()
    with pytest.raises(ValueError, match="3 weights, got 2"):
        rnn.set_weights(good[:2])
    with pytest.raises(ValueError, match=r"'kernel' has shape \[5, 3\], got \[5, 4\]"):
        rnn.set_weights([np.zeros((5, 4), np.float32), *good[1:]])
    with pytest.raises(TypeError, match="kernel.*float64"):
        rnn.set_weights([good[0].astype(np.float64), *good[1:]])
    with pytest.raises(TypeError, match="list of arrays"):
        rnn.set_weights(3)
    np.testing.assert_array_equal(rnn.weights["kernel"], good[0])


def test_seeds_and_names_decide_the_weights():
    def kernel(**kwargs):
        cell = layers.LSTMCell(3, **kwargs)
        cell.build((5,))
        return cell.weights["kernel"]

    np.testing.assert_array_equal(kernel(name="a", seed=1), kernel(name="a", seed=1))
    assert not np.array_equal(kernel(name="a", seed=1), kernel(name="a", seed=2))
    assert not np.array_equal(kernel(), kernel())  # named lstm_cell_N
    seeded = weft.initializers.GlorotUniform(seed=5)
    np.testing.assert_array_equal(
        kernel(name="a", seed=1, kernel_initializer=seeded),
        kernel(name="a", seed=2, kernel_initializer=seeded),
    )


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_is_one_step(kind):
    cell = make(kind, 3)
    rnn = layers.RNN(cell, return_sequences=True)
    outputs, _ = rnn(X)
    states = cell.get_initial_state(batch_size=4)
    for t in range(6):
        output, states = cell(X[:, t].copy(), states)
        np.testing.assert_array_equal(output, outputs[:, t])


def test_stateful():
    rnn = layers.GRU(3, stateful=True)
    whole = layers.RNN(rnn.cell, return_state=False)(X)
    rnn(X[:, :2].copy())
    np.testing.assert_array_equal(rnn(X[:, 2:].copy()), whole)
    rnn.reset_states()
    np.testing.assert_array_equal(rnn(X), whole)


def test_float64():
    rnn = layers.LSTM(3, dtype="float64", return_sequences=True)
    outputs = rnn(X.astype(np.float64), mask=MASK)
    assert outputs.dtype == np.float64
    narrow = layers.LSTM(3, return_sequences=True)
    narrow.build(X.shape)
    narrow.set_weights([w.astype(np.float32) for w in rnn.get_weights()])
    np.testing.assert_allclose(narrow(X, mask=MASK), outputs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [*CELLS, *LAYERS])
def test_configs_and_copies(kind):
    made = make(kind, 3, activation="relu", dropout=0.25, bias_initializer="ones", seed=4)
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()
    assert made.activation == "relu"
    assert made.units == 3
    made.build((2, 2, 5))
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert other.get_config() == made.get_config()
        for a, b in zip(other.get_weights(), made.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_stack_config():
    rnn = layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)], go_backwards=True)
    outputs, _ = rnn(X)
    again = layers.RNN.from_config(rnn.get_config())
    again.build(X.shape)
    again.set_weights(rnn.get_weights())
    np.testing.assert_array_equal(again(X)[0], outputs)


def test_activation_functions_are_taken():
    cell = layers.GRUCell(3, activation=weft.activations.relu, recurrent_activation=None)
    assert (cell.activation, cell.recurrent_activation) == ("relu", "linear")
    with pytest.raises(ValueError, match="unknown activation"):
        layers.GRUCell(3, activation=lambda x: x)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"inputs": X.astype(np.float64)}, TypeError, "'inputs'.*float32.*float64"),
        ({"inputs": X[0]}, ValueError, "'inputs'"),
        ({"inputs": X[:, :, :4].copy()}, ValueError, "size 5, got 4"),
        ({"mask": MASK[:, :5].copy()}, ValueError, r"5 steps wide.* 6;.*\.mask"),
        ({"mask": MASK.astype(np.float32)}, TypeError, "'mask'.*bool.*float32"),
        ({"mask": MASK, "lengths": LENGTHS}, ValueError, "not both"),
        ({"lengths": LENGTHS + 1}, ValueError, "length of 7.*6 steps.*row 0"),
        ({"lengths": LENGTHS.astype(np.float32)}, TypeError, "integers, got float32"),
        ({"lengths": LENGTHS[:3]}, ValueError, r"\[4\], got \[3\]"),
        ({"initial_state": np.zeros((4, 2), np.float32)}, ValueError, r"\[4, 3\], got \[4, 2\]"),
        ({"initial_state": [np.zeros((4, 3), np.float32)] * 2}, ValueError, "2 tensors.*1 states"),
        ({"initial_state": np.zeros((4, 3))}, TypeError, "initial_state.*float32.*float64"),
    ],
)
def test_errors_name_argument_and_dtype(arguments, error, words):
    rnn = layers.RNN(layers.SimpleRNNCell(3))
    rnn.build(X.shape)
    with pytest.raises(error, match=words):
        rnn(**{"inputs": X, **arguments})


def test_constructors_refuse():
    with pytest.raises(ValueError, match="expected a positive integer, got 0"):
        layers.GRUCell(0)
    for units in (2.5, "3", None, True):
        with pytest.raises(TypeError, match="positive integer"):
            layers.LSTM(units)
    with pytest.raises(ValueError, match="`cell` must be"):
        layers.RNN(3)
    with pytest.raises(ValueError, match="at least one cell"):
        layers.RNN([])
    with pytest.raises(ValueError, match="`kernel_initializer`: unknown initializer"):
        layers.GRUCell(3, kernel_initializer="nonsense")
    with pytest.raises(TypeError, match="int32"):
        layers.GRUCell(3, dtype="int32")
    with pytest.raises(ValueError, match="`input_shape`"):
        layers.GRUCell(3).build((None, None))
