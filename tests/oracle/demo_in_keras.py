#!/usr/bin/env python3
"""The demo's model of buying again, in Keras, on the demo's own records: the same AUC?

    .venv/tf215/bin/python tests/oracle/demo_in_keras.py build/demo

Reads train.tfrecord, judged.tfrecord and training.json, which demo/run.py has left there, with
TensorFlow. Layers, optimizer, schedule, batches and epochs are the demo's; weights and the order of
the rows are Keras's own, so the two differ by what chance does.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

NOISE = 0.004  # of an AUC over 27,000 rows, between runs from other seeds
DAY = 24 * 3600
LISTS = {"times": tf.int64, "spent": tf.float32, "sizes": tf.float32}
LISTS |= {"hours": tf.int64, "weekdays": tf.int64}
SCALARS = {"now": tf.int64, "hour": tf.int64, "weekday": tf.int64, "buys_again": tf.int64}
SCALARS |= {"gap": tf.float32, "mean_gap": tf.float32, "baskets": tf.float32}
SPEC = {key: tf.io.RaggedFeature(dtype) for key, dtype in LISTS.items()}
SPEC |= {key: tf.io.FixedLenFeature([], dtype) for key, dtype in SCALARS.items()}


def inputs(serialized: Any) -> tuple[dict[str, Any], Any]:
    """A batch as the model's inputs, padded, and its labels."""
    features = tf.io.parse_example(serialized, SPEC)
    times = features["times"]
    ago = tf.cast(tf.expand_dims(features["now"], 1) - times, tf.float32) / DAY
    padded = times.to_tensor()
    before = tf.concat([padded[:, :1], padded[:, :-1]], 1)
    mask = tf.sequence_mask(times.row_lengths())
    since = tf.where(mask, tf.cast(padded - before, tf.float32) / 3600, 0.0)
    numbers = [since, *(x.to_tensor() for x in (ago, features["spent"], features["sizes"]))]
    once = [features[key] for key in ("gap", "mean_gap", "baskets")]
    return {
        "numbers": tf.math.log1p(tf.stack(numbers, 2)),
        "hours": features["hours"].to_tensor(),
        "weekdays": features["weekdays"].to_tensor(),
        "mask": mask,
        "once": tf.math.log1p(tf.stack(once, 1)),
        "hour": features["hour"],
        "weekday": features["weekday"],
    }, features["buys_again"]


def table(buckets: int, dimension: int) -> Any:
    """An embedding that begins as embedding_column's."""
    normal = tf.keras.initializers.TruncatedNormal(stddev=dimension**-0.5)
    return tf.keras.layers.Embedding(buckets, dimension, embeddings_initializer=normal)


def make_model() -> Any:
    """The model of demo/training.py."""
    shapes = {"numbers": (None, 4), "hours": (None,), "weekdays": (None,), "mask": (None,)}
    shapes |= {"once": (3,), "hour": (), "weekday": ()}
    kinds = {"numbers": "float32", "once": "float32", "mask": "bool"}
    x = {k: tf.keras.Input(s, dtype=kinds.get(k, "int64"), name=k) for k, s in shapes.items()}
    steps = [x["numbers"], table(24, 4)(x["hours"]), table(7, 3)(x["weekdays"])]
    state = tf.keras.layers.GRU(32)(tf.concat(steps, 2), mask=x["mask"])
    context = [x["once"], table(24, 4)(x["hour"]), table(7, 3)(x["weekday"])]
    hidden = tf.keras.layers.Dense(32, "relu")(tf.concat([state, *context], 1))
    return tf.keras.Model(x, tf.keras.layers.Dense(1)(hidden))


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """How often a positive is above a negative; ties count half."""
    order = np.sort(scores)
    rank = (np.searchsorted(order, scores) + np.searchsorted(order, scores, "right") + 1) / 2
    positives = labels.sum()
    above = rank[labels == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(labels) - positives)))


def main() -> int:
    folder = Path(sys.argv[1])
    demo = json.loads((folder / "training.json").read_text())

    def batches(name: str) -> Any:
        return tf.data.TFRecordDataset(str(folder / f"{name}.tfrecord"))

    train = batches("train").shuffle(demo["train_rows"]).batch(demo["batch"])
    judged = batches("judged").batch(demo["batch"]).map(inputs)
    steps = demo["epochs"] * -(-demo["train_rows"] // demo["batch"])
    tf.keras.utils.set_random_seed(1)
    model = make_model()
    schedule = tf.keras.optimizers.schedules.CosineDecay(demo["learning_rate"], steps)
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(schedule), loss)
    start = time.perf_counter()
    model.fit(train.map(inputs).prefetch(2), epochs=demo["epochs"], verbose=2)
    seconds = time.perf_counter() - start
    labels = np.concatenate([y.numpy() for _, y in judged])
    found = auc(labels, model.predict(judged.map(lambda x, _: x), verbose=0)[:, 0])
    print(
        f"buys again within 7 days: AUC {found:.4f} in Keras ({seconds:.0f} s), "
        f"{demo['auc']:.4f} in weft ({demo['seconds']:.0f} s), baseline {demo['baseline']:.4f}"
    )
    if abs(found - demo["auc"]) > NOISE:
        print(f"FAILED: the two are more than {NOISE} apart")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
