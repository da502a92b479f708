"""Model: what it computes, its way back, its configs and weights. Training: test_fit.py."""

import json
import pickle

import numpy as np
import pytest
import weft
from small_model import batches, compiled, features, layers, one_head, same_weights
from weft import feature_column as fc
from weft.layers import (
    GRU,
    LSTM,
    AttentionPooling,
    Bidirectional,
    Dense,
    DenseFeatures,
    Dropout,
    Pooling,
    SequenceFeatures,
)


def numeric_gradient(function, weight, places, epsilon=1e-6):
    made = []
    for place in places:
        kept = weight[place]
        weight[place] = kept + epsilon
        above = function()
        weight[place] = kept - epsilon
        made.append((above - function()) / (2 * epsilon))
        weight[place] = kept
    return made


def check_gradients(model, x, rng):
    """All weights at some places, by differences."""
    outputs, pullback = model.vjp(x)
    named = outputs if isinstance(outputs, dict) else {"": outputs}
    towards = {k: rng.standard_normal(out.shape) for k, out in named.items()}

    def value():
        made = model(x)
        made = made if isinstance(made, dict) else {"": made}
        return sum(float((made[k] * towards[k]).sum()) for k in made)

    _, grads = pullback(towards if isinstance(outputs, dict) else towards[""])
    assert grads.keys() == model.weights.keys()
    for name, weight in model.weights.items():
        grad = grads[name]
        grad = grad.to_dense() if isinstance(grad, weft.IndexedSlices) else grad
        places = [tuple(rng.integers(0, n) for n in weight.shape) for _ in range(8)]
        want = numeric_gradient(value, weight, places)
        np.testing.assert_allclose([grad[p] for p in places], want, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("at", ["end", "steps"])
@pytest.mark.parametrize("options", [{}, {"pad": "left"}, {"max_length": 4}])
def test_a_model_is_its_layers(at, options):
    parts = layers(**options)
    model = weft.Model(**parts, context_at=at)
    x = features(20)
    got = model(x)
    pair, context = parts["sequence"][0](x), parts["context"][0](x)
    if at == "steps":
        data = fc.concatenate_context_input(context, pair.data)
        joined = parts["sequence"][1](data, mask=pair.mask)
    else:
        joined = np.concatenate([parts["sequence"][1](pair.data, mask=pair.mask), context], 1)
    hidden, _, last = parts["heads"]["again"]
    assert got["again"].tobytes() == last(hidden(joined)).tobytes()
    assert got["spent"].tobytes() == parts["heads"]["spent"](joined).tobytes()
    outputs, _ = model.vjp(x)
    assert all(outputs[k].tobytes() == got[k].tobytes() for k in got)


@pytest.mark.parametrize("at", ["end", "steps"])
def test_gradients(at):
    rng = np.random.default_rng(1)
    model = weft.Model(**layers("float64"), context_at=at)
    x = features(7)
    model.build()
    for weight in model.weights.values():
        weight += 0.1 * rng.standard_normal(weight.shape)  # off the kinks of relu
    check_gradients(model, x, rng)
    _, pullback = model.vjp(x)
    _, grads = pullback({"spent": np.ones((7, 1))})  # a head without a gradient
    assert "s/kernel" in grads and "a/kernel" not in grads


def test_gradients_of_a_sequential():
    rng = np.random.default_rng(2)
    parts = layers("float64")
    rnn = weft.layers.RNN(weft.layers.LSTMCell(4, dtype="float64"), name="rnn")
    first = GRU(5, return_sequences=True, dtype="float64", name="first")
    model = weft.Sequential([parts["sequence"][0], first, rnn, Dense(2, "tanh", dtype="float64")])
    x = features(6)
    assert model.vjp(x)[0].tobytes() == model(x).tobytes()
    check_gradients(model, x, rng)
    check_gradients(weft.Model(model), x, rng)
    # Over arrays, with a mask; the gradient of the inputs too.
    model = weft.Sequential([GRU(4, dtype="float64"), Dense(2, dtype="float64")])
    x = rng.standard_normal((3, 5, 2))
    mask = rng.random((3, 5)) < 0.7
    out, pullback = model.vjp(x, mask=mask)
    towards = rng.standard_normal(out.shape)
    (grad,), _ = pullback(towards)
    places = [(i, t, d) for i in range(3) for t in range(5) for d in range(2)]
    want = numeric_gradient(lambda: float((model(x, mask=mask) * towards).sum()), x, places)
    np.testing.assert_allclose(grad.reshape(-1), want, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize(
    "tower",
    [
        lambda: [Bidirectional(LSTM(4, dtype="float64"))],
        lambda: [Bidirectional(GRU(3, return_sequences=True, dtype="float64")), Pooling("mean")],
        lambda: [Pooling("max")],
        lambda: [AttentionPooling(learned_query=True, dtype="float64")],
        lambda: [Dropout(0.5, dtype="float64"), Pooling("last"), Dense(3, dtype="float64")],
    ],
)
@pytest.mark.parametrize("at", ["end", "steps"])
def test_other_towers(tower, at):
    rng = np.random.default_rng(3)
    parts = layers("float64")
    model = weft.Model([parts["sequence"][0], *tower()], parts["context"], context_at=at)
    model.build()
    x = features(6)
    assert model(x).shape == model.vjp(x)[0].shape
    check_gradients(model, x, rng)
    assert weft.Model.from_json(model.to_json()).to_json() == model.to_json()


def test_towers_alone():
    x = features(9)
    parts = layers()
    whole = weft.Model(weft.Sequential([*parts["sequence"], Dense(2)]))
    assert whole(x).shape == (9, 2) and whole.heads is None
    wide = weft.Model(context=[*parts["context"], Dense(1)])
    assert wide(x).shape == (9, 1)
    one = weft.Model(parts["sequence"][0:2], heads=Dense(3))
    assert one(x).shape == (9, 3)
    arrays = weft.Model([GRU(4), Dense(2)])
    assert arrays(np.zeros((3, 5, 2), np.float32)).shape == (3, 2)


def test_build_and_weights(tmp_path):
    for at in ("end", "steps"):
        model = weft.Model(**layers(), context_at=at)
        assert not model.built
        model.build()
        assert model.built
        shapes = [w.shape for w in model.weights.values()]
        model(features(3))
        assert [w.shape for w in model.weights.values()] == shapes
        assert "gru/gru_cell/kernel" in model.weights or "gru/kernel" in model.weights
        assert model.count_params() == sum(w.size for w in model.get_weights())
        model.layers[1].trainable = False
        assert len(model.trainable_weights) == len(model.weights) - len(model.layers[1].weights)
        other = weft.Model(**layers(), context_at=at)
        other.build()
        for weight in other.weights.values():
            weight += 1
        other.save_weights(tmp_path / "w.npz")
        with np.load(tmp_path / "w.npz") as saved:  # anybody can read it
            assert [k for k in saved.files if k in other.weights] == list(other.weights)
        third = weft.Model(**layers(), context_at=at)
        third.load_weights(tmp_path / "w.npz")
        assert same_weights(third, other) and not same_weights(model, other)
        # Names that count up in a process are others in the next model: the order decides.
        np.savez(tmp_path / "n.npz", **{f"x{i}": w for i, w in enumerate(other.get_weights())})
        model.load_weights(tmp_path / "n.npz")
        assert same_weights(model, other)
        model.set_weights(model.get_weights())


def test_weights_that_do_not_fit(tmp_path):
    model = one_head()
    model.build()
    before = model.get_weights()
    path = tmp_path / "w.npz"
    for arrays, message in [
        ({"a": np.zeros(3)}, "has 1 weights"),
        ({k: w.astype(np.float64) for k, w in model.weights.items()}, "float64"),
        ({k: np.zeros((*w.shape, 1), w.dtype) for k, w in model.weights.items()}, "which is"),
    ]:
        np.savez(path, **arrays)
        with pytest.raises(weft.InvalidArgumentError, match=message) as info:
            model.load_weights(path)
        assert info.value.file == str(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(weft.CorruptDataError, match="w.npz"):
        model.load_weights(path)
    np.savez(path, a=np.array([{}], object))
    with pytest.raises(weft.CorruptDataError, match="w.npz"):
        model.load_weights(path)
    with pytest.raises(FileNotFoundError, match=r"no\.npz"):
        model.load_weights(tmp_path / "no.npz")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(weft.InvalidArgumentError, match="build"):
        weft.Model([GRU(4), Dense(2)]).load_weights(path)
    with pytest.raises(weft.InvalidArgumentError, match="weights, got 1"):
        model.set_weights([np.zeros(3)])


@pytest.mark.parametrize("make", [compiled, one_head, lambda: weft.Model(**layers())])
def test_json(make, tmp_path):
    model = make()
    x = features(12)
    text = model.to_json()
    made = weft.Model.from_json(text)
    assert made.to_json() == text
    (tmp_path / "model.json").write_text(text)
    assert weft.Model.from_json(tmp_path / "model.json").to_json() == text
    model.build(), made.build()
    assert same_weights(model, made)  # names and seeds are in the config
    if model.optimizer is not None:
        data = batches(40, 10)
        model.fit(data, verbose=0)
        made.fit(data, verbose=0)
        assert same_weights(model, made)
        assert model.evaluate([x]) == made.evaluate([x])
    clone = pickle.loads(pickle.dumps(model))
    assert same_weights(clone, model)
    for wrong in ("{", "{}", '{"config": {}}', '{"config": 3}'):
        with pytest.raises((weft.InvalidArgumentError, weft.WrongTypeError)):
            weft.Model.from_json(wrong)
    assert json.loads(text)["class_name"] == "Model"


def test_spec():
    model = compiled()
    spec = model.parse_example_spec()
    assert set(spec) == {"items", "kinds", "price", "store", "age", "again", "spent"}
    assert spec["again"] == weft.io.FixedLenFeature([], weft.int64)
    assert spec["spent"] == weft.io.FixedLenFeature([], weft.float32)
    floats = weft.io.FixedLenFeature([], weft.float32)
    spec = model.parse_example_spec({"again": floats, "more": floats})
    assert spec["again"] == spec["more"] == floats
    assert "again" not in weft.Model(**layers()).parse_example_spec()
    model = one_head(sample_weight="weight")
    assert model.parse_example_spec()["weight"] == floats
    model = weft.Model(**{**layers(), "heads": Dense(3, "softmax")})
    model.compile(loss="categorical_crossentropy", labels="kind")
    with pytest.raises(weft.InvalidArgumentError, match="classes"):
        model.parse_example_spec()
    classes = weft.io.FixedLenFeature([3], weft.float32)
    assert model.parse_example_spec({"kind": classes})["kind"] == classes


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "`sequence`, `context`, or both"),
        ({**layers(), "heads": {}}, "no head"),
        ({**layers(), "sequence": []}, "no layers"),
        ({**layers(), "context_at": "begin"}, "context_at"),
        ({"sequence": layers()["sequence"], "context_at": "steps"}, "needs a context"),
        ({**layers(), "heads": {"a": Dense(1, name="x"), "b": Dense(1, name="x")}}, "unique"),
        ({**layers(), "heads": layers()["context"]}, "no layer of a head"),
        ({"sequence": [GRU(3)], "context": layers()["context"]}, "feature layer each"),
    ],
)
def test_parts_that_do_not_fit(parts, message):
    with pytest.raises(weft.InvalidArgumentError, match=message):
        weft.Model(**parts)


