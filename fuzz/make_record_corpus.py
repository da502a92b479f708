"""Writes fuzz/corpus/record: the first byte of each seed chooses record_fuzz.cc's options."""

import gzip
import struct
import zlib
from pathlib import Path

AUTO, PLAIN, GZIP, ZLIB = 0, 1, 2, 3
NO_CRC, SMALL_LIMIT, CHUNK_END, THREAD, MAKE_RIGHT = 4, 8, 16, 32, 64


def masked_crc32c(data: bytes) -> int:
    """CRC-32C, one bit at a time, rotated and offset as a TFRecord file stores it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def header(length: int) -> bytes:
    """The length of a record and its checksum."""
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked_crc32c(packed))


def frame(data: bytes) -> bytes:
    """A record as it stands in a file."""
    return header(len(data)) + data + struct.pack("<I", masked_crc32c(data))


def main() -> None:
    """Writes every seed."""
    records = [b"", b"first", bytes(100), b"\x0a\x05abcde" * 9]
    plain = b"".join(map(frame, records))
    flipped = bytearray(plain)
    flipped[30] ^= 4
    member = gzip.compress(plain, mtime=0)
    seeds = {
        "empty": (AUTO, b""),
        "plain": (AUTO, plain),
        "plain_no_crc": (PLAIN | NO_CRC, bytes(flipped)),
        "flipped_data": (PLAIN, bytes(flipped)),
        "flipped_length": (PLAIN, plain[:16] + b"\x01" + plain[17:]),
        "hole": (PLAIN, plain[:50] + bytes(40) + plain[50:]),
        "cut_data": (PLAIN, plain[:-7]),
        "cut_header": (PLAIN, plain + b"\x03\0\0\0\0"),
        "claims_much": (PLAIN, plain + header(1 << 19) + b"little"),
        "claims_all": (PLAIN, plain + header((1 << 64) - 1) + b"little"),
        "too_long": (PLAIN | SMALL_LIMIT, plain + frame(bytes(1001)) + plain),
        "chunk_end": (PLAIN | CHUNK_END | THREAD, plain * 2),
        "chunk_end_flipped": (PLAIN | CHUNK_END, bytes(flipped) * 2),
        "made_right": (PLAIN | MAKE_RIGHT, bytes(60) + b"\3\0" + bytes(30) + b"\4\1" + bytes(40)),
        "made_wrong": (PLAIN | MAKE_RIGHT | CHUNK_END, b"\5\2" + bytes(60) + b"\3\1" + bytes(99)),
        "gzip": (AUTO, member),
        "gzip_members": (
            GZIP,
            gzip.compress(b"", mtime=0) + member + gzip.compress(plain, mtime=0),
        ),
        "gzip_cut": (GZIP, member[:-9]),
        "gzip_garbage": (GZIP, member + b"garbage"),
        "gzip_twice": (AUTO, gzip.compress(member, mtime=0)),
        "gzip_stored": (AUTO, gzip.compress(plain, 0, mtime=0)),
        "zlib": (AUTO, zlib.compress(plain)),
        "zlib_flipped": (ZLIB, zlib.compress(bytes(flipped))),
        "text": (AUTO, b"user,item\n1,2\n3,4\n"),
        "lfs": (AUTO, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
        "parquet": (AUTO, b"PAR1\x15\x04\x15\x10\x15\x14\x4c\x15\x02\x15"),
    }
    folder = Path(__file__).resolve().parent / "corpus" / "record"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (options, data) in seeds.items():
        (folder / name).write_bytes(bytes([options]) + data)


if __name__ == "__main__":
    main()
