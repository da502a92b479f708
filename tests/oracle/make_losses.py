"""Makes losses.json and metrics.json: Keras 2.15's losses with gradients, and its metrics.

losses.json   "arrays": labels, predictions and weights by name; each case names what it uses.
              "value": of the loss with its reduction; "gradient": of that, with regard to the
              predictions (of the sum, for the reduction "none"); both computed in float64.
              "float32_error": the largest distance of Keras's float32 answers.
metrics.json  "arrays" as above; "batches" of a case are [labels, predictions, weights or null]
              given one after another, and "results" what the metric says after each.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from collections.abc import Iterator
from typing import Any

import golden
import numpy as np
import tensorflow as tf

Json = Any
LOSSES = golden.Builder(tf.keras.losses, tf.as_dtype, {})
METRICS = golden.Builder(tf.keras.metrics, tf.as_dtype, {})
SHAPES = {"one": (5, 1), "some": (4, 3), "steps": (2, 3, 4)}


def call(name: str, /, **kwargs: Json) -> Json:
    """A call as golden.Builder reads it."""
    return {"call": name, "args": [], "kwargs": kwargs}


def softmax(x: np.ndarray) -> np.ndarray:
    """Along the last dimension."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def loss_arrays() -> dict[str, np.ndarray]:
    """Labels, predictions and weights of every shape, exact in float32 but for "mixed" labels."""
    rng = np.random.RandomState(6)
    out: dict[str, np.ndarray] = {}
    for name, shape in SHAPES.items():
        x = rng.standard_normal(shape) * 2
        out[f"logits/{name}"] = x
        out[f"probabilities/{name}"] = 1 / (1 + np.exp(-x))
        out[f"shares/{name}"] = softmax(x)
        out[f"binary/{name}"] = rng.randint(0, 2, shape)
        out[f"soft/{name}"] = rng.uniform(size=shape)
        out[f"mixed/{name}"] = softmax(rng.standard_normal(shape))
        out[f"numbers/{name}"] = rng.standard_normal(shape)
        out[f"classes/{name}"] = rng.randint(0, shape[-1], shape[:-1])
        out[f"one_hot/{name}"] = np.eye(shape[-1])[out[f"classes/{name}"]]
        out[f"rows/{name}"] = rng.uniform(0, 2, shape[:1])
        out[f"each/{name}"] = rng.uniform(0, 2, shape[:-1])
    out["rows/some"][1] = 0
    edge = np.array([[0.0, 1.0, 0.5, 1e-8], [1.0, 0.0, 1e-7, 0.25], [1.0, 0.0, 0.0, 0.0]])
    out["probabilities/edge"] = out["shares/edge"] = edge
    out["logits/edge"] = np.array([[-90, 90, 0, 40], [90, -90, -0.0, 1e-6], [200, -200, 30, -30]])
    out["binary/edge"] = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 0, 1, 1]])
    out["one_hot/edge"] = np.eye(4)[[1, 3, 2]]
    out["classes/edge"] = np.array([1, 3, 2])
    return {
        k: v.astype(np.float32) if v.dtype == np.float64 and not k.startswith("mixed") else v
        for k, v in out.items()
    }


# The loss, what its labels are, what its probabilities are (none: they need not be any).
ASKED = (
    ("BinaryCrossentropy", "binary", "probabilities"),
    ("BinaryCrossentropy", "soft", "probabilities"),
    ("CategoricalCrossentropy", "one_hot", "shares"),
    # Probabilities need not add up to 1, but labels: TensorFlow's gradient takes it that they do.
    ("CategoricalCrossentropy", "mixed", "probabilities"),
    ("SparseCategoricalCrossentropy", "classes", "shares"),
    ("MeanSquaredError", "numbers", None),
)


def asked_losses() -> Iterator[Json]:
    """What losses.json asks."""
    reductions = ("sum_over_batch_size", "sum", "none")
    for loss, labels, probabilities in ASKED:
        ways = [("logits", {})]
        if probabilities:
            ways = [("logits", {"from_logits": True}), (probabilities, {})]
        for predictions, kwargs in ways:
            for shape in SHAPES:
                if shape == "one" and "Categorical" in loss:
                    continue
                for i, weights in enumerate((None, "rows", "each")):
                    more: Json = {"reduction": reductions[i]}
                    if i == 1 and loss in ("BinaryCrossentropy", "CategoricalCrossentropy"):
                        more["label_smoothing"] = 0.2
                    yield {
                        "name": f"{loss}/{labels}/{predictions}/{shape}/{weights}",
                        "loss": call(loss, **kwargs, **more),
                        "labels": f"{labels}/{shape}",
                        "predictions": f"{predictions}/{shape}",
                        "weights": weights and f"{weights}/{shape}",
                    }
            if labels not in ("soft", "mixed", "numbers"):
                yield {
                    "name": f"{loss}/{labels}/{predictions}/edge",
                    "loss": call(loss, **kwargs, reduction="none"),
                    "labels": f"{labels}/edge",
                    "predictions": f"{predictions}/edge",
                    "weights": None,
                }


def run_loss(case: Json, arrays: dict[str, np.ndarray], dtype: str) -> list[np.ndarray]:
    """The loss and its gradient in `dtype`."""
    tf.keras.backend.set_floatx(dtype)
    loss = LOSSES(case["loss"])
    x = tf.constant(arrays[case["predictions"]].astype(dtype))
    y = arrays[case["labels"]]
    y = tf.constant(y.astype(dtype) if np.issubdtype(y.dtype, np.floating) else y)
    weights = case["weights"] and tf.constant(arrays[case["weights"]].astype(dtype))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(y, x, sample_weight=weights)
    return [value.numpy(), tape.gradient(value, x).numpy()]


