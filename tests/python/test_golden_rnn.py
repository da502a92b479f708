"""Cells and recurrent layers against Keras 2 in float64 (tests/oracle/make_rnn.py)."""

import golden
import numpy as np
import pytest
import weft

FILE = golden.load("rnn.json")
ARRAYS = {k: v if isinstance(v, list) else golden.array(v) for k, v in FILE["arrays"].items()}
CASES = {case["name"]: case for case in FILE["cases"]}
WEIGHTS = golden.cases("rnn_weights.json")
ACTIVATIONS = golden.load("activations.json")
ERRORS = (ValueError, TypeError)
NO_STEPS = [n for n in CASES if n.endswith("/no_steps")]
REFUSED = {"odd/no_cells"}


def build(json):
    return golden.Builder(weft.layers, weft.as_dtype, {})(json)


def call(case):
    layer = build(case["layer"])
    x = ARRAYS[case["inputs"]]
    layer.build(x.shape)
    if "weights" in case:
        layer.set_weights([golden.array(w) for w in ARRAYS[case["weights"]]])
    kwargs = {}
    if case["mask"]:
        kwargs["mask"] = ARRAYS[case["mask"]]
    if case["initial_state"]:
        states = [ARRAYS[s] for s in case["initial_state"]]
        kwargs["initial_state"] = states[0] if len(states) == 1 else states
    return golden.flatten(layer(x, **kwargs))


@pytest.mark.parametrize("name", [n for n in CASES if n not in NO_STEPS])
def test_layer(name):
    case = CASES[name]
    if "error" in case or name in REFUSED:
        with pytest.raises(ERRORS):
            call(case)
        return
    got = call(case)
    explicit = "return_state" in case["layer"]["kwargs"] or case["layer"]["call"] != "RNN"
    assert len(got) == len(case["outputs"]) or not explicit
    for value, want in zip(got, case["outputs"], strict=False):
        assert value.dtype == np.float32
        golden.assert_close(value, golden.array(want), case["float32_error"])


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
    if case.get("initial_bias"):
        bias = [w for name, w in layer.weights.items() if name.split("/")[-1] == "bias"]
        golden.assert_same(bias[0], golden.array(case["initial_bias"]))


@pytest.mark.parametrize("case", ACTIVATIONS["cases"], ids=lambda c: c["name"])
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
