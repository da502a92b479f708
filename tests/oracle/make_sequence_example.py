"""Makes sequence_example.json: tf.io.parse_sequence_example and the protobuf package on the same
bytes.

Each case holds:
  records, context, lists, single   what was asked; a spec that is null was None
  tf                                TensorFlow's outcome on these bytes: [context, lists, lengths],
                                    or [context, lists] of parse_single_sequence_example
  meaning                           TensorFlow's outcome on what protobuf read, written again
                                    canonically, where it differs from `tf`: the contract wherever
                                    TensorFlow's own parser is not a protobuf parser.
                                    {"malformed": true} where protobuf refuses a record
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from typing import Any

import golden
import sequence_example_cases
import tensorflow as tf
from google.protobuf.message import DecodeError
from sequence_example_cases import Case


def ask_tensorflow(case: Case, records: list[bytes]) -> dict[str, Any]:
    """TensorFlow's outcome."""

    def specs() -> list[Any]:
        return [
            spec
            and {key: golden.feature_spec(value, tf.io, tf.as_dtype) for key, value in spec.items()}
            for spec in (case.context, case.lists)
        ]

    def call() -> Any:
        if case.single:
            return tf.io.parse_single_sequence_example(tf.constant(records[0]), *specs())
        serialized = tf.constant(records, tf.string, shape=[len(records)])
        return tf.io.parse_sequence_example(serialized, *specs())

    return golden_io.outcome(call)


def canonical(record: bytes) -> bytes | None:
    """The message that the protobuf package reads, without unknown fields; None if it refuses."""
    try:
        read = tf.train.SequenceExample.FromString(record)
    except DecodeError:
        return None
    read.DiscardUnknownFields()
    return read.SerializeToString(deterministic=True)


def answer(case: Case) -> dict[str, Any]:
    """The golden case."""
    out: dict[str, Any] = {
        "name": case.name,
        "records": [record.hex() for record in case.records],
        "context": case.context,
        "lists": case.lists,
        "single": case.single,
        "tf": ask_tensorflow(case, case.records),
    }
    read = [canonical(record) for record in case.records]
    if None in read:
        out["meaning"] = {"malformed": True}
    else:
        meaning = ask_tensorflow(case, [record for record in read if record is not None])
        if meaning != out["tf"]:
            out["meaning"] = meaning
    if case.names:
        out["names"] = list(case.names)
    return out


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    about = "SequenceExamples, well-formed and not, under specs of the context and of the lists."
    cases = [answer(case) for case in sequence_example_cases.all_cases()]
    golden_io.write(out / "sequence_example.json", about, cases)


if __name__ == "__main__":
    main()
