"""Cells and recurrent layers against Keras 2 in float64 (tests/oracle/make_rnn.py)."""

import json

import golden
import numpy as np
import pytest
import weft

FILE = golden.load("rnn.json")
ARRAYS = {k: v if isinstance(v, list) else golden.array(v) for k, v in FILE["arrays"].items()}
CASES = {case["name"]: case for case in FILE["cases"]}
WEIGHTS = golden.cases("rnn_weights.json")
ACTIVATIONS = golden.load("activations.json")
PLAIN = [case for case in ACTIVATIONS["cases"] if not case["kwargs"]]
ERRORS = (ValueError, TypeError)
NO_STEPS = [n for n in CASES if n.endswith("/no_steps")]
UNROLLED = [n for n in CASES if "/unroll_" in n]
REFUSED = {"odd/no_cells"}
GELU_ERROR = 1e-7  # of Keras in float64: its square root of 2 has the digits of float32


def with_dtype(made, dtype):
    """The same layers of another dtype."""
    if isinstance(made, list):
        return [with_dtype(v, dtype) for v in made]
    if not isinstance(made, dict):
        return made
    made = {k: with_dtype(v, dtype) for k, v in made.items()}
    return {**made, "kwargs": {**made["kwargs"], "dtype": dtype}} if "call" in made else made


def build(made):
    return golden.Builder(weft.layers, weft.as_dtype, {})(made)


