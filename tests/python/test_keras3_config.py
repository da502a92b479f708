"""Configs that Keras 3 writes."""

import pytest
import weft
from weft import layers


def keras3(class_name, module="keras.layers", **config):
    """As Keras 3.15 nests objects in configs."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def initializer(name="GlorotUniform"):
    axes = {} if name == "Zeros" else {"seed": None, "input_axes": None, "output_axes": None}
    return keras3(name, "keras.initializers", **axes)


def policy(name):
    return keras3("DTypePolicy", "keras", name=name)


def cell(dtype):
    return keras3(
        "GRUCell", units=3, dtype=policy(dtype), kernel_initializer=initializer(), reset_after=True
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (layers.Dense, {"units": 3, "activation": "relu", "quantization_config": None}),
        (layers.LSTM, {"units": 3, "return_sequences": True, "zero_output_for_mask": False}),
        (layers.SimpleRNNCell, {"units": 3, "seed": None}),
    ],
)
def test_dtype_policies(kind, config, dtype):
    config |= {"kernel_initializer": initializer(), "bias_initializer": initializer("Zeros")}
    made = kind.from_config({**config, "name": "x", "trainable": True, "dtype": policy(dtype)})
    assert made.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_policies_of_cells(dtype):
    given = {"name": "x", "dtype": policy(dtype)}
    assert layers.RNN.from_config({**given, "cell": cell(dtype)}).dtype == dtype
    stack = layers.StackedRNNCells.from_config({**given, "cells": [cell(dtype)] * 2})
    assert stack.dtype == dtype
    with pytest.raises(ValueError, match="`dtype` is float16, the cell's is"):
        layers.RNN.from_config({"cell": cell(dtype), "dtype": policy("float16")})


def test_a_model():
    dense = keras3("Dense", units=2, dtype=policy("float32"), quantization_config=None)
    first = keras3("InputLayer", batch_shape=[None, None, 4], dtype="float32", name="in")
    gru = keras3("GRU", units=3, dtype=policy("float32"), kernel_initializer=initializer())
    model = weft.Sequential.from_config({"name": "s", "layers": [first, gru, dense]})
    assert [w.shape for w in model.get_weights()] == [(4, 9), (3, 9), (2, 9), (3, 2), (2,)]


@pytest.mark.parametrize("name", ["mixed_float16", "bfloat16", None, 3])
def test_policies_that_no_layer_has(name):
    kind = layers.Dense if name else layers.LSTM
    if name is None:
        assert kind.from_config({"units": 3, "dtype": policy(None)}).dtype == "float32"
        return
    with pytest.raises(TypeError, match=f"'dtype' must be a dtype .*{name}"):
        kind.from_config({"units": 3, "dtype": policy(name)})


def test_axes_that_were_chosen_and_quantization_are_refused():
    axes = keras3("GlorotUniform", "keras.initializers", seed=None, input_axes=[0])
    with pytest.raises(ValueError, match="GlorotUniform does not take .*input_axes"):
        layers.Dense.from_config({"units": 3, "kernel_initializer": axes})
    with pytest.raises(TypeError, match="Dense has no argument `quantization_config`"):
        layers.Dense.from_config({"units": 3, "quantization_config": {"x": 1}})


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        (layers.Dense, "units"),
        (layers.GRU, "units"),
        (layers.LSTMCell, "units"),
        (layers.RNN, "cell"),
        (layers.StackedRNNCells, "cells"),
        (layers.SequenceFeatures, "feature_columns"),
        (weft.Sequential, "layers"),
    ],
)
def test_what_is_no_config(kind, needed):
    with pytest.raises(weft.WrongTypeError, match="the config of a layer is a dict, got 3"):
        kind.from_config(3)
    with pytest.raises(weft.InvalidArgumentError, match=f"has no '{needed}'"):
        kind.from_config({"name": "x"})
    if needed != "units":
        with pytest.raises(weft.Error, match="3"):
            kind.from_config({needed: 3})
