"""Makes pooling.json and bidirectional.json: Keras 2's poolings, attention and Bidirectional.

All numbers are float64. Gradients are those of the sum of all outputs times golden.coefficients.

pooling.json        per case: the layer, inputs, mask, the result and the gradient of the inputs;
                    of Attention a query [B, 1, D], keys or none, weights, the gradients of each
bidirectional.json  "x" and "masks"; per case: the layer, the name of its mask, the number of
                    initial states, names and shapes of weights, outputs, and the gradients of
                    inputs, states and weights. State i is golden.normal(shape, 30 + i), weight i
                    is 0.4 * golden.normal(shape, 6 + i).
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from collections.abc import Iterator
from typing import Any

import golden
import numpy as np
import rnn_cases
import tensorflow as tf

BUILD = golden.Builder(tf.keras.layers, tf.as_dtype, {})
BATCH, STEPS, WIDTH = 4, 6, 5


MASKS = {
    "none": None,
    "prefix": np.arange(STEPS) < np.array([6, 3, 1, 5])[:, None],
    "holes": np.array([[1, 0, 1, 1, 0, 1], [0, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1], [1] * 6], bool),
}


def encoded(x: Any) -> Any:
    """An array, or None."""
    return None if x is None else golden_io.array(x)


def gradients(tape: tf.GradientTape, outputs: list[Any], of: list[Any]) -> list[np.ndarray]:
    """The gradients of sum(outputs * coefficients)."""
    with tape:
        parts = [tf.reduce_sum(y * golden.coefficients(y.shape)) for y in outputs]
        loss = tf.add_n(parts)
    return [g.numpy() for g in tape.gradient(loss, of, unconnected_gradients="zero")]


def pooling_cases() -> Iterator[dict[str, Any]]:
    """Keras's poolings; the maximum knows no mask."""
    tied = np.round(golden.normal((BATCH, STEPS, WIDTH), 1))
    for name in ("GlobalAveragePooling1D", "GlobalMaxPooling1D"):
        for keepdims in (False, True):
            for mask_name, mask in MASKS.items():
                if mask is not None and name == "GlobalMaxPooling1D":
                    continue
                made = {"call": name, "kwargs": {"keepdims": keepdims}}
                layer, x = BUILD(made), tf.constant(tied)
                kwargs = {} if mask is None else {"mask": tf.constant(mask)}
                with tf.GradientTape(persistent=True) as tape:
                    tape.watch(x)
                    result = layer(x, **kwargs)
                (grad,) = gradients(tape, [result], [x])
                yield {
                    "name": f"{name}/{'keepdims' if keepdims else 'flat'}/{mask_name}",
                    "layer": made,
                    "config": layer.get_config(),
                    "x": golden_io.array(tied),
                    "mask": encoded(mask),
                    "result": golden_io.array(result.numpy()),
                    "grad_x": golden_io.array(grad),
                }


def attention_cases() -> Iterator[dict[str, Any]]:
    """Keras's Attention with one query per row."""
    for use_scale in (False, True):
        for with_keys in (False, True):
            for mask_name, mask in MASKS.items():
                layer = tf.keras.layers.Attention(use_scale=use_scale)
                x = tf.constant(golden.normal((BATCH, STEPS, WIDTH), 2))
                depth = WIDTH - 2 if with_keys else WIDTH
                query = tf.constant(golden.normal((BATCH, 1, depth), 3))
                keys = tf.constant(golden.normal((BATCH, STEPS, depth), 4)) if with_keys else None
                given = [query, x] if keys is None else [query, x, keys]
                masks = [None, None if mask is None else tf.constant(mask)]
                layer(given)
                if use_scale:
                    layer.set_weights([np.float64(0.7)])
                with tf.GradientTape(persistent=True) as tape:
                    tape.watch(given)
                    result = layer(given, mask=masks)
                found = gradients(tape, [result], [*given, *layer.weights])
                names = ["query", "x", *(["keys"] if with_keys else [])]
                names += [w.name.split("/")[-1].split(":")[0] for w in layer.weights]
                yield {
                    "name": f"attention/{mask_name}"
                    + ("/scale" if use_scale else "")
                    + ("/keys" if with_keys else ""),
                    "config": layer.get_config(),
                    "x": golden_io.array(x.numpy()),
                    "query": golden_io.array(query.numpy()),
                    "keys": None if keys is None else golden_io.array(keys.numpy()),
                    "mask": encoded(mask),
                    "weights": [golden_io.array(w.numpy()) for w in layer.weights],
                    "result": golden_io.array(result.numpy()),
                    "grads": {n: golden_io.array(g) for n, g in zip(names, found, strict=True)},
                }


