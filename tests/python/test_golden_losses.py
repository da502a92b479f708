"""Losses with gradients, and metrics, against Keras 2.15 (tests/oracle/make_losses.py)."""

import golden
import numpy as np
import pytest
import weft

FILE = golden.load("losses.json")
METRICS = golden.load("metrics.json")
ARRAYS = {name: golden.array(x) for name, x in FILE["arrays"].items()}
BUILD = golden.Builder(weft.losses, weft.as_dtype, {})
BATCHES = {name: golden.array(x) for name, x in METRICS["arrays"].items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", FILE["cases"], ids=lambda c: c["name"])
def test_loss(case, dtype):
    """Without a reduction Keras's gradient is that of the sum."""
    loss = BUILD(case["loss"])
    y, x = ARRAYS[case["labels"]], ARRAYS[case["predictions"]].astype(dtype)
    weights = case["weights"] and ARRAYS[case["weights"]]
    value = loss(y, x, sample_weight=weights)
    if loss.reduction == "none":
        loss.reduction = "sum"
    total, gradient = loss.value_and_grad(y, x, sample_weight=weights)
    assert gradient.dtype == dtype and gradient.shape == x.shape
    assert np.sum(value) == pytest.approx(total)
    for got, want, error in zip(
        (value, gradient), (case["value"], case["gradient"]), case["float32_error"], strict=True
    ):
        want = golden.array(want)
        if dtype == "float32":
            golden.assert_close(got, want, error)
        else:
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", METRICS["cases"], ids=lambda c: c["name"])
def test_metric(case):
    kwargs = {k: v for k, v in case["metric"]["kwargs"].items() if k != "num_thresholds"}
    metric = getattr(weft.metrics, case["metric"]["call"])(**kwargs)
    for names, want in zip(case["batches"], golden.array(case["results"]), strict=True):
        y, x, weights = (name and BATCHES[name] for name in names)
        metric.update_state(y, x.astype(np.float64), sample_weight=weights)
        assert abs(metric.result() - want) < 1e-12