def test_steps_are_no_answer():
    for at in ("end", "steps"):
        parts = layers()
        parts["sequence"][1] = GRU(8, return_sequences=True)
        model = weft.Model(**parts, context_at=at)
        for call in (model, model.vjp):
            with pytest.raises(weft.InvalidArgumentError, match="return_sequences"):
                call(features(3))


def test_regularizers_are_refused():
    for layer in (
        Dense(1, kernel_regularizer="l2"),
        GRU(1, bias_constraint="non_neg"),
        weft.layers.RNN(weft.layers.GRUCell(1, recurrent_regularizer="l2")),
    ):
        with pytest.raises(weft.InvalidArgumentError, match="weight_decay"):
            weft.Model([layer]).compile(loss="mse")


def test_logits_and_probabilities():
    with pytest.warns(UserWarning, match="from_logits=True"):
        weft.Model([Dense(1)]).compile(loss="binary_crossentropy")
    with pytest.warns(UserWarning, match="probabilities"):
        logits = weft.losses.BinaryCrossentropy(from_logits=True)
        weft.Model([Dense(1, "sigmoid")]).compile(loss=logits)


def test_names_are_exported():
    assert weft.keras.callbacks.EarlyStopping is weft.callbacks.EarlyStopping
    assert isinstance(DenseFeatures(fc.numeric_column("x")), weft.layers.DenseFeatures)
    assert isinstance(SequenceFeatures(fc.sequence_numeric_column("x")), SequenceFeatures)
