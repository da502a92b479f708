"""The example of TensorFlow's documentation for sequence columns, on a file that TensorFlow wrote.

python examples/documented_example.py [FILE.tfrecord]
"""

import sys
from pathlib import Path

from weft import io, layers, sequence_mask
from weft.feature_column import (
    embedding_column,
    make_parse_example_spec,
    sequence_categorical_column_with_identity,
)
from weft.layers import SequenceFeatures

FILE = Path(__file__).resolve().parents[1] / "tests" / "golden" / "documented.tfrecord"


def main(path: str) -> None:
    """Runs the example on the records of one file."""
    serialized = list(io.TFRecordDataset(path))
    hidden_size = 32

    watches = sequence_categorical_column_with_identity("watches", num_buckets=1000)
    watches_embedding = embedding_column(watches, dimension=10)
    columns = [watches_embedding]

    features = io.parse_example(serialized, features=make_parse_example_spec(columns))
    sequence_feature_layer = SequenceFeatures(columns)
    sequence_input, sequence_length = sequence_feature_layer(features)
    sequence_length_mask = sequence_mask(sequence_length)

    rnn_cell = layers.SimpleRNNCell(hidden_size)
    rnn_layer = layers.RNN(rnn_cell)
    outputs, state = rnn_layer(sequence_input, mask=sequence_length_mask)

    for name, array in (
        ("sequence_input", sequence_input),
        ("sequence_length", sequence_length),
        ("outputs", outputs),
        ("state", state),
    ):
        print(f"{name:<16}{list(array.shape)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(FILE))
