"""TFRecord files of tf.Examples and tf.SequenceExamples, written by hand.

No peer writes what it is measured on.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

LIST_FIELD = {"string": 1, "float": 2, "int64": 3}
CRC_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = _byte >> 1 ^ (0x82F63B78 if _byte & 1 else 0)
    CRC_TABLE.append(_byte)


def varint(n: int) -> bytes:
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def block(field: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def feature(dtype: str, values: Any) -> bytes:
    """A tf.train.Feature."""
    if dtype == "string":
        payload = b"".join(block(1, v) for v in values)
    elif dtype == "float":
        payload = block(1, np.asarray(values, "<f4").tobytes())
    else:
        payload = block(1, b"".join(map(varint, values)))
    return block(LIST_FIELD[dtype], payload)


def example(entries: list[tuple[str, str, Any]]) -> bytes:
    """A tf.train.Example of (key, dtype, values) in the order given."""
    return block(
        1, b"".join(block(1, block(1, k.encode()) + block(2, feature(t, v))) for k, t, v in entries)
    )


def sequence_example(entries: list[tuple[str, str, Any]], lists: set[str]) -> bytes:
    """A tf.train.SequenceExample: `lists` with one value a step, the other keys its context."""
    context = [entry for entry in entries if entry[0] not in lists]
    steps = [
        (key, b"".join(block(1, feature(dtype, [value])) for value in values))
        for key, dtype, values in entries
        if key in lists
    ]
    return example(context) + block(
        2, b"".join(block(1, block(1, key.encode()) + block(2, value)) for key, value in steps)
    )


def masked_crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(record: bytes) -> bytes:
    """A record as it stands in a TFRecord file: length, CRC of length, data, CRC of data."""
    length = struct.pack("<Q", len(record))
    return (
        length
        + struct.pack("<I", masked_crc32c(length))
        + record
        + struct.pack("<I", masked_crc32c(record))
    )


def read_records(path: Path) -> list[bytes]:
    """The records of a plain TFRecord file, unchecked."""
    data, at, records = path.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        records.append(data[at + 12 : at + 12 + length])
        at += 16 + length
    return records
