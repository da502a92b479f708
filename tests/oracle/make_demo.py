"""Makes demo.json: the documented lines in TensorFlow on 64 records of the demo.

The records are demo_records.tfrecord.gz, which `demo/run.py --write-golden-records` makes.

Weights are drawn here and stored with the answers: of the table only the rows that the records use,
as `table_ids` and `table_rows`. `last_step` is the layer's output at the last time step.
TensorFlow's `rnn_layer` needs `return_state=True` for what the page writes.
"""

from __future__ import annotations

from golden_io import array, arguments, write  # isort: skip (sets the environment TensorFlow reads)

from pathlib import Path

import numpy as np
import tensorflow as tf

KNOWN_PRODUCTS = 30154  # of weeks 1-8; see demo/histories.py
HIDDEN_SIZE = 16
DIMENSION = 10


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)


def main() -> None:
    out = arguments(__doc__)
    path = str(Path(__file__).resolve().parent.parent / "golden" / "demo_records.tfrecord.gz")
    serialized = list(tf.data.TFRecordDataset(path, compression_type="GZIP").as_numpy_iterator())
    rng = np.random.default_rng(8451)
    table = draw(rng, KNOWN_PRODUCTS + 1, DIMENSION)
    cell_weights = [
        draw(rng, DIMENSION, HIDDEN_SIZE),
        draw(rng, HIDDEN_SIZE, HIDDEN_SIZE),
        draw(rng, HIDDEN_SIZE),
    ]

    products = tf.feature_column.sequence_categorical_column_with_identity(
        "products", num_buckets=KNOWN_PRODUCTS + 1, default_value=KNOWN_PRODUCTS
    )
    products_embedding = tf.feature_column.embedding_column(products, dimension=DIMENSION)
    columns = [products_embedding]
    features = tf.io.parse_example(
        serialized, features=tf.feature_column.make_parse_example_spec(columns)
    )
    sequence_feature_layer = tf.keras.experimental.SequenceFeatures(columns)
    sequence_feature_layer(features)
    sequence_feature_layer.set_weights([table])
    sequence_input, sequence_length = sequence_feature_layer(features)
    sequence_length_mask = tf.sequence_mask(sequence_length)
    rnn_cell = tf.keras.layers.SimpleRNNCell(HIDDEN_SIZE)
    rnn_layer = tf.keras.layers.RNN(rnn_cell, return_state=True)
    rnn_layer(sequence_input, mask=sequence_length_mask)
    rnn_layer.set_weights(cell_weights)
    outputs, state = rnn_layer(sequence_input, mask=sequence_length_mask)

    ids = features["products"].values.numpy()
    used = np.unique(np.where(ids > KNOWN_PRODUCTS, KNOWN_PRODUCTS, ids))
    case = {
        "name": "documented",
        "table_ids": array(used),
        "table_rows": array(table[used]),
        **{
            key: array(w)
            for key, w in zip(("kernel", "recurrent_kernel", "bias"), cell_weights, strict=True)
        },
        "lengths": array(sequence_length.numpy()),
        "last_step": array(sequence_input.numpy()[:, -1]),
        "outputs": array(outputs.numpy()),
        "state": array(state.numpy()),
    }
    about = "the documented lines on 64 records of the demo, with the weights they were run with"
    write(out / "demo.json", about, [case], num_buckets=KNOWN_PRODUCTS + 1)


if __name__ == "__main__":
    main()