def bidirectional(layer: Any, **kwargs: Any) -> dict[str, Any]:
    """JSON of a Bidirectional."""
    return {"call": "Bidirectional", "args": [layer], "kwargs": kwargs}


def bidirectional_layers() -> Iterator[tuple[str, dict[str, Any], str, int]]:
    """Name, layer, mask, and how many initial states."""
    for kind in rnn_cases.KINDS:
        for merge in ("concat", "sum", "mul", "ave", None):
            made = rnn_cases.layer(kind, return_sequences=True)
            yield f"{kind}/{merge}/holes", bidirectional(made, merge_mode=merge), "holes", 0
            made = rnn_cases.layer(kind)
            yield f"{kind}/{merge}/last", bidirectional(made, merge_mode=merge), "prefix", 0
        states = 4 if kind == "lstm" else 2
        full = rnn_cases.layer(kind, **rnn_cases.FULL)
        for mask in MASKS:
            yield f"{kind}/full/{mask}", bidirectional(full), mask, states
    gru = rnn_cases.layer("gru", **rnn_cases.FULL)
    yield "gru/full/no_merge", bidirectional(gru, merge_mode=None), "holes", 0
    turned = rnn_cases.layer("gru", return_sequences=True, go_backwards=True)
    yield "gru/turned", bidirectional(turned), "holes", 0
    other = rnn_cases.layer("lstm", 4, return_sequences=True, go_backwards=True)
    forward = rnn_cases.layer("gru", return_sequences=True)
    yield "two_kinds", bidirectional(forward, backward_layer=other), "prefix", 0
    cell = rnn_cases.rnn(rnn_cases.cell("gru"), return_sequences=True, return_state=False)
    yield "rnn", bidirectional(cell), "holes", 0
    stack = [rnn_cases.cell("gru"), rnn_cases.cell("lstm", 2)]
    stacked = rnn_cases.rnn(stack, return_sequences=True, return_state=False)
    yield "stacked", bidirectional(stacked, merge_mode="sum"), "holes", 0


def bidirectional_cases() -> Iterator[dict[str, Any]]:
    """The cases of bidirectional.json."""
    for name, made, mask_name, states in bidirectional_layers():
        tf.keras.backend.clear_session()
        layer = BUILD(made)
        x = tf.constant(golden.normal((BATCH, STEPS, WIDTH), 5))
        layer.build(x.shape)
        weights = [0.4 * golden.normal(tuple(w.shape), 6 + i) for i, w in enumerate(layer.weights)]
        layer.set_weights(weights)
        given = [
            tf.constant(golden.normal((BATCH, rnn_cases.HIDDEN), 30 + i)) for i in range(states)
        ]
        kwargs = {"initial_state": given} if given else {}
        if MASKS[mask_name] is not None:
            kwargs["mask"] = tf.constant(MASKS[mask_name])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([x, *given])
            outputs = tf.nest.flatten(layer(x, **kwargs))
        found = gradients(tape, outputs, [x, *given, *layer.weights])
        yield {
            "name": name,
            "layer": made,
            "mask": mask_name,
            "states": states,
            "weights": [w.name.split(":")[0] for w in layer.weights],
            "shapes": [list(w.shape) for w in layer.weights],
            "outputs": [golden_io.array(y.numpy()) for y in outputs],
            "grads": [golden_io.array(g) for g in found],
        }


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    tf.keras.backend.set_floatx("float64")
    about = "Poolings over time and dot-product attention, with gradients."
    golden_io.write(out / "pooling.json", about, [*pooling_cases(), *attention_cases()])
    about = "Recurrent layers in both directions, with gradients."
    shared = {"x": golden_io.array(golden.normal((BATCH, STEPS, WIDTH), 5))}
    shared["masks"] = {k: encoded(m) for k, m in MASKS.items()}
    golden_io.write(out / "bidirectional.json", about, list(bidirectional_cases()), **shared)


if __name__ == "__main__":
    main()
