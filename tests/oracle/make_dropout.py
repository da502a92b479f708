"""Makes dropout.json: Keras 2's recurrent layers in training, under masks that weft would draw.

Keras's own masks cannot be had again, so its cells get these in their place: what is compared is
where a mask is multiplied in, forwards and backwards. The masks are made by the formula of
include/weft/rnn.h, written down here a second time. "arrays": shared inputs, mask, and weights by
case. Each case: "layer", "step", and Keras's answers in float64: "outputs" (outputs, then states),
and "gradients" of sum(outputs^2) + sum(states) with regard to inputs and weights.
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
from make_rnn import flatten, shared_weights

BUILD = golden.Builder(tf.keras.layers, tf.as_dtype, {})
SEED, STEP = 5, 3
WORD, LONG = (1 << 32) - 1, (1 << 64) - 1


def mixed(x: int) -> int:
    """SplitMix64."""
    x = (x + 0x9E3779B97F4A7C15) & LONG
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & LONG
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & LONG
    return x ^ (x >> 31)


def block(key: int, step: int, i: int) -> list[int]:
    """Four words of Philox 4x32-10."""
    k0, k1 = key & WORD, key >> 32
    c = [i & WORD, i >> 32, step & WORD, step >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & WORD, (p0 >> 32) ^ c[3] ^ k1, p0 & WORD]
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c


def drawn(rate: float, stream: str, rows: int, masks: int, width: int) -> list[np.ndarray]:
    """The masks [rows, width] of a cell, one for each of `masks` gates."""
    named = 0xCBF29CE484222325
    for byte in stream.encode():
        named = (named ^ byte) * 0x100000001B3 & LONG
    key = mixed((named + mixed(SEED)) & LONG)
    words = [block(key, STEP, i // 4)[i % 4] for i in range(rows * masks * width)]
    kept = np.array(words, np.float64) >= rate * 2.0**32
    return list((kept / (1 - rate)).reshape(rows, masks, width).transpose(1, 0, 2))


def give_masks(cell: Any, scope: str, rows: int, depth: int) -> None:
    """Has the cell multiply by weft's masks instead of its own."""
    gates = {"SimpleRNNCell": 1, "GRUCell": 3, "LSTMCell": 4}[type(cell).__name__]
    by_gate = getattr(cell, "implementation", 2) == 1
    masks = drawn(cell.dropout, f"{scope}/dropout", rows, gates if by_gate else 1, depth)
    states = drawn(cell.recurrent_dropout, f"{scope}/recurrent_dropout", rows, gates, cell.units)
    inputs = masks if by_gate else masks * gates

    def given(made: list[np.ndarray], rate: float) -> Any:
        if rate == 0:
            return lambda inputs, training, count=1: None
        tensors = [tf.constant(m.astype(tf.keras.backend.floatx())) for m in made]
        return lambda inputs, training, count=1: tensors if count > 1 else tensors[0]

    cell.get_dropout_mask_for_cell = given(inputs, cell.dropout)
    cell.get_recurrent_dropout_mask_for_cell = given(states, cell.recurrent_dropout)


def layers() -> Iterator[tuple[str, Any]]:
    """(name, JSON of a layer)."""
    kinds = {
        "inputs": {"dropout": 0.4},
        "states": {"recurrent_dropout": 0.3},
        "both": {"dropout": 0.4, "recurrent_dropout": 0.3},
    }
    for kind in rnn_cases.KINDS:
        for name, rates in kinds.items():
            cell = rnn_cases.cell(kind, name="a", seed=SEED, **rates)
            yield f"{kind}/{name}", rnn_cases.rnn(cell, **rnn_cases.FULL)
        if kind == "simple":
            continue
        for name in ("inputs", "both"):
            cell = rnn_cases.cell(kind, name="a", seed=SEED, implementation=1, **kinds[name])
            yield f"{kind}/{name}_implementation_1", rnn_cases.rnn(cell, **rnn_cases.FULL)
        cell = rnn_cases.cell(kind, name="a", seed=SEED, **kinds["both"])
        yield f"{kind}/backwards", rnn_cases.rnn(cell, go_backwards=True, **rnn_cases.FULL)
    cells = [
        rnn_cases.cell("gru", 4, name="a", seed=SEED, **kinds["inputs"]),
        rnn_cases.cell("lstm", 3, name="b", seed=SEED, **kinds["both"]),
        rnn_cases.cell("simple", 2, name="c", seed=SEED, **kinds["inputs"]),
    ]
    yield "stacked", rnn_cases.rnn(cells, **rnn_cases.FULL)


def cases(arrays: dict[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """What Keras says of each layer."""
    x = tf.constant(arrays["x"].astype(np.float64))
    mask = tf.constant(arrays["mask"])
    for name, made in layers():
        layer = BUILD(made)
        layer.build(x.shape)
        weights = shared_weights([w.shape.as_list() for w in layer.weights])
        layer.set_weights([w.astype(np.float64) for w in weights])
        stacked = isinstance(made["args"][0], list)
        depth = x.shape[2]
        for place, cell in enumerate(layer.cell.cells if stacked else [layer.cell]):
            scope = f"cell_{place}/{cell.name}" if stacked else cell.name
            give_masks(cell, scope, x.shape[0], depth)
            depth = cell.units
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs, *states = layer(x, mask=mask, training=True)
            loss = tf.reduce_sum(outputs**2)
            for state in tf.nest.flatten(states):
                loss += tf.reduce_sum(state)
        gradients = tape.gradient(loss, [x, *layer.trainable_weights])
        yield {
            "name": name,
            "layer": made,
            "step": STEP,
            "weights": [golden_io.array(w) for w in weights],
            "outputs": [golden_io.array(v) for v in flatten([outputs, *states])],
            "gradients": [golden_io.array(g.numpy()) for g in gradients],
        }


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    tf.keras.backend.set_floatx("float64")
    shared = rnn_cases.shared_arrays()
    arrays = {"x": shared["x_5x6x4"], "mask": shared["mask_holes"]}
    encoded = {k: golden_io.array(v) for k, v in arrays.items()}
    about = "Recurrent layers in training, under given masks of dropout."
    golden_io.write(out / "dropout.json", about, list(cases(arrays)), arrays=encoded)


if __name__ == "__main__":
    main()
