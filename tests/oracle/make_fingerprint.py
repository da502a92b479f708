"""Makes fingerprint64.json: tf.raw_ops.Fingerprint(method="farmhash64") of byte strings.

The case "farmhash64" has "inputs" (hex) and "fingerprints" (unsigned, as decimal text, because JSON
readers may round large numbers). Inputs: lengths 0 to 200 and a few longer, UTF-8, NUL bytes, the
decimal text of integers at the limits of int64 (which is how an integer is hashed). The cases
"cross/*" have the ids of each input crossed with one of INTEGERS in turn, and with the next input.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

import numpy as np
import tensorflow as tf


def inputs() -> list[bytes]:
    """The byte strings, each length with its own bytes."""
    rng = np.random.RandomState(1)
    out = [rng.bytes(n) for n in [*range(201), 255, 256, 257, 1000]]
    out += [b"a" * n for n in (1, 8, 16, 17, 32, 33, 63, 64, 65, 128, 192)]
    out += [b"\0", b"\0\0", b"a\0", b"\0a", bytes(64), bytes(65), b"\xff" * 64]
    out += [s.encode() for s in ("weft", "история", "日本語", "🧵", "naïve", "e\u0301")]
    limits = [0, 1, -1, 9, 10, 99, 2**31 - 1, -(2**31), 2**53, 2**63 - 1, -(2**63)]
    return out + [str(n).encode() for n in limits]


INTEGERS = [0, 1, -1, 7, 255, -(2**31), 2**31, 2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1]


def cross(data: list[bytes], hash_key: int | None) -> dict[str, object]:
    """Each byte string beside an integer and another string, crossed to 2^63 - 1 buckets."""
    rows = len(data)
    integers = [INTEGERS[i % len(INTEGERS)] for i in range(rows)]
    others = data[1:] + data[:1]
    places = [[row, 0] for row in range(rows)]
    keys = [tf.SparseTensor(places, tf.constant(x), [rows, 1]) for x in (data, integers, others)]
    crossed = tf.sparse.cross_hashed(keys, num_buckets=2**63 - 1, hash_key=hash_key)
    return {
        "name": f"cross/{hash_key}",
        "hash_key": hash_key,
        "ids": [str(n) for n in crossed.values.numpy().tolist()],
    }


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    data = inputs()
    parts = tf.raw_ops.Fingerprint(data=tf.constant(data), method="farmhash64").numpy()
    hashes = [int.from_bytes(bytes(row), "little") for row in parts]
    for value, h in zip(data, hashes, strict=True):
        buckets = tf.strings.to_hash_bucket_fast(tf.constant(value), 2**63 - 1).numpy()
        if int(buckets) != h % (2**63 - 1):
            raise ValueError(f"two ways to hash disagree for {value.hex()}")
    case = {
        "name": "farmhash64",
        "inputs": [v.hex() for v in data],
        "fingerprints": [str(h) for h in hashes],
    }
    cases = [case, *(cross(data, key) for key in (None, 0, 1, 2**40 + 1))]
    golden_io.write(out / "fingerprint64.json", "Fingerprint64 of byte strings, crosses.", cases)


if __name__ == "__main__":
    main()
