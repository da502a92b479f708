"""Writes fuzz/corpus/inflate: two bytes of options (see inflate_fuzz.cc), then raw deflate data."""

import random
import zlib
from pathlib import Path


def deflated(data: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """Raw deflate data."""
    made = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return made.compress(data) + made.flush()


def main() -> None:
    """Writes every seed."""
    random.seed(1)
    words = b" ".join(b"word%d" % random.randrange(50) for _ in range(400))
    noise = random.randbytes(300)
    skewed = bytes(min(255, int(random.expovariate(0.1))) for _ in range(2000))
    seeds = {
        "empty": deflated(b""),
        "stored": deflated(noise, 0),
        "words": deflated(words),
        "fixed": deflated(words[:300], 6, zlib.Z_FIXED),
        "huffman": deflated(skewed, 6, zlib.Z_HUFFMAN_ONLY),
        "runs": deflated(b"".join(bytes([i]) * 40 for i in range(30)), 6, zlib.Z_RLE),
        "zeros": deflated(bytes(70000)),
        "far": deflated(noise + bytes(32000) + noise),
        "periods": deflated(b"".join((noise[:n] * 60)[:300] for n in range(1, 40))),
        "cut": deflated(words)[:-5],
        "two_blocks": deflated(noise, 0)[:-1] + b"\x00" + deflated(words),
    }
    folder = Path(__file__).resolve().parent / "corpus" / "inflate"
    folder.mkdir(parents=True, exist_ok=True)
    for i, (name, data) in enumerate(seeds.items()):
        (folder / name).write_bytes(bytes([i * 23 % 256, i * 7 % 256]) + data)


if __name__ == "__main__":
    main()
