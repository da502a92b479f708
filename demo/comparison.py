"""64 of the demo's records: what TensorFlow made of them (tests/oracle/make_demo.py), against weft.

The golden file holds the weights as well: those of the RNN, and of the table the rows that these
records use.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import weft
from histories import Examples, ProductIndex
from pipeline import documented

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"
RECORDS = FOLDER / "demo_records.tfrecord.gz"
ANSWERS = FOLDER / "demo.json"
ROWS = 64


class Comparison(NamedTuple):
    """Largest absolute differences between weft and TensorFlow."""

    largest_output: float
    largest_state: float
    largest_input: float
    lengths_equal: bool
    magnitude: float
    tensorflow: str

    @property
    def agrees(self) -> bool:
        """Ids and weights are the same; sums may differ in their last bits."""
        largest = max(self.largest_input, self.largest_output, self.largest_state)
        return self.lengths_equal and largest <= 1e-5 * max(1.0, self.magnitude)


def sample(examples: Examples) -> Examples:
    """64 examples, evenly spread."""
    return examples.take(np.linspace(0, len(examples.basket) - 1, ROWS).round().astype(np.int64))


def golden_records() -> list[bytes]:
    """The records that TensorFlow read."""
    return list(weft.io.TFRecordDataset(str(RECORDS), compression_type="GZIP"))


def write_records(records: list[bytes]) -> None:
    """Replaces the golden records; tests/oracle/make_demo.py has TensorFlow answer them."""
    with weft.io.TFRecordWriter(str(RECORDS), options="GZIP") as writer:
        for record in records:
            writer.write(record)


def array(encoded: dict[str, Any]) -> np.ndarray:
    """An array of a golden file."""
    if "values" in encoded:
        return np.array(encoded["values"], encoded["dtype"]).reshape(encoded["shape"])
    dtype = np.dtype(encoded["dtype"]).newbyteorder("<")
    return np.frombuffer(base64.b64decode(encoded["b64"]), dtype).reshape(encoded["shape"])


def compare(records: list[bytes]) -> Comparison:
    """Runs the documented lines on the records with TensorFlow's weights."""
    answers = json.loads(ANSWERS.read_text())
    case = {
        name: array(value) for name, value in answers["cases"][0].items() if isinstance(value, dict)
    }
    index = ProductIndex(known=answers["num_buckets"] - 1, total=answers["num_buckets"] - 1)
    table = np.zeros((index.num_buckets, case["table_rows"].shape[1]), np.float32)
    table[case["table_ids"]] = case["table_rows"]

    def with_weights(sequence_features: Any, rnn: Any) -> None:
        sequence_features.build(None)
        sequence_features.set_weights([table])
        rnn.build((None, None, table.shape[1]))
        rnn.set_weights([case["kernel"], case["recurrent_kernel"], case["bias"]])

    (batch,) = documented([records], index, hidden_size=case["kernel"].shape[1], made=with_weights)
    return Comparison(
        largest_output=float(np.abs(batch.outputs - case["outputs"]).max()),
        largest_state=float(np.abs(batch.state - case["state"]).max()),
        largest_input=float(np.abs(batch.sequence_input[:, -1] - case["last_step"]).max()),
        lengths_equal=bool(np.array_equal(batch.sequence_length, case["lengths"])),
        magnitude=float(np.abs(case["outputs"]).max()),
        tensorflow=answers["oracle"]["tensorflow"],
    )
