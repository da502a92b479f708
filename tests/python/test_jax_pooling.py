"""The poolings of weft.jax against those of weft.layers."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)

import weft.jax as wj  # noqa: E402
from jax.test_util import check_grads  # noqa: E402


def case(rng, rows=5, steps=6):
    """Inputs whose masked steps are spoiled, with ties, and a mask with holes and an empty row."""
    mask = rng.random((rows, steps)) < 0.6
    mask[0], mask[1, :3] = False, False
    inputs = rng.integers(-2, 3, (rows, steps, 4)).astype(np.float64)
    return np.where(mask[..., None], inputs, np.nan), mask


POOLINGS = {
    **{name: lambda name=name: wj.Pooling(name) for name in ("mean", "sum", "max", "last")},
    "average": lambda: wj.GlobalAveragePooling1D(keepdims=True),
    "maximum": lambda: wj.GlobalMaxPooling1D(),
}


@pytest.mark.parametrize("pooling", POOLINGS)
def test_poolings_are_the_layers(pooling):
    layer, rng = POOLINGS[pooling](), np.random.default_rng(0)
    inputs, mask = case(rng)
    want, pullback = layer.vjp(inputs, mask=mask)
    made, back = jax.vjp(jax.jit(lambda x: layer.apply(layer.init(), x, mask)), inputs)
    np.testing.assert_allclose(made, want, atol=1e-12)
    grad = rng.normal(size=want.shape)
    np.testing.assert_allclose(back(grad)[0], pullback(grad)[0][0], atol=1e-12)
    full, lengths = np.nan_to_num(inputs), np.array([0, 6, 3, 1, 5])
    np.testing.assert_allclose(
        layer.apply({}, full, lengths=lengths), layer(full, lengths=lengths), atol=1e-12
    )
    np.testing.assert_allclose(layer.apply({}, full), layer(full), atol=1e-12)
    assert layer.apply({}, full[:, :0]).shape == want.shape
    with pytest.raises(ValueError, match="not both"):
        layer.apply({}, full, mask, lengths)
    with pytest.raises(ValueError, match="must be"):
        layer.apply({}, full, mask[:, 1:])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_scale": True, "divide_by_root": True},
        {"learned_query": True},
        {"learned_query": True, "use_scale": True},
    ],
)
@pytest.mark.parametrize("keyed", [False, True])
def test_attention_is_the_layers(options, keyed):
    layer, rng = wj.AttentionPooling(dtype="float64", **options), np.random.default_rng(1)
    inputs, mask = case(rng)
    keys = np.where(mask[..., None], rng.normal(size=(5, 6, 3)), np.inf) if keyed else None
    query = None if options.get("learned_query") else rng.normal(size=(5, 3 if keyed else 4))
    params = layer.init(3 if keyed else 4)
    given = [array for array in (inputs, query, keys) if array is not None]

    def apply(params, inputs, *rest):
        rest = iter(rest)
        query_, keys_ = None if query is None else next(rest), next(rest) if keyed else None
        return layer.apply(params, inputs, query_, keys_, mask)

    want, pullback = layer.vjp(inputs, query, keys, mask=mask)
    made, back = jax.vjp(jax.jit(apply), params, *given)
    np.testing.assert_allclose(made, want, atol=1e-12)
    grad = rng.normal(size=want.shape)
    grads, *inner = back(grad)
    want_inner, want_grads = pullback(grad)
    for one, other in zip(inner, want_inner, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert set(grads) == set(want_grads)
    for name, array in want_grads.items():
        np.testing.assert_allclose(grads[name], array, atol=1e-12)
    clean = [np.nan_to_num(array, posinf=0) for array in given]
    check_grads(jax.jit(apply), (params, *clean), 1, modes=["rev"])


def test_attention_refuses_what_does_not_fit():
    inputs = np.zeros((2, 3, 4), np.float32)
    with pytest.raises(ValueError, match="takes a `query`"):
        wj.AttentionPooling().apply({}, inputs)
    learned = wj.AttentionPooling(learned_query=True)
    with pytest.raises(ValueError, match="takes no `query`"):
        learned.apply(learned.init(4), inputs, inputs[:, 0])
    with pytest.raises(ValueError, match="'query' must have shape"):
        wj.AttentionPooling().apply({}, inputs, inputs[:, 0, :2])
    with pytest.raises(TypeError, match="must be float32"):
        wj.AttentionPooling().apply({}, inputs.astype(np.float64), inputs[:, 0])
