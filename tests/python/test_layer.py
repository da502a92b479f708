"""weft.activations."""

import numpy as np
import pytest
import weft
from weft import activations

NAMES = [n for n in activations.__all__ if n not in ("deserialize", "get", "serialize")]


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


def test_arguments_are_checked():
    x = np.ones((2, 3), np.float32)
    for call, error, words in [
        (lambda: activations.softmax(x, axis=2), ValueError, "`axis` is 2, x has 2 dimensions"),
        (lambda: activations.softmax(x, axis=1.0), TypeError, "`axis` must be an integer"),
        (lambda: activations.relu(x, alpha="1"), TypeError, "`alpha` must be a number"),
        (lambda: activations.relu(x, max_value=-1), ValueError, "`max_value` must not be neg"),
        (lambda: activations.relu(x, threshold=None), TypeError, "`threshold` must be a number"),
        (lambda: activations.elu(x, alpha=None), TypeError, "`alpha` must be a number"),
        (lambda: activations.gelu(x, approximate=True), ValueError, "not supported"),
    ]:
        with pytest.raises(error, match=words):
            call()
    columns = activations.softmax(x, axis=0)
    assert columns.flags.c_contiguous
    assert columns.tolist() == [[0.5] * 3] * 2
    assert activations.relu(-x, alpha=0.5).dtype == np.float32
    assert np.isnan(activations.relu(np.float32([np.nan]), threshold=1.0)).all()


def test_deserialize():
    assert activations.deserialize("relu") is activations.relu
    assert activations.deserialize(activations.relu) is activations.relu
    assert activations.deserialize(None) is None
    assert activations.deserialize("own", {"own": np.tanh}) is np.tanh
    assert activations.serialize(activations.relu, use_legacy_format=True) == "relu"
    assert weft.keras.activations.get("silu") is activations.swish
    for name in ("own", "deserialize", "get", "\udc80"):
        with pytest.raises(ValueError, match="unknown activation"):
            activations.deserialize(name)


def test_names():
    assert activations.serialize(None) == "linear"
    assert activations.serialize("silu") == activations.serialize(activations.silu) == "swish"
    with pytest.raises(ValueError, match="unknown activation 'tan'; known are linear, tanh"):
        activations.serialize("tan")
    with pytest.raises(ValueError, match="unknown activation"):
        activations.serialize(np.tanh)
    with pytest.raises(TypeError, match="float32 or float64, got int64"):
        activations.relu(np.array([1]))
