"""Poolings and attention over histories: masks, empty rows, gradients, arguments."""

import copy
import json
import pickle

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import layers

EPSILON = 1e-6
MASK = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], bool)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def numerical(f, x, grad):
    """The gradient of sum(grad * f()) with regard to the array x, which f reads."""
    made = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        before = x[at]
        x[at] = before + EPSILON
        above = f()
        x[at] = before - EPSILON
        below = f()
        x[at] = before
        made[at] = np.sum(grad * (above - below)) / (2 * EPSILON)
    return made


REDUCTIONS = {
    "mean": lambda rows: rows.mean(axis=0),
    "sum": lambda rows: rows.sum(axis=0),
    "max": lambda rows: rows.max(axis=0),
    "last": lambda rows: rows[-1],
}


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_pooling(rng, kind):
    x = rng.normal(size=(4, 4, 3))
    layer = layers.Pooling(kind)
    x[~MASK] = np.nan
    result, pullback = layer.vjp(x, mask=MASK)
    for row, real, made in zip(x, MASK, result, strict=True):
        want = REDUCTIONS[kind](row[real]) if real.any() else np.zeros(3)
        np.testing.assert_allclose(made, want, rtol=1e-15)
    np.testing.assert_array_equal(layer(x, mask=MASK), result)
    grad = rng.normal(size=result.shape)
    (grad_x,), grads = pullback(grad)
    assert grads == {} and not grad_x[~MASK].any()
    clean = np.where(MASK[..., None], x, 0)
    want = numerical(lambda: layer(clean, mask=MASK), clean, grad)
    np.testing.assert_allclose(grad_x, want, atol=1e-8)
    lengths = np.array([4, 0, 1, 2])
    mask = weft.sequence_mask(lengths, 4)
    np.testing.assert_array_equal(layer(clean, lengths=lengths), layer(clean, mask=mask))


def test_keras_names(rng):
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    kept = layers.GlobalMaxPooling1D(keepdims=True)
    result, pullback = kept.vjp(x)
    np.testing.assert_array_equal(result, x.max(axis=1, keepdims=True))
    (grad_x,), _ = pullback(np.ones_like(result))
    assert grad_x.shape == x.shape and grad_x.sum() == 6
    assert kept.compute_output_shape((None, None, 3)) == (None, 1, 3)
    assert layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D
    assert layers.GlobalMaxPool1D is weft.keras.layers.GlobalMaxPooling1D
    with pytest.raises(ValueError, match="channels_last"):
        layers.GlobalAveragePooling1D("channels_first")


ATTENTIONS = {
    "target": {},
    "learned": {"learned_query": True},
    "scaled": {"use_scale": True, "divide_by_root": True},
    "learned_scaled": {"learned_query": True, "use_scale": True},
}


@pytest.mark.parametrize("with_keys", [False, True])
@pytest.mark.parametrize("kind", ATTENTIONS)
def test_attention(rng, kind, with_keys):
    layer = layers.AttentionPooling(**ATTENTIONS[kind], dtype="float64")
    x, keys = rng.normal(size=(4, 4, 3)), rng.normal(size=(4, 4, 2))
    given = {"keys": keys} if with_keys else {}
    if not layer.learned_query:
        given = {"query": rng.normal(size=(4, 2 if with_keys else 3)), **given}
    result, pullback = layer.vjp(x, **given, mask=MASK)
    assert not result[1].any()
    call = lambda: layer(x, **given, mask=MASK)  # noqa: E731
    np.testing.assert_array_equal(call(), result)
    grad = rng.normal(size=result.shape)
    grad_inputs, grads = pullback(grad)
    for value, found in zip([x, *given.values()], grad_inputs, strict=True):
        np.testing.assert_allclose(found, numerical(call, value, grad), atol=1e-7)
    assert list(grads) == list(layer.weights)
    for name, weight in layer.weights.items():
        np.testing.assert_allclose(grads[name], numerical(call, weight, grad), atol=1e-7)
    if layer.weights:
        weft.optimizers.SGD(0.1).apply(layer, grads)
        assert (call() != result).any()


def test_what_is_refused(rng):
    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    with pytest.raises(ValueError, match="known are mean, sum, max, last"):
        layers.Pooling("min")
    with pytest.raises(TypeError, match="mask"):
        layers.Pooling()(x, mask=np.ones((2, 3)))
    with pytest.raises(ValueError, match="not both"):
        layers.Pooling()(x, mask=np.ones((2, 3), bool), lengths=[1, 2])
    with pytest.raises(ValueError, match="needs a query"):
        layers.AttentionPooling()(x)
    with pytest.raises(ValueError, match="takes none"):
        layers.AttentionPooling(learned_query=True)(x, np.ones((2, 4), np.float32))
    with pytest.raises(TypeError, match="float64"):
        layers.AttentionPooling(dtype="float64")(x, np.ones((2, 4)))
    with pytest.raises(ValueError, match="'dot'"):
        layers.AttentionPooling(score_mode="concat")
    with pytest.raises(TypeError, match="no argument `units`"):
        layers.Pooling(units=3)


def test_no_rows_and_no_steps():
    for shape in ((0, 3, 2), (2, 0, 2)):
        x = np.zeros(shape, np.float32)
        for layer in (layers.Pooling("max"), layers.AttentionPooling(learned_query=True)):
            result, pullback = layer.vjp(x)
            assert result.shape == (shape[0], 2) and not result.any()
            assert pullback(result)[0][0].shape == shape


def test_configs_copies_and_pickles(rng):
    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    for layer in (
        layers.Pooling("last"),
        layers.GlobalMaxPooling1D(keepdims=True, input_shape=(3, 4)),
        layers.AttentionPooling(True, learned_query=True, divide_by_root=True, seed=3),
    ):
        want = layer(x)
        config = json.loads(json.dumps(layer.get_config()))
        again = type(layer).from_config(config)
        assert json.loads(json.dumps(again.get_config())) == config
        again.build(x.shape)
        again.set_weights(layer.get_weights())
        for other in (again, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            np.testing.assert_array_equal(other(x), want)
        assert layer.compute_output_shape((None, 3, 4))[-1] == 4
        assert layer.built and layer.count_params() == sum(w.size for w in layer.get_weights())


def test_context_goes_back(rng):
    context, sequence = rng.normal(size=(3, 2)), rng.normal(size=(3, 4, 5))
    call = lambda: fc.concatenate_context_input(context, sequence)  # noqa: E731
    grad = rng.normal(size=(3, 4, 7))
    grad_context, grad_sequence = fc.concatenate_context_backward(grad, 2)
    np.testing.assert_allclose(grad_context, numerical(call, context, grad), atol=1e-8)
    np.testing.assert_allclose(grad_sequence, numerical(call, sequence, grad), atol=1e-8)
    with pytest.raises(ValueError, match="7 columns"):
        fc.concatenate_context_backward(grad, 8)
