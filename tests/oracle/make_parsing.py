"""Makes parsing.json and parsing_wire.json: tf.io.parse_example and the protobuf package on the
same bytes.

Each case holds:
  records, spec, call   what was asked
  tf                    TensorFlow's outcome on these bytes
  protobuf              per record, what the protobuf package reads: {key: [kind, array]}, or null
                        (refused); the kind is null for a Feature without one. The package is
                        asked as it stands, but see restore_entries
  meaning               TensorFlow's outcome on what protobuf read, written again canonically
                        (absent where it equals `tf`): the contract wherever TensorFlow's own
                        parser is not a protobuf parser. {"malformed": true} where protobuf
                        refuses a record.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from typing import Any

import golden
import numpy as np
import parsing_cases
import parsing_random
import parsing_structured
import parsing_wire
import tensorflow as tf
import wire
from google.protobuf import empty_pb2
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from parsing_cases import Case

# Where versions of the protobuf package differ, the C++ library's answer.
MALFORMED_BY_CPP = {
    "varint/varint_length_six_bytes": "Python's 4.25 takes it; 7.36 and the C++ library refuse it."
}


def ask_tensorflow(case: Case, records: list[bytes]) -> dict[str, Any]:
    """TensorFlow's outcome."""

    def call() -> Any:
        spec = {k: golden.feature_spec(v, tf.io, tf.as_dtype) for k, v in case.spec.items()}
        if case.call == "parse_single_example":
            return tf.io.parse_single_example(tf.constant(records[0]), spec)
        return tf.io.parse_example(tf.constant(records, tf.string, shape=[len(records)]), spec)

    return golden_io.outcome(call)


def feature_meaning(feature: Any) -> list[Any]:
    """[kind, array] of a Feature message."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return [None, None]
    dtype = {"int64_list": np.int64, "float_list": np.float32, "bytes_list": object}[kind]
    return [kind, golden_io.array(np.array(list(getattr(feature, kind).value), dtype=dtype))]


def ask_protobuf(record: bytes) -> Any:
    """The message that the protobuf package reads, or None."""
    try:
        read = tf.train.Example.FromString(record)
    except DecodeError:
        return None
    restore_entries(read)
    return read


def restore_entries(example: Any) -> None:
    """Puts back map entries that hold an unknown field.

    The Python package (upb) keeps such an entry as unknown data, whole; protobuf's C++ library,
    the reference here, drops the unknown field and keeps the entry.
    """
    for field in UnknownFieldSet(example.features):
        if (field.field_number, field.wire_type) != (1, wire.BYTES):
            continue
        key, value = "", tf.train.Feature()
        for part in UnknownFieldSet(empty_pb2.Empty.FromString(field.data)):
            if (part.field_number, part.wire_type) == (1, wire.BYTES):
                key = part.data.decode()
            elif (part.field_number, part.wire_type) == (2, wire.BYTES):
                value.MergeFromString(part.data)
        if key in example.features.feature:
            raise ValueError(
                f"entries of {key!r}: which one was last is no longer known; change the case"
            )
        example.features.feature[key].CopyFrom(value)


def canonical(message: Any) -> bytes:
    """The message without unknown fields, keys in order."""
    copy = tf.train.Example()
    copy.CopyFrom(message)
    copy.DiscardUnknownFields()
    return copy.SerializeToString(deterministic=True)


def answer(case: Case) -> dict[str, Any]:
    """The golden case."""
    read = [ask_protobuf(r) for r in case.records]
    out: dict[str, Any] = {
        "name": case.name,
        "call": case.call,
        "spec": case.spec,
        "records": [r.hex() for r in case.records],
        "tf": ask_tensorflow(case, case.records),
        "protobuf": [
            None
            if m is None
            else {k: feature_meaning(m.features.feature[k]) for k in sorted(m.features.feature)}
            for m in read
        ],
    }
    if case.name in MALFORMED_BY_CPP:
        out["note"] = MALFORMED_BY_CPP[case.name]
        read = [None]
    if any(m is None for m in read):
        out["meaning"] = {"malformed": True}
    else:
        meaning = ask_tensorflow(case, [canonical(m) for m in read])
        if meaning != out["tf"]:
            out["meaning"] = meaning
    if case.names:
        out["names"] = list(case.names)
    if case.note:
        out["note"] = case.note
    return out


def main() -> None:
    """Writes both files."""
    out = golden_io.arguments(__doc__ or "")
    cases = [*parsing_cases.all_cases(), *parsing_structured.all_cases()]
    golden_io.write(
        out / "parsing.json", "Feature specs over well-formed Examples.", [answer(c) for c in cases]
    )
    cases = [*parsing_wire.all_cases(), *parsing_random.all_cases()]
    answers = [answer(c) for c in cases]
    for case in answers:
        del case["spec"], case["call"]
    about = "Legal and malformed protobuf under one spec, parse_example of one batch."
    golden_io.write(out / "parsing_wire.json", about, answers, spec=parsing_wire.SPEC)


if __name__ == "__main__":
    main()
