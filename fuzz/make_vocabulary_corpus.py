"""Writes fuzz/corpus/vocabulary: a byte that chooses options, then table files and text."""

from pathlib import Path

import numpy as np
from weft.vocabulary import Counter, Vocabulary

OUT = Path(__file__).resolve().parent / "corpus" / "vocabulary"
WORDS = ["", "a", "bc", "eight by", "sixteen bytes he", "seventeen bytes h", "x" * 40]


def main() -> None:
    """Writes the files."""
    OUT.mkdir(parents=True, exist_ok=True)
    counter = Counter("int64")
    counter.add(np.array([1, 1, 2, -5]))
    made = {
        "strings": Vocabulary(WORDS),
        "integers": Vocabulary(np.arange(-3, 9) * 1000003),
        "counted": counter.build(),
        "nothing": Vocabulary([]),
    }
    for name, vocabulary in made.items():
        vocabulary.save(OUT / name)
        (OUT / name).write_bytes(b"\1" + (OUT / name).read_bytes())
    texts = {"text": b"\0a\nb\r\nc", "numbers": b"\6 1\n-2\n3\t\n", "cut": b"\x28a\nb\nc\n"}
    for name, text in texts.items():
        (OUT / name).write_bytes(text)


if __name__ == "__main__":
    main()
