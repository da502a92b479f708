"""Makes sampled_softmax.json: tf.nn.sampled_softmax_loss with its gradients, and expected counts.

losses    per case: weights, biases or none, labels, inputs, sampled values, whether accidental hits
          are removed; every row's loss, and the gradients of the sum of the losses times `grad`
counts    per case: a sampler, what it drew, and the counts that it expected
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

SHAPES = {  # B, D, V, S, num_true
    "one_row": (1, 3, 10, 4, 1),
    "small": (5, 4, 20, 7, 1),
    "several_labels": (6, 5, 30, 9, 3),
    "many_hits": (8, 6, 12, 10, 2),
    "one_sampled": (4, 2, 9, 1, 1),
    "wide": (7, 33, 100, 40, 4),
}


def dense(x: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient as an array."""
    if x is None:
        return np.zeros(shape)
    return tf.convert_to_tensor(x).numpy()


def loss_case(name: str, shape: tuple[int, ...], dtype: str, remove: bool, bias: bool) -> Any:
    """One case. The sample holds classes that are labels; some twice, where hits are kept.

    Of a class that was drawn twice TensorFlow removes one hit, weft both.
    """
    rows, depth, classes, sampled, true = shape
    random = np.random.RandomState(sum(shape))
    draw = lambda *s: tf.Variable(random.normal(size=s).astype(dtype))  # noqa: E731
    weights, biases, inputs = draw(classes, depth), draw(classes), draw(rows, depth)
    labels = random.randint(0, classes, (rows, true))
    values = (
        random.permutation(classes)[:sampled] if remove else random.randint(0, classes, sampled),
        random.uniform(0.01, 2, (rows, true)).astype("float32"),
        random.uniform(0.01, 2, sampled).astype("float32"),
    )
    grad = random.normal(size=rows).astype(dtype)
    with tf.GradientTape() as tape:
        losses = tf.nn.sampled_softmax_loss(
            weights,
            biases if bias else tf.zeros(classes, dtype),
            labels,
            inputs,
            sampled,
            classes,
            true,
            tuple(tf.cast(v, dtype) if v.dtype == np.float32 else v for v in values),
            remove,
        )
        total = tf.reduce_sum(losses * grad)
    made = tape.gradient(total, [weights, biases, inputs])
    of_weights, of_biases, of_inputs = (
        dense(g, tuple(v.shape)) for g, v in zip(made, (weights, biases, inputs), strict=True)
    )
    arrays = {
        "weights": weights.numpy(),
        "labels": labels,
        "inputs": inputs.numpy(),
        "sampled": values[0],
        "true_expected": values[1],
        "sampled_expected": values[2],
        "grad": grad,
        "losses": losses.numpy(),
        "grad_weights": of_weights,
        "grad_inputs": of_inputs,
    }
    if bias:
        arrays |= {"biases": biases.numpy(), "grad_biases": of_biases}
    return {
        "name": name,
        "remove_accidental_hits": remove,
        **{k: golden_io.array(v) for k, v in arrays.items()},
    }


def loss_cases() -> Iterator[dict[str, Any]]:
    """The cases of losses."""
    for name, shape in SHAPES.items():
        for dtype in ("float32", "float64"):
            for remove in (False, True):
                for bias in (False, True) if name == "small" else (True,):
                    full = f"{name}/{dtype}/{'removed' if remove else 'kept'}/{bias}"
                    yield loss_case(full, shape, dtype, remove, bias)


def count_cases() -> Iterator[dict[str, Any]]:
    """The cases of counts."""
    labels = np.array([[0], [1], [7], [29]])
    counts = [float(c) for c in np.random.RandomState(4).randint(1, 50, 30)]
    samplers = {
        "uniform": (tf.random.uniform_candidate_sampler, {}),
        "log_uniform": (tf.random.log_uniform_candidate_sampler, {}),
        "unigram": (
            lambda **kw: tf.nn.fixed_unigram_candidate_sampler(unigrams=counts, **kw),
            {"counts": golden_io.array(np.array(counts))},
        ),
    }
    for name, (sampler, more) in samplers.items():
        for unique in (False, True):
            sampled, true, expected = sampler(
                true_classes=labels, num_true=1, num_sampled=12, unique=unique, range_max=30, seed=3
            )
            yield {
                "name": f"{name}/{unique}",
                "labels": golden_io.array(labels),
                "sampled": golden_io.array(sampled.numpy()),
                "true_expected": golden_io.array(true.numpy()),
                "sampled_expected": golden_io.array(expected.numpy()),
                **more,
            }


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    tf.random.set_seed(1)
    cases = [{"kind": "loss", **c} for c in loss_cases()]
    cases += [{"kind": "counts", **c} for c in count_cases()]
    golden_io.write(out / "sampled_softmax.json", "tf.nn.sampled_softmax_loss.", cases)


if __name__ == "__main__":
    main()
