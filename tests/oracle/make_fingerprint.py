"""Makes fingerprint64.json: tf.raw_ops.Fingerprint(method="farmhash64") of byte strings.

"cases" has one entry: "inputs" (hex) and "fingerprints" (unsigned, as decimal text, because JSON
readers may round large numbers). Inputs: lengths 0 to 200 and a few longer, UTF-8, NUL bytes, the
decimal text of integers at the limits of int64 (which is how an integer is hashed).
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
    golden_io.write(out / "fingerprint64.json", "Fingerprint64 of byte strings.", [case])


if __name__ == "__main__":
    main()
