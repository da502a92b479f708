"""Recurrent layers in training against Keras 2, by the same masks: see oracle/make_dropout.py."""

import golden
import numpy as np
import pytest
import weft
from test_golden_rnn import with_dtype

FILE = golden.load("dropout.json")
X, MASK = golden.array(FILE["arrays"]["x"]), golden.array(FILE["arrays"]["mask"])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_layer(case, dtype, tolerance):
    layer = golden.Builder(weft.layers, weft.as_dtype, {})(with_dtype(case["layer"], dtype))
    x = X.astype(dtype)
    layer.build(x.shape)
    layer.set_weights([golden.array(w).astype(dtype) for w in case["weights"]])
    (outputs, state), pullback = layer.vjp(x, mask=MASK, training=True, step=case["step"])

    def check(found, expected):
        want = golden.array(expected)
        np.testing.assert_allclose(found, want, rtol=0, atol=tolerance * max(1, np.abs(want).max()))

    for found, expected in zip(golden.flatten([outputs, state]), case["outputs"], strict=True):
        check(found, expected)
    ones = weft.layers.cells.nest(
        layer.state_size, iter([np.ones_like(s) for s in golden.flatten(state)])
    )
    (grad_x,), grads = pullback(2 * outputs, ones)
    for found, expected in zip([grad_x, *grads.values()], case["gradients"], strict=True):
        check(found, expected)
