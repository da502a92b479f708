"""A protobuf wire writer small enough to check by eye, for bytes that no library would write.

message  := field*
field    := tag payload            tag = varint(number << 3 | wire type)
wire type: 0 varint, 1 eight bytes, 2 length + bytes, 3 group start, 4 group end, 5 four bytes
Example      { 1: Features }
Features     { 1: entry* }         entry = { 1: key, 2: Feature }
Feature      { 1: BytesList | 2: FloatList | 3: Int64List }, each { 1: value* }
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)
BYTES_LIST, FLOAT_LIST, INT64_LIST = 1, 2, 3


def varint(n: int, pad: int = 0) -> bytes:
    """`n` (modulo 2**64) in base 128, least significant first; `pad` more bytes say nothing."""
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    for _ in range(pad):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def tag(number: int, wire_type: int, pad: int = 0) -> bytes:
    """The tag of field `number`."""
    return varint(number << 3 | wire_type, pad)


def block(number: int, payload: bytes, pad: int = 0) -> bytes:
    """A length-delimited field; `pad` lengthens the length's varint."""
    return tag(number, BYTES) + varint(len(payload), pad) + payload


def int64_list(values: Sequence[int], packed: bool = True) -> bytes:
    """The bytes of an Int64List."""
    if packed:
        return block(1, b"".join(map(varint, values))) if values else b""
    return b"".join(tag(1, VARINT) + varint(v) for v in values)


def float_list(values: Sequence[float], packed: bool = True) -> bytes:
    """The bytes of a FloatList."""
    if packed:
        return block(1, struct.pack(f"<{len(values)}f", *values)) if values else b""
    return b"".join(tag(1, FIXED32) + struct.pack("<f", v) for v in values)


def bytes_list(values: Iterable[bytes]) -> bytes:
    """The bytes of a BytesList."""
    return b"".join(block(1, v) for v in values)


def ints(*values: int, packed: bool = True) -> bytes:
    """A Feature of integers."""
    return block(INT64_LIST, int64_list(values, packed))


def floats(*values: float, packed: bool = True) -> bytes:
    """A Feature of floats."""
    return block(FLOAT_LIST, float_list(values, packed))


def strings(*values: bytes) -> bytes:
    """A Feature of byte strings."""
    return block(BYTES_LIST, bytes_list(values))


def entry(key: str | bytes, feature: bytes) -> bytes:
    """One map entry of Features, key first."""
    key = key.encode() if isinstance(key, str) else key
    return block(1, block(1, key) + block(2, feature))


def features(*entries: bytes) -> bytes:
    """The Example whose Features message is these entries, as written."""
    return block(1, b"".join(entries))


def example(**named: bytes) -> bytes:
    """An Example of named Features, in the order given."""
    return features(*(entry(key, feature) for key, feature in named.items()))
