"""Dense, Sequential, and indicators that are never written."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft.layers import GRU, LSTM, RNN, Dense, DenseFeatures, GRUCell, SequenceFeatures


def columns(buckets=50):
    ids = fc.sequence_categorical_column_with_identity
    return [
        fc.indicator_column(ids("a", buckets)),
        fc.embedding_column(ids("b", buckets), 4),
        fc.sequence_numeric_column("c"),
        fc.indicator_column(ids("d", buckets)),
    ]


def batch(rng, rows=20, buckets=50):
    lengths = rng.integers(0, 9, rows)
    ids = {k: [rng.integers(0, buckets, n).tolist() for n in lengths] for k in "abd"}
    return {**ids, "c": [rng.standard_normal(n).astype(np.float32) for n in lengths]}


@pytest.mark.parametrize("options", [{}, {"max_length": 4, "keep": "first"}, {"pad": "left"}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_equals_its_layers_one_by_one(options, dtype):
    features = SequenceFeatures(columns(), dtype=dtype, **options)
    gru = GRU(7, return_sequences=True, dtype=dtype)
    lstm = LSTM(5, dtype=dtype)
    head = Dense(2, activation="softmax", dtype=dtype)
    model = weft.Sequential([features, gru, lstm, head])
    x = batch(np.random.default_rng(1))
    got = model(x)
    pair = features(x)
    want = head(lstm(gru(pair.data, mask=pair.mask), mask=pair.mask))
    assert got.dtype == dtype and got.shape == (20, 2)
    assert got.tobytes() == want.tobytes()
    steps = Dense(3, dtype=dtype)
    assert weft.Sequential([features, steps])(x).tobytes() == steps(pair.data).tobytes()


def test_rows_of_bags():
    ids = [fc.indicator_column(fc.categorical_column_with_identity("a", 9)), fc.numeric_column("c")]
    features, head = DenseFeatures(ids), Dense(3, "tanh")
    x = {"a": [[1, 1, 8], [], [0]], "c": np.float32([[1], [2], [3]])}
    assert weft.Sequential([features, head])(x).tobytes() == head(features(x)).tobytes()
    assert weft.Sequential([features])(x).tobytes() == features(x).tobytes()


def test_blocks_stand_for_the_array():
    features = SequenceFeatures(columns())
    x = batch(np.random.default_rng(2))
    pair, blocks = features(x), features.blocks(x)
    assert blocks.data.shape == pair.data.shape
    assert blocks.data.dtype == weft.float32
    np.testing.assert_array_equal(blocks.mask, pair.mask)
    np.testing.assert_array_equal(blocks.lengths, pair.lengths)
    rnn = RNN(GRUCell(6), return_sequences=True, go_backwards=True)
    lengths = np.minimum(pair.lengths, 3)
    start = np.random.default_rng(3).standard_normal((20, 6)).astype(np.float32)
    for kwargs in ({}, {"mask": pair.mask}, {"lengths": lengths}, {"initial_state": start}):
        for one, other in zip(rnn(blocks.data, **kwargs), rnn(pair.data, **kwargs), strict=True):
            assert one.tobytes() == other.tobytes()
    with pytest.raises(TypeError, match="float64"):
        GRU(3, dtype="float64")(blocks.data)


def test_weights_by_layer():
    model = weft.Sequential([SequenceFeatures(columns(), name="f"), GRU(4, name="g")])
    model.add(Dense(2, name="d"))
    assert not model.built
    model.build()
    assert model.built
    names = ["f/b_embedding/embedding_weights", "g/kernel", "g/recurrent_kernel", "g/bias"]
    assert list(model.weights) == [*names, "d/kernel", "d/bias"]
    assert model.weights["g/kernel"].shape == (50 + 4 + 1 + 50, 12)
    saved = model.get_weights()
    x = batch(np.random.default_rng(4))
    before = model(x)
    model.set_weights([w + 1 for w in saved])
    assert not np.array_equal(model(x), before)
    model.set_weights(saved)
    np.testing.assert_array_equal(model(x), before)
    with pytest.raises(ValueError, match="has 6 weights, got 5"):
        model.set_weights(saved[1:])
    model.layers[2].trainable = False
    assert list(model.trainable_weights) == names
    assert list(model.non_trainable_weights) == ["d/kernel", "d/bias"]
    assert model.count_params() == sum(w.size for w in saved)


def test_config_and_pickle():
    model = weft.Sequential(
        [SequenceFeatures(columns(), pad="left"), RNN([GRUCell(4), GRUCell(3)]), Dense(2)],
        name="m",
    )
    x = batch(np.random.default_rng(5))
    want = model(x)
    config = json.loads(json.dumps(model.get_config()))
    again = weft.keras.Sequential.from_config(config)
    again.build()
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(x), want)
    assert again.name == "m" and again.get_config() == model.get_config()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model))(x), want)
    with pytest.raises(ValueError, match="unknown layer 'Conv1D'"):
        weft.Sequential.from_config({"layers": [{"class_name": "Conv1D", "config": {}}]})


def test_what_a_model_refuses():
    with pytest.raises(ValueError, match="Dense, Dropout and SampledSoftmax"):
        weft.Sequential([GRUCell(3)])
    with pytest.raises(ValueError, match="a feature layer comes first"):
        weft.Sequential([Dense(3), DenseFeatures([fc.numeric_column("x")])])
    with pytest.raises(ValueError, match="single output tensor"):
        weft.Sequential([GRU(3, return_state=True)])
    with pytest.raises(ValueError, match="unique names"):
        weft.Sequential([Dense(3, name="d"), Dense(3, name="d")])
    with pytest.raises(ValueError, match="input_shape"):
        weft.Sequential([Dense(3)]).build()


def test_dense_arguments():
    assert Dense(3).name.startswith("dense")
    layer = Dense(3, input_shape=(4,), weights=[np.ones((4, 3), np.float32), np.zeros(3, "f4")])
    assert layer.built and layer.batch_input_shape == (None, 4)
    np.testing.assert_array_equal(layer(np.ones((2, 4), np.float32)), np.full((2, 3), 4))
    assert layer.compute_output_shape((None, 7, 4)) == (None, 7, 3)
    assert Dense(2, input_dim=5).weights["kernel"].shape == (5, 2)
    assert Dense(2, seed=1, name="x", input_dim=3).get_weights()[0].tolist() != (
        Dense(2, seed=2, name="x", input_dim=3).get_weights()[0].tolist()
    )
    kept = Dense(2, kernel_regularizer="l2", bias_constraint="non_neg", activity_regularizer="l1")
    assert kept.get_config()["kernel_regularizer"] == "l2"
    with pytest.raises(TypeError, match="`units` must be a positive integer"):
        Dense("3")
    with pytest.raises(TypeError, match="no argument `unit`"):
        Dense(3, unit=4)
    with pytest.raises(TypeError, match="inputs.*float32.*float64"):
        layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match="built for inputs of size 4, got 5"):
        layer(np.ones((2, 5), np.float32))
    with pytest.raises(ValueError, match="shape"):
        Dense(3, input_shape=())


MEMORY = """
import sys
import numpy as np
import weft
from weft import feature_column as fc
from weft.layers import GRU, Dense, SequenceFeatures

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

