"""Poolings and Bidirectional against Keras 2, forwards and back (tests/oracle/make_pooling.py)."""

import re

import golden
import numpy as np
import pytest
import weft

CASES = golden.cases("pooling.json")
POOLINGS = [case for case in CASES if "layer" in case]
ATTENTION = [case for case in CASES if "query" in case]
DIRECTIONS = golden.load("bidirectional.json")
LAYERS = golden.Builder(weft.layers, weft.as_dtype, {})


def optional(x):
    return None if x is None else golden.array(x)


def assert_close(got, want):
    want = golden.array(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", POOLINGS, ids=lambda c: c["name"])
def test_pooling(case):
    layer = LAYERS(case["layer"])
    x, mask = golden.array(case["x"]), optional(case["mask"])
    result, pullback = layer.vjp(x, mask=mask)
    assert_close(result, case["result"])
    (grad_x,), grads = pullback(golden.coefficients(result.shape))
    assert_close(grad_x, case["grad_x"])
    assert grads == {}
    config = {**layer.get_config(), "name": case["config"]["name"], "dtype": "float64"}
    assert config == case["config"]
    assert type(layer).from_config(case["config"]).get_config() == case["config"]


@pytest.mark.parametrize("case", ATTENTION, ids=lambda c: c["name"])
def test_attention(case):
    layer = weft.layers.AttentionPooling.from_config(case["config"])
    x, query = golden.array(case["x"]), golden.array(case["query"])[:, 0]
    keys = optional(case["keys"])
    layer.build((keys if keys is not None else x).shape)
    layer.set_weights([golden.array(w) for w in case["weights"]])
    result, pullback = layer.vjp(x, query, keys, mask=optional(case["mask"]))
    assert_close(result[:, np.newaxis], case["result"])
    grad = golden.coefficients((len(x), 1, x.shape[2]))[:, 0]
    grad_inputs, grads = pullback(grad)
    grads = {**dict(zip(("x", "query", "keys"), grad_inputs, strict=False)), **grads}
    grads["query"] = grads["query"][:, np.newaxis]
    assert grads.keys() == case["grads"].keys()
    for name, want in case["grads"].items():
        assert_close(grads[name], want)


def in_float64(made):
    """The same layers of float64."""
    if isinstance(made, list):
        return [in_float64(v) for v in made]
    if not isinstance(made, dict):
        return made
    made = {k: in_float64(v) for k, v in made.items()}
    if made.get("call") in (None, "Bidirectional", "RNN"):
        return made
    return {**made, "kwargs": {**made.get("kwargs", {}), "dtype": "float64"}}


@pytest.mark.parametrize("case", DIRECTIONS["cases"], ids=lambda c: c["name"])
def test_bidirectional(case):
    layer = LAYERS(in_float64(case["layer"]))
    x = golden.array(DIRECTIONS["x"])
    layer.build(x.shape)
    assert [list(w.shape) for w in layer.weights.values()] == case["shapes"]
    for ours, theirs in zip(layer.weights, case["weights"], strict=True):
        assert re.sub(r"_\d+$", "", ours.split("/")[0]) in theirs.split("/")
        assert ours.split("/")[-1] == theirs.split("/")[-1]
    layer.set_weights([0.4 * golden.normal(s, 6 + i) for i, s in enumerate(case["shapes"])])
    states = [golden.normal((len(x), 3), 30 + i) for i in range(case["states"])]
    outputs, pullback = layer.vjp(
        x, mask=optional(DIRECTIONS["masks"][case["mask"]]), initial_state=states or None
    )
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert len(outputs) == len(case["outputs"])
    for got, want in zip(outputs, case["outputs"], strict=True):
        assert_close(got, want)
    grad_inputs, grads = pullback(*(golden.coefficients(y.shape) for y in outputs))
    found = [*grad_inputs, *grads.values()]
    for got, want in zip(found, case["grads"], strict=True):
        assert_close(got, want)
