"""Bidirectional: what its two layers give, gradients, arguments. Keras: test_golden_pooling.py."""

import copy
import json
import pickle

import numpy as np
import pytest
import weft
from test_pooling import MASK, numerical
from weft import feature_column as fc
from weft import layers


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def flat(x):
    return [a for part in x for a in flat(part)] if isinstance(x, list | tuple) else [x]


@pytest.mark.parametrize("merge", ["concat", "mul", None])
@pytest.mark.parametrize("sequences", [False, True])
def test_gradients(rng, merge, sequences):
    layer = layers.Bidirectional(
        layers.LSTM(2, return_sequences=sequences, return_state=True, dtype="float64"), merge
    )
    x = rng.normal(size=(4, 4, 3))
    states = [rng.normal(size=(4, 2)) for _ in range(4)]
    call = lambda: layer(x, mask=MASK, initial_state=states)  # noqa: E731
    outputs, pullback = layer.vjp(x, mask=MASK, initial_state=states)
    assert len(outputs) == (6 if merge is None else 5)
    for made, called in zip(outputs, call(), strict=True):
        np.testing.assert_array_equal(made, called)
    for which, output in enumerate(outputs):
        grad = rng.normal(size=output.shape)
        one = lambda which=which: call()[which]  # noqa: E731
        given = [grad if i == which else None for i in range(len(outputs))]
        grad_inputs, grads = pullback(*given)
        for value, found in zip([x, *states], grad_inputs, strict=True):
            np.testing.assert_allclose(found, numerical(one, value, grad), atol=1e-7)
        for name, weight in layer.weights.items():
            np.testing.assert_allclose(grads[name], numerical(one, weight, grad), atol=1e-7)


def test_around_rnn_and_stacks(rng):
    x = rng.normal(size=(4, 4, 3)).astype(np.float32)
    cells = [layers.GRUCell(2), layers.LSTMCell(3)]
    layer = layers.Bidirectional(layers.RNN(cells, return_sequences=True), "sum")
    outputs, forward, backward = layer(x, mask=MASK)
    alone, state = layer.forward_layer(x, mask=MASK)
    np.testing.assert_array_equal(forward[0], state[0])
    np.testing.assert_array_equal(backward[1][1], layer.backward_layer(x, mask=MASK)[1][1][1])
    np.testing.assert_allclose(outputs, alone + layer.backward_layer(x, mask=MASK)[0][:, ::-1])
    _, pullback = layer.vjp(x, mask=MASK)
    (grad_x,), grads = pullback(np.ones_like(outputs), None, backward)
    assert grad_x.shape == x.shape and not grad_x[~MASK].any()
    assert list(grads) == list(layer.weights)
    # The two directions begin with weights of their own.
    ours, theirs = (layer.weights[f"{la.name}/cell_0/kernel"] for la in both(layer))
    assert (ours != theirs).any()


def both(layer):
    return layer.forward_layer, layer.backward_layer


