"""Makes the documented example's files: records that TensorFlow wrote and what TensorFlow's
layers make of them.

  documented.tfrecord, .tfrecord.gz, .tfrecord.zlib   24 Examples, 'watches' of 0 to 12 ids
  documented.json    the lines of the documentation, step by step: ids, weights, outputs
  documented.txt     the same numbers for C++: "name rows columns", then the rows as text

Reference outputs are computed by Keras in float64 and float32. The last documented line,
`outputs, state = rnn_layer(...)`, fails in TensorFlow; what it does instead is kept under
"as_documented".
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

NUM_BUCKETS, DIMENSION, HIDDEN = 1000, 10, 32
KEYS = ("sequence_input", "sequence_length", "sequence_length_mask", "outputs", "state")


def records() -> list[bytes]:
    """The Examples: lengths 0 to 12, one without the key, other features beside."""
    rng = np.random.RandomState(2026)
    out = []
    for i in range(24):
        example = tf.train.Example()
        length = (i * 5) % 13
        ids = rng.zipf(1.3, size=length) % NUM_BUCKETS
        example.features.feature["user"].bytes_list.value.append(f"user-{i}".encode())
        if i != 7:
            example.features.feature["watches"].int64_list.value.extend(ids.tolist())
        example.features.feature["rating"].float_list.value.extend(
            rng.uniform(0, 5, length).tolist()
        )
        out.append(example.SerializeToString(deterministic=True))
    return out


def weights() -> dict[str, np.ndarray]:
    """Weights that are exact in float32 and short as text."""
    rng = np.random.RandomState(10)

    def eighths(*shape: int) -> np.ndarray:
        return rng.randint(-24, 25, size=shape) / 64

    return {
        "watches_embedding": eighths(NUM_BUCKETS, DIMENSION),
        "kernel": eighths(DIMENSION, HIDDEN),
        "recurrent_kernel": eighths(HIDDEN, HIDDEN),
        "bias": eighths(HIDDEN),
    }


def documented(serialized: Any, w: dict[str, np.ndarray], dtype: str) -> dict[str, Any]:
    """The documented lines, with return_state=True so that they run; the RNN in `dtype`."""
    column = tf.feature_column.sequence_categorical_column_with_identity
    watches = column("watches", num_buckets=NUM_BUCKETS)
    watches_embedding = tf.feature_column.embedding_column(watches, dimension=DIMENSION)
    columns = [watches_embedding]
    spec = tf.feature_column.make_parse_example_spec(columns)
    features = tf.io.parse_example(serialized, features=spec)
    sequence_feature_layer = tf.keras.experimental.SequenceFeatures(columns)
    sequence_feature_layer(features)
    sequence_feature_layer.set_weights([w["watches_embedding"]])
    sequence_input, sequence_length = sequence_feature_layer(features)
    sequence_length_mask = tf.sequence_mask(sequence_length)
    rnn_cell = tf.keras.layers.SimpleRNNCell(HIDDEN, dtype=dtype)
    rnn_layer = tf.keras.layers.RNN(rnn_cell, return_state=True, dtype=dtype)
    x = tf.cast(sequence_input, dtype)
    rnn_layer(x, mask=sequence_length_mask)
    rnn_layer.set_weights([w[k] for k in ("kernel", "recurrent_kernel", "bias")])
    outputs, state = rnn_layer(x, mask=sequence_length_mask)
    values = (sequence_input, sequence_length, sequence_length_mask, outputs, state)
    return {"features": features, **dict(zip(KEYS, values, strict=True))}


def as_documented(serialized: Any) -> dict[str, Any]:
    """What the last documented line does in TensorFlow as it stands."""

    def call() -> Any:
        column = tf.feature_column.sequence_categorical_column_with_identity
        columns = [tf.feature_column.embedding_column(column("watches", NUM_BUCKETS), DIMENSION)]
        spec = tf.feature_column.make_parse_example_spec(columns)
        features = tf.io.parse_example(serialized, features=spec)
        sequence_input, sequence_length = tf.keras.experimental.SequenceFeatures(columns)(features)
        rnn_layer = tf.keras.layers.RNN(tf.keras.layers.SimpleRNNCell(HIDDEN))
        outputs, state = rnn_layer(sequence_input, mask=tf.sequence_mask(sequence_length))
        return {"outputs_shape": outputs.shape.as_list(), "state_shape": state.shape.as_list()}

    return golden_io.outcome(call, encode=lambda v: v)


def write_text(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays of rank 1 or 2 as text; nine digits give every float32 back."""
    lines = []
    for name, x in arrays.items():
        rows = np.atleast_2d(x)
        lines.append(f"{name} {rows.shape[0]} {rows.shape[1]}")
        lines += [" ".join(f"{v:.9g}" for v in row) for row in rows.tolist()]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    data = records()
    for suffix, compression in (("", ""), (".gz", "GZIP"), (".zlib", "ZLIB")):
        with tf.io.TFRecordWriter(str(out / f"documented.tfrecord{suffix}"), compression) as writer:
            for record in data:
                writer.write(record)
    w = weights()
    single = documented(tf.constant(data), w, "float32")
    double = documented(tf.constant(data), w, "float64")
    case = {
        "name": "documented",
        "num_buckets": NUM_BUCKETS,
        "dimension": DIMENSION,
        "hidden_size": HIDDEN,
        "weights": {k: golden_io.array(v.astype(np.float32)) for k, v in w.items()},
        "float32": golden_io.tensor(single),
        "float64": golden_io.tensor({k: double[k] for k in ("outputs", "state")}),
        "as_documented": {
            "batch_of_24": as_documented(tf.constant(data)),
            "batch_of_2": as_documented(tf.constant(data[1:3])),
            "all_empty": as_documented(tf.constant([data[0], data[7]])),
        },
    }
    golden_io.write(out / "documented.json", "The documented example.", [case])
    text = {**w, "sequence_length": single["sequence_length"].numpy()}
    text |= {k: double[k].numpy() for k in ("outputs", "state")}
    write_text(out / "documented.txt", text)


if __name__ == "__main__":
    main()
