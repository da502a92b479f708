"""Makes rnn.json, rnn_weights.json and activations.json: Keras 2's cells and recurrent layers.

rnn.json     "arrays": shared inputs, masks, states, and weights by signature (list of shapes);
             each case names what it uses. "outputs": Keras's answer computed in float64,
             flattened: outputs, then states. "float32_error": the largest distance of Keras's
             float32 answer from it.
rnn_weights.json   per cell or layer: its weights in order (name, shape), its initializers, state
             and output sizes, config; for LSTM the initial bias under unit_forget_bias
activations.json   "x" and, per "function" and its "kwargs", float64 values and the largest float32
             distance; softmax works on x reshaped to 6 columns
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from collections.abc import Iterator, Sequence
from typing import Any

import golden
import numpy as np
import rnn_cases
import tensorflow as tf
from rnn_cases import RnnCase

BUILD = golden.Builder(tf.keras.layers, tf.as_dtype, {})


def signature(shapes: list[list[int]]) -> str:
    """The name of the shared weights of these shapes."""
    return "w_" + "_".join("x".join(map(str, s)) for s in shapes)


def shared_weights(shapes: list[list[int]]) -> list[np.ndarray]:
    """Weights, exact in float32, that depend on the shapes alone."""
    rng = np.random.RandomState(11 + sum(map(sum, shapes)))
    return [(rng.standard_normal(s) * 0.35).astype(np.float32) for s in shapes]


def flatten(x: Any) -> list[np.ndarray]:
    """Outputs and states as a flat list."""
    if isinstance(x, (list, tuple)):
        return [a for v in x for a in flatten(v)]
    return [x.numpy()]


def run(
    case: RnnCase, arrays: dict[str, np.ndarray], dtype: str
) -> tuple[list[Any], list[np.ndarray]]:
    """Builds and calls the layer in `dtype`; returns its weights and what it gave."""
    tf.keras.backend.set_floatx(dtype)
    layer = BUILD(case.layer)
    x = tf.constant(arrays[case.inputs].astype(dtype))
    kwargs: dict[str, Any] = {}
    if case.mask is not None:
        kwargs["mask"] = tf.constant(arrays[case.mask])
    if case.initial_state is not None:
        kwargs["initial_state"] = [tf.constant(arrays[s].astype(dtype)) for s in case.initial_state]
    layer.build(x.shape)
    weights = shared_weights([w.shape.as_list() for w in layer.weights])
    layer.set_weights([w.astype(dtype) for w in weights])
    return weights, flatten(layer(x, **kwargs))


def distance(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The largest absolute difference, NaN equal to NaN and infinity to itself."""
    worst = 0.0
    for x, y in zip(a, b, strict=True):
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(invalid="ignore"):
            worst = max(worst, float(np.max(np.where(same, 0, np.abs(x - y)), initial=0)))
    return worst