V, B, T = 100_000, 64, 50
rng = np.random.default_rng(0)
lengths = rng.integers(1, T + 1, B)
lengths[0] = T
features = {"a": weft.Ragged.from_row_lengths(rng.integers(0, V, lengths.sum()), lengths)}
column = fc.indicator_column(fc.sequence_categorical_column_with_identity("a", V))
after = GRU(32) if sys.argv[1] == "GRU" else Dense(16)
model = weft.Sequential([SequenceFeatures([column]), after])
before = peak()
model.build()
kernel = model.layers[1].weights["kernel"].nbytes
for _ in range(3):
    out = model(features)
assert out.shape == ((B, 32) if sys.argv[1] == "GRU" else (B, T, 16)), out.shape
print(peak() - before - kernel, B * T * V * 4)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("after", ["GRU", "Dense"])
def test_a_vocabulary_of_100_000_is_never_written_out(after):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, after], check=True, capture_output=True, text=True
    )
    beyond, written = map(int, done.stdout.split())
    assert written > 1.2e9
    assert beyond < 50e6


def test_calls_that_are_refused():
    with pytest.raises(weft.InvalidArgumentError, match="has no layers"):
        weft.Sequential()(np.ones((2, 3), np.float32))
    features = SequenceFeatures(columns(), name="f")
    model = weft.Sequential([features, GRU(3)])
    x = batch(np.random.default_rng(6))
    with pytest.raises(weft.InvalidArgumentError, match="`mask` .* 'f' makes its own"):
        model(x, mask=features(x).mask)
    assert model(x).shape == (20, 3)


@pytest.mark.parametrize("key", ["batch_input_shape", "batch_shape"])
def test_the_config_of_keras_begins_with_its_input(key):
    model = weft.Sequential([GRU(4, name="g"), Dense(2, name="d")], name="m")
    config = json.loads(json.dumps(model.get_config()))
    given = {"class_name": "InputLayer", "config": {key: [None, None, 8], "name": "g_input"}}
    config["layers"].insert(0, given)
    made = weft.Sequential.from_config(config)
    assert [layer.name for layer in made.layers] == ["g", "d"]
    assert made.built and made.weights["g/kernel"].shape == (8, 12)
    assert len(config["layers"]) == 3
    given["config"][key] = [None, None, None]
    assert not weft.Sequential.from_config(config).built
    config["layers"].append(given)
    with pytest.raises(ValueError, match="unknown layer 'InputLayer'"):
        weft.Sequential.from_config(config)
