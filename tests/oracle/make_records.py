"""Makes records/*.tfrecord* and records.json: TFRecord files that TensorFlow wrote, and how it
reads damaged ones.

  records/plain.tfrecord, gzip.tfrecord.gz, zlib.tfrecord.zlib   the same records
  records/no_records.tfrecord, no_records.tfrecord.gz            nothing written
  records/empty_records.tfrecord                                 three records of no bytes
records.json: "payloads" (hex), "crc" (bytes -> CRC-32C, masked CRC, read from TensorFlow's own
files), and "cases": plain.tfrecord cut or changed, each with {"read": n, "end": null or [error
type, message]}. A case's "edit" is ["cut", length], ["flip", offset] (lowest bit), ["append",
hex] or ["gzip", what].
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

import gzip
import struct
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf

PAYLOADS = [
    b"first",
    b"",
    bytes(range(256)),
    b"\0" * 20,
    "\u0437\u0430\u043f\u0438\u0441\u044c".encode(),
    b"last record",
]
MASK_DELTA = 0xA282EAD8


def write(path: Path, payloads: list[bytes], compression: str = "") -> bytes:
    """Writes a file with TensorFlow and returns its bytes."""
    with tf.io.TFRecordWriter(str(path), options=compression) as writer:
        for payload in payloads:
            writer.write(payload)
    return path.read_bytes()


def read(data: bytes, compression: str = "") -> dict[str, Any]:
    """How far TensorFlow reads these bytes as a TFRecord file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        count, end = 0, None
        try:
            for record in tf.data.TFRecordDataset(str(path), compression_type=compression):
                if count < len(PAYLOADS) and record.numpy() != PAYLOADS[count]:
                    return {"read": count, "end": ["other bytes", record.numpy().hex()]}
                count += 1
        except tf.errors.OpError as error:
            text = golden_io.message(error).replace(str(path), "FILE")
            end = [type(error).__name__, text]
        return {"read": count, "end": end}


def unmasked(masked: int) -> int:
    """The CRC-32C that was masked."""
    rotated = (masked - MASK_DELTA) & 0xFFFFFFFF
    return ((rotated << 15) | (rotated >> 17)) & 0xFFFFFFFF


def crc_values(folder: Path) -> list[list[Any]]:
    """[bytes as hex, crc, masked crc] of many lengths, from the footer TensorFlow wrote."""
    lengths = [
        *range(34),
        63,
        64,
        65,
        127,
        128,
        129,
        255,
        256,
        257,
        511,
        512,
        513,
        1023,
        1024,
        1025,
    ]
    payloads = [bytes((i * 7 + n) % 256 for i in range(n)) for n in lengths]
    payloads += [bytes(32), b"\xff" * 32, b"123456789"]
    out = []
    for payload in payloads:
        data = write(folder / "crc", [payload])
        (masked,) = struct.unpack("<I", data[-4:])
        out.append([payload.hex(), unmasked(masked), masked])
    return out


def edits(plain: bytes) -> list[tuple[str, list[Any], bytes]]:
    """Damaged versions of the plain file: (name, edit, bytes)."""
    last = len(plain) - len(PAYLOADS[-1]) - 16
    out = [(f"cut_{n}", ["cut", n], plain[:n]) for n in range(last, len(plain))]
    out += [(f"cut_{n}", ["cut", n], plain[:n]) for n in range(22)]
    for offset in [*range(17 + 4), *range(last, len(plain))]:
        changed = bytearray(plain)
        changed[offset] ^= 1
        out.append((f"flip_{offset}", ["flip", offset], bytes(changed)))
    for name, tail in {"zero": bytes(1), "zeros": bytes(16), "text": b"abc\n"}.items():
        out.append((f"append_{name}", ["append", tail.hex()], plain + tail))
    return out


def gzip_edits(plain: bytes) -> list[tuple[str, list[Any], bytes]]:
    """Gzip files with several members, an empty one, a cut one, one with bytes behind it."""
    one = gzip.compress(plain, mtime=0)
    half = 21  # the first record's end: members need not respect records
    two = gzip.compress(plain[:half], mtime=0) + gzip.compress(plain[half:], mtime=0)
    across = gzip.compress(plain[: half + 5], mtime=0) + gzip.compress(plain[half + 5 :], mtime=0)
    empty = (
        gzip.compress(plain[:half], mtime=0)
        + gzip.compress(b"", mtime=0)
        + gzip.compress(plain[half:], mtime=0)
    )
    return [
        ("gzip_one_member", ["gzip", "one"], one),
        ("gzip_two_members", ["gzip", "two"], two),
        ("gzip_member_ends_inside_record", ["gzip", "across"], across),
        ("gzip_empty_member_between", ["gzip", "empty"], empty),
        ("gzip_last_byte_cut", ["gzip", "cut1"], one[:-1]),
        ("gzip_footer_cut", ["gzip", "cut8"], one[:-8]),
        ("gzip_half", ["gzip", "half"], one[: len(one) // 2]),
        ("gzip_zeros_behind", ["gzip", "zeros"], one + bytes(8)),
        ("gzip_no_bytes", ["gzip", "none"], b""),
    ]


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    folder = out / "records"
    folder.mkdir(exist_ok=True)
    plain = write(folder / "plain.tfrecord", PAYLOADS)
    packed = write(folder / "gzip.tfrecord.gz", PAYLOADS, "GZIP")
    deflated = write(folder / "zlib.tfrecord.zlib", PAYLOADS, "ZLIB")
    write(folder / "no_records.tfrecord", [])
    write(folder / "no_records.tfrecord.gz", [], "GZIP")
    write(folder / "empty_records.tfrecord", [b"", b"", b""])
    cases = [{"name": n, "edit": e, "tf": read(data)} for n, e, data in edits(plain)]
    cases += [{"name": n, "edit": e, "tf": read(data, "GZIP")} for n, e, data in gzip_edits(plain)]
    wrong = {
        "plain_read_as_gzip": (plain, "GZIP"),
        "gzip_read_as_plain": (packed, ""),
        "zlib_read_as_gzip": (deflated, "GZIP"),
        "zlib_read_as_zlib": (deflated, "ZLIB"),
    }
    cases += [{"name": n, "edit": ["as", c], "tf": read(d, c)} for n, (d, c) in wrong.items()]
    with tempfile.TemporaryDirectory() as scratch:
        crc = crc_values(Path(scratch))
    payloads = [p.hex() for p in PAYLOADS]
    golden_io.write(
        out / "records.json",
        "TFRecord files, whole and damaged.",
        cases,
        payloads=payloads,
        crc=crc,
    )


if __name__ == "__main__":
    main()