def layer_cases(arrays: dict[str, np.ndarray], weights: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The cases of rnn.json; `weights` receives the shared weights they use."""
    for case in rnn_cases.all_cases():
        out: dict[str, Any] = {"name": case.name, "layer": case.layer, "inputs": case.inputs}
        out |= {"mask": case.mask, "initial_state": case.initial_state}
        try:
            used, double = run(case, arrays, "float64")
            _, single = run(case, arrays, "float32")
        except Exception as error:
            out["error"] = {"type": type(error).__name__, "message": golden_io.message(error)}
        if "error" not in out:
            out["weights"] = signature([list(w.shape) for w in used])
            weights[out["weights"]] = [golden_io.array(w) for w in used]
            out["outputs"] = [golden_io.array(v) for v in double]
            out["float32_error"] = distance(double, single)
            if not np.isfinite(out["float32_error"]):
                raise ValueError(f"{case.name}: the numbers grow out of float32")
        yield out


def initializers(cell: Any) -> dict[str, Any]:
    """The config of every initializer of a cell."""
    names = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
    return {n: tf.keras.initializers.serialize(getattr(cell, n)) for n in names}


def weight_cases() -> Iterator[dict[str, Any]]:
    """The cases of rnn_weights.json."""
    tf.keras.backend.set_floatx("float32")
    asked = {f"{k}/cell": rnn_cases.cell(k) for k in rnn_cases.KINDS}
    asked |= {f"{k}/cell_no_bias": rnn_cases.cell(k, use_bias=False) for k in rnn_cases.KINDS}
    asked |= {f"{k}/layer": rnn_cases.layer(k) for k in rnn_cases.KINDS}
    asked["lstm/cell_no_unit_forget_bias"] = rnn_cases.cell("lstm", unit_forget_bias=False)
    asked |= {f"{k}/rnn": rnn_cases.rnn(rnn_cases.cell(k)) for k in rnn_cases.KINDS}
    asked["stacked"] = rnn_cases.rnn([rnn_cases.cell("gru"), rnn_cases.cell("lstm", 2)])
    for name, made in asked.items():
        layer = BUILD(made)
        is_cell = made["call"].endswith("Cell")
        layer.build((None, 4) if is_cell else (None, None, 4))
        out: dict[str, Any] = {"name": name, "layer": made}
        out["weights"] = [
            [w.name.split(":")[0].split("/")[-1], w.shape.as_list()] for w in layer.weights
        ]
        cell = layer if is_cell else layer.cell
        if not isinstance(cell, tf.keras.layers.StackedRNNCells):
            out["initializers"] = initializers(cell)
            out["state_size"], out["output_size"] = cell.state_size, cell.output_size
            config = layer.get_config()
            out["config"] = {k: v for k, v in config.items() if k not in ("name", "cell")}
            bias = [w for w in layer.weights if "bias" in w.name]
            out["initial_bias"] = golden_io.array(np.float32(bias[0].numpy())) if bias else None
        yield out


def activation_values(
    parametric: Sequence[tuple[str, dict[str, Any]]] = rnn_cases.PARAMETRIC,
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """The cases of activations.json."""
    grid = np.concatenate(
        [np.linspace(-12, 12, 97), [-1e-4, 1e-4, -2.5, 2.5, -100, 100, -90, 90, 1e-20, -0.0, 1e4]]
    )
    grid = np.concatenate([grid, [np.inf, -np.inf, np.nan, -1e4, 50, -50]]).astype(np.float32)
    cases = []
    plain = [(name, {}) for name in rnn_cases.ACTIVATIONS]
    for name, kwargs in [*plain, *parametric]:
        call = tf.keras.activations.get(name)
        shape = (-1, 6) if name == "softmax" else (-1,)
        double = call(tf.constant(grid.reshape(shape).astype(np.float64)), **kwargs).numpy()
        single = call(tf.constant(grid.reshape(shape)), **kwargs).numpy()
        error = distance([double], [single])
        cases.append(
            {
                "name": " ".join([name, *(f"{k}={v}" for k, v in kwargs.items())]),
                "function": name,
                "kwargs": kwargs,
                "values": golden_io.array(double),
                "float32": golden_io.array(single),
                "float32_error": error if np.isfinite(error) else None,
            }
        )
    return grid, cases


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    grid, activations = activation_values()
    golden_io.write(
        out / "activations.json", "Keras 2's activations.", activations, x=golden_io.array(grid)
    )
    arrays = rnn_cases.shared_arrays()
    weights: dict[str, Any] = {}
    cases = list(layer_cases(arrays, weights))
    shared = {k: golden_io.array(v) for k, v in arrays.items()} | weights
    golden_io.write(out / "rnn.json", "Recurrent layers in inference.", cases, arrays=shared)
    about = "Weights and configs of cells and recurrent layers."
    golden_io.write(out / "rnn_weights.json", about, list(weight_cases()))


if __name__ == "__main__":
    main()
