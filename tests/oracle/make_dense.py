"""Makes dense.json and sequential.json: Keras 2's Dense, and Sequential models in inference.

dense.json        per case: the layer, its input and weights, Keras's answer computed in float64 and
                  how far its float32 answer is from it; its config and the names of its weights
sequential.json   per case: the layers, the columns of a feature layer that stands before them with
                  its features, or an array and a mask, all weights and the answer, or the error.
                  Keras's Sequential cannot hold a SequenceFeatures, which has two outputs: there
                  the layers are called one by one, recurrent ones with the mask of its lengths.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from collections.abc import Iterator
from typing import Any

import golden
import numpy as np
import tensorflow as tf

LAYERS = golden.Builder(tf.keras.layers, tf.as_dtype, {})
COLUMNS = golden.Builder(tf.feature_column, tf.as_dtype, {})
ACTIVATIONS = ("tanh", "sigmoid", "relu", "elu", "selu", "softplus", "gelu", "swish", "softmax")


def call(name: str, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """A call as golden.Builder reads it."""
    return {"call": name, "args": list(args), "kwargs": kwargs}


def numbers(shape: tuple[int, ...], seed: int, scale: float = 1.0) -> np.ndarray:
    """Normal numbers that are exact in float32."""
    return (np.random.RandomState(seed).standard_normal(shape) * scale).astype(np.float32)


def dense(made: dict[str, Any], x: np.ndarray, dtype: str) -> tuple[Any, list[np.ndarray], Any]:
    """Builds and calls the layer in `dtype`."""
    tf.keras.backend.set_floatx(dtype)
    tf.keras.backend.clear_session()
    layer = LAYERS(made)
    layer.build(x.shape)
    weights = [numbers(tuple(w.shape), 5 + i, 0.4) for i, w in enumerate(layer.weights)]
    layer.set_weights([w.astype(dtype) for w in weights])
    return layer, weights, layer(tf.constant(x.astype(dtype))).numpy()


def dense_cases() -> Iterator[dict[str, Any]]:
    """The cases of dense.json."""
    asked = {f"shape/{shape}": (call("Dense", 3), shape) for shape in [(5,), (2, 4), (3, 2, 5)]}
    asked |= {"shape/(2, 3, 2, 4)": (call("Dense", 7), (2, 3, 2, 4))}
    asked |= {
        "shape/(0, 4)": (call("Dense", 2), (0, 4)),
        "shape/(3, 0)": (call("Dense", 2), (3, 0)),
    }
    asked |= {f"units/{n}": (call("Dense", n), (6, 9)) for n in (0, -1, 1, 8, 17, 40)}
    asked |= {f"activation/{a}": (call("Dense", 5, activation=a), (4, 6)) for a in ACTIVATIONS}
    asked |= {"no_bias": (call("Dense", 5, use_bias=False), (4, 6))}
    asked |= {"positional": (call("Dense", 4, "relu", False, "he_normal", "ones"), (4, 6))}
    for name, (made, shape) in asked.items():
        x = numbers(shape, 3)
        out: dict[str, Any] = {"name": name, "layer": made, "x": golden_io.array(x)}
        try:
            layer, weights, double = dense(made, x, "float64")
            layer, _, single = dense(made, x, "float32")
        except Exception as error:
            out["error"] = {"type": type(error).__name__, "message": golden_io.message(error)}
        else:
            out["weights"] = [golden_io.array(w) for w in weights]
            out["weight_names"] = [w.name.split(":")[0].split("/")[-1] for w in layer.weights]
            out["config"] = layer.get_config()
            out["output"] = golden_io.array(double)
            out["float32_error"] = float(np.max(np.abs(double - single), initial=0))
        yield out


IDS = {"indices": [[0, 0], [0, 1], [1, 0], [1, 1], [1, 2]], "values": [3, 0, 1, 1, 4]}
NUMBERS = {"indices": IDS["indices"], "values": np.float32([0.5, -1, 2, 0.25, 3])}
BAGS = {"indices": IDS["indices"], "values": IDS["values"]}
SEQUENCE = [
    call("indicator_column", call("sequence_categorical_column_with_identity", "a", num_buckets=5)),
    call("sequence_numeric_column", "b"),
    call(
        "embedding_column",
        call("sequence_categorical_column_with_identity", "c", num_buckets=5),
        dimension=3,
    ),
]
ROWS = [
    call("indicator_column", call("categorical_column_with_identity", "a", num_buckets=5)),
    call(
        "embedding_column",
        call("categorical_column_with_identity", "c", num_buckets=5),
        dimension=3,
    ),
]


def model_cases() -> Iterator[dict[str, Any]]:
    """What sequential.json asks: name, feature layer or none, layers, mask."""
    gru, lstm, head = call("GRU", 6), call("LSTM", 4), call("Dense", 1, activation="sigmoid")
    steps = call("GRU", 5, return_sequences=True)
    backwards = call("GRU", 5, return_sequences=True, go_backwards=True)
    rnn = call("RNN", call("GRUCell", 4))
    stack = call("RNN", [call("GRUCell", 4), call("LSTMCell", 3)])
    for name, layers in {
        "gru_dense": [gru, head],
        "rnn_dense": [rnn, head],
        "stacked_cells": [stack, head],
        "two_rnns": [steps, lstm, head],
        "backwards_then_forwards": [backwards, gru],
        "steps_dense": [steps, head],
        "dense_between": [steps, call("Dense", 3, activation="relu"), lstm],
        "returns_state": [call("GRU", 3, return_state=True), head],
    }.items():
        for mask in ("none", "prefix", "holes"):
            yield {"name": f"array/{name}/{mask}", "features": None, "layers": layers, "mask": mask}
        if name != "returns_state":
            yield {"name": f"sequence/{name}", "features": "SequenceFeatures", "layers": layers}
    yield {"name": "sequence/dense", "features": "SequenceFeatures", "layers": [head]}
    yield {"name": "rows/dense", "features": "DenseFeatures", "layers": [head]}
    two = [call("Dense", 8, activation="relu"), call("Dense", 2, activation="softmax")]
    yield {"name": "rows/two", "features": "DenseFeatures", "layers": two}
    same = [call("Dense", 2, name="d"), call("Dense", 2, name="d")]
    yield {"name": "array/one_name", "features": None, "layers": same, "mask": "none"}


MASKS = {
    "prefix": np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool),
    "holes": np.array([[0, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 1]], bool),
}


def sparse(x: dict[str, Any]) -> tf.SparseTensor:
    """A feature of two rows and three steps, ids as int64."""
    values = np.asarray(x["values"])
    values = values if values.dtype == np.float32 else values.astype(np.int64)
    return tf.SparseTensor(x["indices"], values, [2, 3])


def run_model(case: dict[str, Any], out: dict[str, Any]) -> np.ndarray:
    """Calls the model; `out` receives what it was given and its weights."""
    tf.keras.backend.clear_session()
    layers = [LAYERS(layer) for layer in case["layers"]]
    mask, kwargs = None, {}
    if case["features"]:
        sequence = case["features"] == "SequenceFeatures"
        out["columns"] = SEQUENCE if sequence else ROWS
        features = {"a": sparse(IDS), "b": sparse(NUMBERS), "c": sparse(BAGS)}
        out["features"] = {k: golden_io.tensor(v) for k, v in features.items()}
        columns = [COLUMNS(c) for c in out["columns"]]
        if sequence:
            first = tf.keras.experimental.SequenceFeatures(columns)
        else:
            first, inputs = tf.keras.layers.DenseFeatures(columns), features
    else:
        sequence = False
        inputs = numbers((3, 4, 5), 8)
        out["x"] = golden_io.array(inputs)
        mask = MASKS.get(case["mask"])
        out["mask"] = None if mask is None else golden_io.array(mask)
        kwargs = {} if mask is None else {"mask": tf.constant(mask)}
    if sequence:
        x, lengths = first(features)
        mask = tf.sequence_mask(lengths, x.shape[1])

        def model() -> Any:
            y, m = first(features)[0], mask
            for layer in layers:
                recurrent = isinstance(layer, tf.keras.layers.RNN)
                y = layer(y, mask=m) if recurrent else layer(y)
                m = None if recurrent and not layer.return_sequences else m
            return y

        model()
        variables = [first, *layers]
    else:
        made = tf.keras.Sequential([first, *layers] if case["features"] else layers)

        def model() -> Any:
            return made(inputs, **kwargs)

        model()
        variables = made.layers
    weights = [w for layer in variables for w in layer.weights]
    for i, weight in enumerate(weights):
        weight.assign(numbers(tuple(weight.shape), 20 + i, 0.4))
    out["weights"] = [golden_io.array(w.numpy()) for w in weights]
    return model().numpy()


def sequential_cases() -> Iterator[dict[str, Any]]:
    """The cases of sequential.json."""
    tf.keras.backend.set_floatx("float32")
    for case in model_cases():
        out = {"name": case["name"], "first": case["features"], "layers": case["layers"]}
        result = golden_io.outcome(lambda c=case, o=out: run_model(c, o), golden_io.array)
        yield {**out, **result}


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    golden_io.write(out / "dense.json", "Keras 2's Dense in inference.", list(dense_cases()))
    about = "Sequential models in inference."
    golden_io.write(out / "sequential.json", about, list(sequential_cases()))


if __name__ == "__main__":
    main()
