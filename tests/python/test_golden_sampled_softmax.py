"""The sampled softmax against TensorFlow (tests/oracle/make_sampled_softmax.py)."""

import golden
import numpy as np
import pytest
import weft
from weft import _core

CASES = {case["name"]: case for case in golden.cases("sampled_softmax.json")}
LOSSES = [name for name, case in CASES.items() if case["kind"] == "loss"]
COUNTS = [name for name, case in CASES.items() if case["kind"] == "counts"]


def arrays_of(case):
    return {k: golden.array(v) for k, v in case.items() if golden.is_array(v)}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients(name):
    case = CASES[name]
    x = arrays_of(case)
    biases = x.get("biases")
    values = (x["sampled"], x["true_expected"], x["sampled_expected"])
    given = (x["weights"], biases, x["labels"], x["inputs"], len(x["sampled"]), len(x["weights"]))
    rest = (x["labels"].shape[1], values, case["remove_accidental_hits"])
    tolerance = {"rtol": 1e-5, "atol": 1e-5}
    losses = weft.losses.sampled_softmax_loss(*given, *rest)
    np.testing.assert_allclose(losses, x["losses"], **tolerance)
    value, (weights, of_biases, inputs) = weft.losses.sampled_softmax_value_and_grad(
        *given, *rest, sample_weight=x["grad"], reduction="sum"
    )
    np.testing.assert_allclose(value, np.sum(x["losses"] * x["grad"]), **tolerance)
    np.testing.assert_allclose(weights.to_dense(), x["grad_weights"], **tolerance)
    np.testing.assert_allclose(inputs, x["grad_inputs"], **tolerance)
    touched = np.union1d(x["labels"], x["sampled"])
    np.testing.assert_array_equal(weights.ids, touched)
    if biases is None:
        assert of_biases is None
    else:
        np.testing.assert_allclose(of_biases.to_dense(), x["grad_biases"], **tolerance)
        np.testing.assert_array_equal(of_biases.ids, touched)


def probabilities(kind, x, classes):
    if kind == "uniform":
        return np.full(classes, 1 / classes)
    if kind == "log_uniform":
        ids = np.arange(classes)
        return np.log((ids + 2) / (ids + 1)) / np.log(classes + 1)
    return x["counts"] / x["counts"].sum()


@pytest.mark.parametrize("name", COUNTS)
def test_expected_counts(name):
    kind, unique = name.split("/")
    x = arrays_of(CASES[name])
    p = probabilities(kind, x, 30)
    made = _core.ClassDistribution(kind, 30, x.get("counts")).sample(x["labels"], 12, 3, "", 0)
    for classes, true, expected in (
        (x["sampled"], x["true_expected"], x["sampled_expected"]),
        made,
    ):
        all_p = np.concatenate([p[x["labels"].ravel()], p[classes]])
        all_expected = np.concatenate([true.ravel(), expected])
        if unique == "False" and classes is x["sampled"]:
            np.testing.assert_allclose(all_expected, 12 * all_p, rtol=1e-5)
            continue
        assert len(set(classes.tolist())) == 12
        draws = np.log1p(-all_expected) / np.log1p(-all_p)  # one number of draws explains them all
        np.testing.assert_allclose(draws, round(draws[0]), rtol=1e-4)