def loss_cases(arrays: dict[str, np.ndarray]) -> Iterator[Json]:
    """The cases of losses.json."""
    for case in asked_losses():
        double, single = (run_loss(case, arrays, dtype) for dtype in ("float64", "float32"))
        errors = [float(np.max(np.abs(d - s))) for d, s in zip(double, single, strict=True)]
        value, gradient = map(golden_io.array, double)
        yield {**case, "value": value, "gradient": gradient, "float32_error": errors}


def metric_arrays() -> dict[str, np.ndarray]:
    """Three batches of labels, predictions and weights."""
    rng = np.random.RandomState(7)
    out: dict[str, np.ndarray] = {}
    for i, rows in enumerate((40, 1, 25)):
        logits = rng.standard_normal((rows, 1)) * 2
        out[f"logits/{i}"] = logits
        # A grid, so that scores are equal; no two of them between two thresholds of the AUC.
        out[f"scores/{i}"] = np.round(1 / (1 + np.exp(-logits)), 2)
        out[f"binary/{i}"] = (rng.uniform(size=(rows, 1)) < 1 / (1 + np.exp(-logits))) * 1
        out[f"flat/{i}"] = out[f"binary/{i}"][:, 0]
        out[f"rows/{i}"] = rng.uniform(0, 2, rows)
        out[f"column/{i}"] = out[f"rows/{i}"][:, None]  # as Keras's AUC wants them
        out[f"shares/{i}"] = softmax(rng.standard_normal((rows, 5)))
        out[f"classes/{i}"] = rng.randint(0, 5, rows)
        out[f"one_hot/{i}"] = np.eye(5)[out[f"classes/{i}"]]
        out[f"logits_of_steps/{i}"] = rng.standard_normal((rows, 3, 1))
        out[f"binary_of_steps/{i}"] = rng.randint(0, 2, (rows, 3, 1))
        out[f"shares_of_steps/{i}"] = softmax(rng.standard_normal((rows, 3, 4)))
        out[f"classes_of_steps/{i}"] = rng.randint(0, 4, (rows, 3))
    out["shares/0"][:3] = 0.2  # of equal ones the first
    return {
        k: v.astype(np.float32) if np.issubdtype(v.dtype, np.floating) else v
        for k, v in out.items()
    }


def asked_metrics() -> Iterator[Json]:
    """What metrics.json asks."""
    logits = {"from_logits": True}
    smooth = {"from_logits": True, "label_smoothing": 0.2}
    for metric, labels, predictions in (
        (call("BinaryAccuracy"), "binary", "scores"),
        (call("BinaryAccuracy"), "flat", "scores"),
        (call("BinaryAccuracy", threshold=0.25), "binary", "scores"),
        (call("SparseCategoricalAccuracy"), "classes", "shares"),
        (call("BinaryCrossentropy"), "binary", "scores"),
        (call("BinaryCrossentropy", **logits), "binary", "logits"),
        (call("BinaryCrossentropy", **smooth), "binary", "logits"),
        (call("BinaryCrossentropy", **logits), "binary_of_steps", "logits_of_steps"),
        (call("BinaryAccuracy", threshold=0.0), "binary_of_steps", "logits_of_steps"),
        (call("SparseCategoricalAccuracy"), "classes_of_steps", "shares_of_steps"),
        (call("SparseCategoricalCrossentropy"), "classes", "shares"),
        (call("CategoricalCrossentropy"), "one_hot", "shares"),
        (call("MeanSquaredError"), "one_hot", "shares"),
        (call("AUC", num_thresholds=2001), "binary", "scores"),
    ):
        for weights in (None, "column" if metric["call"] == "AUC" else "rows"):
            kwargs = "".join(f"/{k}={v}" for k, v in metric["kwargs"].items())
            yield {
                "name": f"{metric['call']}{kwargs}/{labels}/{weights}",
                "metric": metric,
                "batches": [
                    [f"{labels}/{i}", f"{predictions}/{i}", weights and f"{weights}/{i}"]
                    for i in range(3)
                ],
            }


def metric_cases(arrays: dict[str, np.ndarray]) -> Iterator[Json]:
    """The cases of metrics.json."""
    tf.keras.backend.set_floatx("float64")
    for case in asked_metrics():
        metric = METRICS(case["metric"])
        results = []
        for batch in case["batches"]:
            labels, predictions, weights = (name and arrays[name] for name in batch)
            metric.update_state(labels, predictions, sample_weight=weights)
            results.append(metric.result().numpy())
        yield {**case, "results": golden_io.array(np.array(results))}


def encoded(arrays: dict[str, np.ndarray]) -> Json:
    """Arrays by name."""
    return {k: golden_io.array(v) for k, v in arrays.items()}


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    arrays = loss_arrays()
    cases = list(loss_cases(arrays))
    about = "Losses and their gradients."
    golden_io.write(out / "losses.json", about, cases, arrays=encoded(arrays))
    arrays = metric_arrays()
    cases = list(metric_cases(arrays))
    golden_io.write(out / "metrics.json", "Metrics.", cases, arrays=encoded(arrays))


if __name__ == "__main__":
    main()
