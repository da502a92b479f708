"""Random records for make_parsing.py: legal Examples with every liberty, and damaged ones."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import wire
from parsing_cases import Case
from parsing_wire import SPEC, UNKNOWN
from wire import FLOAT_LIST, INT64_LIST, block, example, floats, ints, strings, tag, varint


class Shaker:
    """Writes random Examples with every liberty that legal protobuf leaves a writer."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.noise = 0.0

    def unknown(self) -> bytes:
        """Now and then an unknown field."""
        if self.rng.random() >= self.noise:
            return b""
        return self.rng.choice(list(UNKNOWN.values()))

    def pieces(self, fields: list[bytes]) -> bytes:
        """The fields with unknown ones between."""
        return self.unknown() + b"".join(field + self.unknown() for field in fields)

    def field(self, number: int, payload: bytes) -> bytes:
        """A length-delimited field whose tag and length may be longer than they need to be."""
        pads = [self.rng.choice([0, 0, 0, 0, 1, 2]) if self.noise else 0 for _ in range(2)]
        return tag(number, wire.BYTES, pads[0]) + varint(len(payload), pads[1]) + payload

    def integer(self) -> int:
        """An integer of any width."""
        return self.rng.choice([self.rng.getrandbits(self.rng.randint(1, 64)), -1, 0, 127, 128])

    def items(self, kind: int) -> bytes:
        """A list message: values packed, unpacked, or both in turn."""
        out = []
        for _ in range(self.rng.choice([0, 1, 1, 1, 2, 3])):
            count = self.rng.choice([0, 1, 2, 3, 9])
            packed = self.rng.random() < 0.6
            if kind == wire.BYTES_LIST:
                out += [
                    self.field(1, self.rng.randbytes(self.rng.choice([0, 1, 8, 33])))
                    for _ in range(count)
                ]
            elif kind == FLOAT_LIST:
                values = [struct.pack("<f", self.rng.uniform(-1e3, 1e3)) for _ in range(count)]
                out += (
                    [self.field(1, b"".join(values))] if packed else [tag(1, 5) + v for v in values]
                )
            else:
                pad = self.rng.choice([0, 0, 0, 2]) if self.noise else 0
                values = [self.integer() for _ in range(count)]
                values_ = [varint(v, min(pad, 10 - len(varint(v)))) for v in values]
                out += (
                    [self.field(1, b"".join(values_))]
                    if packed
                    else [tag(1, 0) + v for v in values_]
                )
        return self.pieces(out)

    def feature(self, kind: int) -> bytes:
        """A Feature; other kinds may come before the one that stays."""
        kinds = [kind]
        while self.rng.random() < self.noise:
            kinds.insert(0, self.rng.choice([1, 2, 3]))
        return self.pieces([self.field(k, self.items(k)) for k in kinds])

    def entry(self, key: str, alone: bool) -> bytes:
        """A map entry; unknown fields only where no other entry of the record has this key."""
        kind = {"i": INT64_LIST, "f": FLOAT_LIST, "s": wire.BYTES_LIST}.get(
            key, self.rng.choice([1, 2, 3])
        )
        parts = [self.field(1, key.encode()), self.field(2, self.feature(kind))]
        if self.rng.random() < self.noise:
            self.rng.shuffle(parts)
        return self.field(1, self.pieces(parts) if alone else b"".join(parts))

    def record(self) -> bytes:
        """One Example."""
        self.noise = self.rng.choice([0.0, 0.1, 0.3])
        keys = [
            self.rng.choice(["i", "f", "s", "zz", "a longer key, unread"])
            for _ in range(self.rng.randint(0, 6))
        ]
        entries = [self.entry(k, keys.count(k) == 1) for k in keys]
        cut = self.rng.randint(0, len(entries)) if self.rng.random() < self.noise else len(entries)
        parts = [self.field(1, self.pieces(entries[:cut]))]
        if cut < len(entries):
            parts.append(self.field(1, self.pieces(entries[cut:])))
        return self.pieces(parts)


def legal_records(count: int = 160, seed: int = 7) -> Iterator[tuple[str, bytes]]:
    """Random legal Examples."""
    shaker = Shaker(seed)
    for n in range(count):
        yield f"legal_{n:03}", shaker.record()


def mutated_records(count: int = 120, seed: int = 21) -> Iterator[tuple[str, bytes]]:
    """Every prefix of one Example, and Examples with a few bytes changed, cut or doubled."""
    base = example(i=ints(1, 300, -5), f=floats(0.5, -2), s=strings(b"ab", b""), zz=ints(9))
    for cut in range(len(base)):
        yield f"cut_{cut:03}", base[:cut]
    rng = random.Random(seed)
    bases = [
        base,
        example(s=strings(b"x" * 5), i=ints(1, 2, packed=False), f=floats(1, packed=False)),
        block(15, b"?") + example(f=floats(1, 2, 3), i=ints(2**40)) + example(i=ints(0, 127, 128)),
    ]
    for n in range(count):
        data = bytearray(rng.choice(bases))
        for _ in range(rng.randint(1, 2)):
            at = rng.randrange(len(data))
            kind = rng.randrange(4)
            if kind == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                data[at] = rng.choice([0, 1, 2, 0x0A, 0x12, 0x1A, 0x7F, 0x80, 0xFF, len(data) - at])
            elif kind == 2:
                del data[at : at + rng.randint(1, 3)]
            else:
                data[at:at] = data[at : at + rng.randint(1, 9)]
            data = data or bytearray(b"\0")
        yield f"mutated_{n:03}", bytes(data)


def all_cases() -> Iterator[Case]:
    """Every case of this file."""
    for name, record in [*legal_records(), *mutated_records()]:
        yield Case(f"random/{name}", [record], SPEC)