def test_names_configs_copies_and_pickles(rng):
    x = rng.normal(size=(4, 4, 3)).astype(np.float32)
    custom = layers.LSTM(2, go_backwards=True, name="other")
    for layer in (
        layers.Bidirectional(layers.GRU(2, name="g", input_shape=(None, 3))),
        layers.Bidirectional(layers.GRU(2, name="g"), backward_layer=custom, name="b"),
        layers.Bidirectional(layers.RNN(layers.SimpleRNNCell(2)), None, trainable=False),
    ):
        want = flat(layer(x))
        config = json.loads(json.dumps(layer.get_config()))
        again = layers.Bidirectional.from_config(config)
        assert json.loads(json.dumps(again.get_config())) == config
        again.build(x.shape)
        again.set_weights(layer.get_weights())
        for other in (again, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert list(other.weights) == list(layer.weights)
            for made, expected in zip(flat(other(x)), want, strict=True):
                np.testing.assert_array_equal(made, expected)
    assert not layer.trainable_weights
    assert list(layers.Bidirectional.from_config(config).forward_layer.weights) == []
    first = layers.Bidirectional(layers.GRU(2, name="g", input_shape=(None, 3)))
    names = ("kernel", "recurrent_kernel", "bias")
    assert list(first.weights) == [f"{d}_g/{n}" for d in ("forward", "backward") for n in names]
    assert first.built and first.count_params() == sum(w.size for w in first.get_weights())


def test_shapes():
    made = layers.Bidirectional(layers.LSTM(2, return_sequences=True, return_state=True))
    assert made.compute_output_shape((None, 5, 3)) == [(None, 5, 4), *[(None, 2)] * 4]
    assert layers.Bidirectional(layers.GRU(2), None).compute_output_shape((7, None, 3)) == [
        (7, 2),
        (7, 2),
    ]
    assert layers.Bidirectional(layers.GRU(2), "ave").output_size == 2


def test_stateful(rng):
    x = rng.normal(size=(4, 4, 3)).astype(np.float32)
    layer = layers.Bidirectional(layers.GRU(2, stateful=True))
    first = layer(x)
    second = layer(x)
    assert (first != second).any()
    layer.reset_states()
    np.testing.assert_array_equal(layer(x), first)


def test_what_is_refused(rng):
    x = rng.normal(size=(4, 4, 3)).astype(np.float32)
    gru = layers.GRU(2)
    with pytest.raises(ValueError, match="goes around RNN"):
        layers.Bidirectional(layers.Dense(3))
    with pytest.raises(ValueError, match="merge_mode"):
        layers.Bidirectional(gru, "none")
    with pytest.raises(ValueError, match="neither does"):
        layers.Bidirectional(gru, backward_layer=layers.GRU(2))
    with pytest.raises(ValueError, match="return_sequences"):
        other = layers.GRU(2, go_backwards=True, return_sequences=True)
        layers.Bidirectional(gru, backward_layer=other)
    with pytest.raises(ValueError, match="together have 2 states"):
        layers.Bidirectional(gru)(x, initial_state=[np.zeros((4, 2), np.float32)])
    with pytest.raises(ValueError, match="has 0 weights, got 1"):
        layers.Bidirectional(gru).set_weights([x])
    layer = layers.Bidirectional(gru)
    outputs, pullback = layer.vjp(x)
    with pytest.raises(ValueError, match="as many gradients"):
        pullback(outputs, outputs)


def test_takes_blocks():
    column = fc.sequence_categorical_column_with_identity("items", 9)
    features = layers.SequenceFeatures([fc.indicator_column(column)])
    batch = {"items": [[3, 1, 4], [5], []]}
    pair, blocks = features(batch), features.blocks(batch)
    layer = layers.Bidirectional(layers.GRU(2, return_sequences=True))
    want = layer(pair.data, mask=pair.mask)
    result, pullback = layer.vjp(blocks.data, mask=blocks.mask)
    np.testing.assert_array_equal(result, want)
    _, grads = pullback(np.ones_like(result))
    assert sum(isinstance(g, weft.IndexedSlices) for g in grads.values()) == 2


def test_a_stack_of_layers_goes_back(rng):
    """RNN, Bidirectional, pooling and attention one after the other, as one function."""
    stack = [
        layers.RNN(layers.GRUCell(3, dtype="float64"), return_sequences=True, return_state=False),
        layers.Bidirectional(layers.LSTM(2, return_sequences=True, dtype="float64")),
    ]
    ends = [layers.Pooling("max"), layers.AttentionPooling(learned_query=True, dtype="float64")]
    x = rng.normal(size=(4, 4, 2))

    def run(call):
        made = x
        for layer in stack:
            made = call(layer, made)
        return np.concatenate([call(end, made) for end in ends], axis=1)

    def forward():
        return run(lambda layer, made: layer(made, mask=MASK))

    backs = {}

    def traced(layer, made):
        outputs, backs[layer] = layer.vjp(made, mask=MASK)
        return outputs

    result = run(traced)
    grad = rng.normal(size=result.shape)
    grads, back = {}, 0
    for end, part in zip(ends, np.split(grad, 2, axis=1), strict=True):
        (into,), grads[end] = backs[end](np.ascontiguousarray(part))
        back = back + into
    for layer in reversed(stack):
        (back,), grads[layer] = backs[layer](back)
    np.testing.assert_allclose(back, numerical(forward, x, grad), atol=1e-7)
    for layer in (*stack, *ends):
        for name, weight in layer.weights.items():
            want = numerical(forward, weight, grad)
            np.testing.assert_allclose(grads[layer][name], want, atol=1e-7)


def test_in_a_model(rng):
    """What the layers give one by one; and the way back of the model is theirs."""
    x = rng.normal(size=(4, 4, 3))
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True, dtype="float64"))
    one = layers.AttentionPooling(learned_query=True, dtype="float64")
    for pooling in (layers.Pooling("mean"), layers.GlobalMaxPooling1D(keepdims=True), one):
        model = weft.Sequential([both, pooling, layers.Dense(2, dtype="float64")])
        model.build((None, 3))
        want = model.layers[2](pooling(both(x, mask=MASK), mask=MASK))
        np.testing.assert_array_equal(model(x, mask=MASK), want)
        result, pullback = model.vjp(x, mask=MASK)
        grad = rng.normal(size=result.shape)
        (grad_x,), grads = pullback(grad)
        call = lambda model=model: model(x, mask=MASK)  # noqa: E731
        np.testing.assert_allclose(grad_x, numerical(call, x, grad), atol=1e-7)
        assert list(grads) == list(model.weights)
        again = weft.Sequential.from_config(json.loads(json.dumps(model.get_config())))
        again.build((None, 3))
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again(x, mask=MASK), want)
    with pytest.raises(ValueError, match="merge_mode=None"):
        weft.Sequential([layers.Bidirectional(layers.GRU(2), None)])
    with pytest.raises(ValueError, match="return_state=True"):
        weft.Sequential([layers.Bidirectional(layers.GRU(2, return_state=True))])
    with pytest.raises(ValueError, match="use learned_query=True"):
        weft.Sequential([layers.AttentionPooling()])


