"""weft.activations."""

import numpy as np
import pytest
from weft import activations

NAMES = [n for n in activations.__all__ if n not in ("get", "serialize")]


@pytest.mark.parametrize("name", NAMES)
def test_takes_any_shape_and_both_dtypes(name):
    function = activations.get(name)
    x = np.linspace(-3, 3, 24).reshape(2, 3, 4)
    wide = function(x)
    narrow = function(x.astype(np.float32))
    assert wide.shape == narrow.shape == x.shape
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(narrow, wide, rtol=0, atol=3e-6)
    assert activations.get(function) is function


def test_names():
    assert activations.serialize(None) == "linear"
    assert activations.serialize("silu") == activations.serialize(activations.silu) == "swish"
    with pytest.raises(ValueError, match="unknown activation 'tan'; known are linear, tanh"):
        activations.serialize("tan")
    with pytest.raises(ValueError, match="unknown activation"):
        activations.serialize(np.tanh)
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        activations.relu(np.array([1]))
