"""Shows a record of any kind without being told what it holds.

    message   fields, each a varint tag (number << 3 | wire type) and a value
    Example           features = 1
    SequenceExample   context = 1, feature_lists = 2
    Features          map<string, Feature> feature = 1; entries: key = 1, value = 2
    FeatureLists      map<string, FeatureList> feature_list = 1; FeatureList: feature = 1
    Feature           bytes_list = 1, float_list = 2, int64_list = 3; each: value = 1

For a few records on a terminal; `weft.io.parse_example` is what reads many.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
KINDS = {1: "bytes", 2: "float", 3: "int64"}


class View(NamedTuple):
    """One feature: its kind ("" if it has none) and its values, or those of each step."""

    kind: str
    values: list
    steps: bool = False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("not a record of features: a varint has no end")
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value & (1 << 64) - 1, at


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yields (field number, wire type, value) of a message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, at = _varint(data, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"not a record of features: wire type {wire}")
        if number == 0 or at + size > len(data):
            raise ValueError("not a record of features: a field ends past the record")
        yield number, wire, data[at : at + size]
        at += size


def _numbers(kind: str, wire: int, value: int | bytes) -> list:
    """The numbers of one field: packed, or one alone."""
    if kind == "float":
        return list(struct.unpack(f"<{len(value) // 4}f", value))
    if wire == VARINT:
        return [value - (1 << 64) if value >> 63 else value]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(number - (1 << 64) if number >> 63 else number)
    return numbers


def _feature(data: bytes) -> View:
    kind, values = "", []
    for number, _, body in _fields(data):
        if number not in KINDS:
            continue
        if KINDS[number] != kind:
            kind, values = KINDS[number], []
        for inner, wire, value in _fields(body):
            if inner == 1:
                values += [value] if kind == "bytes" else _numbers(kind, wire, value)
    return View(kind, values)


def _map(data: bytes) -> dict[str, bytes]:
    """The entries of the map in field 1."""
    entries = {}
    for number, _, entry in _fields(data):
        if number == 1:
            parts = {n: v for n, _, v in _fields(entry)}
            entries[parts.get(1, b"").decode(errors="backslashreplace")] = parts.get(2, b"")
    return entries


def _feature_list(data: bytes) -> View:
    steps = [_feature(value) for number, _, value in _fields(data) if number == 1]
    kinds = {step.kind for step in steps if step.kind}
    return View("/".join(sorted(kinds)), [step.values for step in steps], steps=True)


def read(record: bytes) -> dict[str, View]:
    """The features of an Example, or the context and the feature lists of a SequenceExample.

    Raises ValueError for bytes that are no message.
    """
    views: dict[str, View] = {}
    for number, wire, value in _fields(record):
        if wire != BYTES:
            continue
        if number == 1:
            views |= {key: _feature(body) for key, body in _map(value).items()}
        elif number == 2:
            views |= {key: _feature_list(body) for key, body in _map(value).items()}
    return views