def test_after_features():
    column = fc.sequence_categorical_column_with_identity("items", 9)
    batch = {"items": [[3, 1, 4], [5], []]}
    for after in (layers.Bidirectional(layers.GRU(2)), layers.Pooling("max")):
        features = layers.SequenceFeatures([fc.indicator_column(column)])
        pair = features(batch)
        result, pullback = weft.Sequential([features, after]).vjp(batch)
        np.testing.assert_array_equal(result, after(pair.data, mask=pair.mask))
        pullback(np.ones_like(result))


def test_dropout(rng):
    """Each direction drops by masks of its own, the way back through the same."""
    layer = layers.Bidirectional(
        layers.GRU(2, dropout=0.4, recurrent_dropout=0.3, seed=1, dtype="float64")
    )
    x = rng.normal(size=(4, 4, 3))
    call = lambda: layer(x, mask=MASK, training=True, step=5)  # noqa: E731
    result, pullback = layer.vjp(x, mask=MASK, training=True, step=5)
    for made, one in zip(np.split(result, 2, axis=1), both(layer), strict=True):
        np.testing.assert_array_equal(made, one(x, mask=MASK, training=True, step=5))
    assert (result != layer(x, mask=MASK)).any() and (layer(x, training=True) != result).any()
    grad = rng.normal(size=result.shape)
    (grad_x,), grads = pullback(grad)
    np.testing.assert_allclose(grad_x, numerical(call, x, grad), atol=1e-7)
    for name, weight in layer.weights.items():
        np.testing.assert_allclose(grads[name], numerical(call, weight, grad), atol=1e-7)
