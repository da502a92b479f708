"""Dense and Sequential against Keras 2 (tests/oracle/make_dense.py)."""

import golden
import numpy as np
import pytest
import weft

DENSE = {case["name"]: case for case in golden.cases("dense.json")}
MODELS = {case["name"]: case for case in golden.cases("sequential.json")}
REFUSED = {"units/0"}  # a layer without outputs, which Keras makes
GELU_ERROR = 1e-7  # of Keras in float64: its square root of 2 has the digits of float32

LAYERS = golden.Builder(weft.layers, weft.as_dtype, {})
COLUMNS = golden.Builder(weft.feature_column, weft.as_dtype, {})


def run_dense(case, dtype):
    made = {**case["layer"], "kwargs": {**case["layer"]["kwargs"], "dtype": dtype}}
    layer = LAYERS(made)
    x = golden.array(case["x"]).astype(dtype)
    layer.build(x.shape)
    layer.set_weights([golden.array(w).astype(dtype) for w in case["weights"]])
    return layer(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DENSE)
def test_dense(name, dtype):
    case = DENSE[name]
    if "error" in case or name in REFUSED:
        with pytest.raises(ValueError):
            LAYERS(case["layer"])(golden.array(case["x"]))
        return
    got, want = run_dense(case, dtype), golden.array(case["output"])
    assert got.dtype == dtype
    if dtype == "float32":
        golden.assert_close(got, want, case["float32_error"])
    else:
        assert got.shape == want.shape
        error = GELU_ERROR if name.endswith("/gelu") else 1e-13 * np.abs(want).max(initial=1e-300)
        np.testing.assert_allclose(got, want, rtol=0, atol=error)


@pytest.mark.parametrize("name", [n for n in DENSE if "config" in DENSE[n] and n not in REFUSED])
def test_dense_weights_and_config(name):
    case = DENSE[name]
    layer = LAYERS(case["layer"])
    layer.build(golden.array(case["x"]).shape)
    assert list(layer.weights) == case["weight_names"]
    assert [w.shape for w in layer.get_weights()] == [tuple(w["shape"]) for w in case["weights"]]
    config, want = layer.get_config(), dict(case["config"])
    for key in ("kernel_initializer", "bias_initializer"):
        ours, theirs = config.pop(key), want.pop(key)
        assert (ours["class_name"], ours["config"]) == (theirs["class_name"], theirs["config"])
    del config["name"], want["name"]
    assert config.pop("dtype") == "float32" and want.pop("dtype")
    assert config == want
    again = weft.layers.Dense.from_config({**case["config"], "dtype": "float32"})
    assert again.units == layer.units and again.activation == layer.activation


@pytest.mark.parametrize("name", MODELS)
def test_sequential(name):
    case = MODELS[name]
    if "error" in case:
        with pytest.raises(ValueError, match=case["error"]["message"][:50]):
            weft.Sequential([LAYERS(layer) for layer in case["layers"]])
        return
    layers = [LAYERS(layer) for layer in case["layers"]]
    mask = None
    if case["first"]:
        columns = [COLUMNS(c) for c in case["columns"]]
        layers.insert(0, getattr(weft.layers, case["first"])(columns))
        x = {k: golden.sparse_tensor(v, weft.SparseTensor) for k, v in case["features"].items()}
        model = weft.Sequential(layers)
        model.build()
    else:
        x = golden.array(case["x"])
        mask = None if case["mask"] is None else golden.array(case["mask"])
        model = weft.Sequential(layers)
        model.build(x.shape)
    model.set_weights([golden.array(w) for w in case["weights"]])
    golden.assert_close(model(x, mask=mask), golden.array(case["result"]))