def call(case, dtype="float32"):
    layer = build(with_dtype(case["layer"], dtype))
    x = ARRAYS[case["inputs"]].astype(dtype)
    layer.build(x.shape)
    if "weights" in case:
        layer.set_weights([golden.array(w).astype(dtype) for w in ARRAYS[case["weights"]]])
    kwargs = {}
    if case["mask"]:
        kwargs["mask"] = ARRAYS[case["mask"]]
    if case["initial_state"]:
        states = [ARRAYS[s].astype(dtype) for s in case["initial_state"]]
        kwargs["initial_state"] = states[0] if len(states) == 1 else states
    return golden.flatten(layer(x, **kwargs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [n for n in CASES if n not in NO_STEPS + UNROLLED])
def test_layer(name, dtype):
    case = CASES[name]
    if "error" in case or name in REFUSED:
        with pytest.raises(ERRORS):
            call(case, dtype)
        return
    got = call(case, dtype)
    explicit = "return_state" in case["layer"]["kwargs"] or case["layer"]["call"] != "RNN"
    assert len(got) == len(case["outputs"]) or not explicit
    for value, want in zip(got, case["outputs"], strict=False):
        assert value.dtype == dtype
        want = golden.array(want)
        if dtype == "float32":
            golden.assert_close(value, want, case["float32_error"])
        else:
            bound = 1e-13 * np.abs(want[np.isfinite(want)]).max(initial=1e-300)
            error = GELU_ERROR if name.endswith("/gelu") else bound
            np.testing.assert_allclose(value, want, rtol=0, atol=error)


@pytest.mark.parametrize("name", UNROLLED)
def test_unroll_changes_nothing(name):
    """Keras's unrolled loop zeroes backward outputs by the mask read forwards."""
    kind = name.split("/")[1]
    rolled = CASES[f"mask/{kind}/prefix/backwards_zero_output"]
    unrolled = CASES[name]
    assert unrolled["outputs"][0] != rolled["outputs"][0]
    for value, want in zip(call(unrolled), rolled["outputs"], strict=True):
        golden.assert_close(value, golden.array(want), rolled["float32_error"])


@pytest.mark.parametrize("name", NO_STEPS)
def test_no_steps_give_zeros_and_the_initial_state(name):
    """TensorFlow fails here."""
    outputs, *states = call(CASES[name])
    assert outputs.shape == (5, 0, 3)
    for state in states:
        assert state.shape == (5, 3)
        assert not state.any()


@pytest.mark.parametrize("kind", ["simple", "gru", "gru_before", "lstm"])
def test_masked_steps_never_matter(kind):
    holes = call(CASES[f"mask/{kind}/holes/full"])
    spoiled = call(CASES[f"mask/{kind}/holes/nan_in_masked_steps"])
    for a, b in zip(holes, spoiled, strict=True):
        golden.assert_same(b, a)


@pytest.mark.parametrize("case", WEIGHTS, ids=lambda c: c["name"])
def test_weights(case):
    """Names, shapes and order as Keras's; the initial bias as Keras's."""
    layer = build(case["layer"])
    layer.build((None, 4) if case["layer"]["call"].endswith("Cell") else (None, None, 4))
    got = [[name.split("/")[-1], list(w.shape)] for name, w in layer.weights.items()]
    assert got == case["weights"]
    assert [w.tolist() for w in layer.get_weights()] == [w.tolist() for w in layer.weights.values()]
    if "config" not in case:
        return
    if case["initial_bias"]:
        bias = [w for name, w in layer.weights.items() if name.split("/")[-1] == "bias"]
        golden.assert_same(bias[0], golden.array(case["initial_bias"]))
    cell = getattr(layer, "cell", layer)
    for argument, config in case["initializers"].items():
        assert weft.initializers.serialize(getattr(cell, argument)) == essence(config)
    assert layer.state_size == case["state_size"]
    assert layer.output_size == case["output_size"]
    config = {k: v for k, v in layer.get_config().items() if k not in ("name", "cell")}
    want = {k: essence(v) for k, v in case["config"].items()}
    if case["layer"]["call"] == "RNN":
        want["return_state"] = True  # weft's default
    assert json.loads(json.dumps(config)) == want


def essence(config):
    """An initializer's config without what Keras adds about its own modules."""
    if not isinstance(config, dict):
        return config
    return {k: v for k, v in config.items() if k not in ("module", "registered_name")}


@pytest.mark.parametrize("case", ACTIVATIONS["cases"], ids=lambda c: c["name"])
def test_activation_function(case):
    """On every x, infinities and NaN included."""
    x, want = golden.array(ACTIVATIONS["x"]), golden.array(case["values"])
    theirs = golden.array(case["float32"])
    if case["function"] == "softmax":
        x = x.reshape(-1, 6)
    function = getattr(weft.activations, case["function"])
    got = function(x.astype(np.float64), **case["kwargs"])
    # Keras multiplies -inf by zero there.
    usual = ~np.isneginf(x) if "threshold" in case["kwargs"] else np.ones(x.shape, bool)
    error = GELU_ERROR if case["function"] == "gelu" else 1e-16
    np.testing.assert_allclose(got[usual], want[usual], rtol=1e-14, atol=error)
    got = function(x, **case["kwargs"])
    same = ~np.isfinite(theirs) & usual
    np.testing.assert_array_equal(got[same], theirs[same])
    fits = np.isfinite(theirs) & usual
    got, want, theirs = got[fits], want[fits], theirs[fits]
    assert (np.abs(got - want) <= 1e-6 * np.abs(want) + 2 * np.abs(theirs - want) + 2e-7).all()


@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c["name"])
def test_activation(case):
    """Seen through a cell whose kernel is the identity and whose state does not count."""
    x, width = golden.array(ACTIVATIONS["x"]), 1
    want, theirs = golden.array(case["values"]), golden.array(case["float32"])
    if case["name"] == "softmax":
        x, width = x.reshape(-1, 6), 6
    else:
        x, want, theirs = x[:, None], want[:, None], theirs[:, None]
    finite = np.isfinite(x).all(axis=1)
    x, want, theirs = x[finite], want[finite], theirs[finite]
    cell = weft.layers.SimpleRNNCell(width, activation=case["name"], use_bias=False)
    layer = weft.layers.RNN(cell)
    layer.build((None, 1, width))
    layer.set_weights([np.eye(width, dtype=np.float32), np.zeros((width, width), np.float32)])
    got, _ = layer(x[:, None, :])
    fits = np.isfinite(theirs)
    golden.assert_same(got[~fits], theirs[~fits])
    got, want, theirs = got[fits], want[fits], theirs[fits]
    assert (np.abs(got - want) <= 1e-6 * np.abs(want) + 2 * np.abs(theirs - want) + 1e-7).all()
