"""weft.testing.compare_with_tensorflow in TensorFlow's environment: equal where it should be, and
not where the two sides are given different numbers.
"""

from __future__ import annotations

import golden_io  # noqa: F401  first: it sets the environment

# isort: split

import itertools
import tempfile
from pathlib import Path

import numpy as np
import weft
from weft import feature_column as fc
from weft import normalizers
from weft.testing import compare_with_tensorflow


def records(rng: np.random.Generator, count: int) -> list[bytes]:
    """Examples with a history of ids and words, weights and numbers."""
    made = []
    for _ in range(count):
        n = int(rng.integers(0, 8))
        features = {
            "a": rng.integers(0, 50, n),
            "s": np.array([b"w%d" % i for i in rng.integers(0, 30, n)], object),
            "w": rng.random(n).astype(np.float32),
            "m": rng.standard_normal(n).astype(np.float32),
            "n": rng.standard_normal(1).astype(np.float32),
        }
        made.append(weft.io.encode_example(features))
    return made


def columns(vocabulary: str) -> list[fc.FeatureColumn]:
    """A column of every kind that TensorFlow has, and two that it has not."""
    a = fc.categorical_column_with_identity("a", 50)
    sequence = fc.sequence_categorical_column_with_identity("a", 50)
    words = fc.sequence_categorical_column_with_vocabulary_file("s", vocabulary, num_oov_buckets=3)
    n = fc.numeric_column("n", normalizer_fn=normalizers.ZScore(0.1, 2))
    steps = [normalizers.Clip(0, 2), normalizers.Log1p()]
    return [
        fc.embedding_column(fc.weighted_categorical_column(a, "w"), 3, "sqrtn"),
        fc.indicator_column(fc.categorical_column_with_hash_bucket("s", 9)),
        fc.embedding_column(words, 4),
        n,
        fc.bucketized_column(n, [-1.0, 0.0, 0.5]),
        fc.indicator_column(fc.crossed_column(["s", a], 20)),
        fc.sequence_numeric_column("m", default_value=3.0, normalizer_fn=steps),
        *fc.shared_embeddings([sequence], 3),
        fc.sequence_time_delta_column("a"),
        fc.indicator_column(fc.sequence_crossed_column(["s", "s"], 9)),
    ]


def main() -> None:
    """Raises AssertionError if the comparison says something else than it should."""
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, path = Path(folder) / "words.txt", str(Path(folder) / "a.tfrecord")
        vocabulary.write_text("".join(f"w{i}\n" for i in range(20)))
        with weft.io.TFRecordWriter(path) as writer:
            for record in records(np.random.default_rng(0), 1300):
                writer.write(record)
        found = compare_with_tensorflow(columns(str(vocabulary)), path)
        print(found)
        assert found.equal
        assert [column.rows for column in found] == [1300] * 8 + [0, 0]
        calls = itertools.count()  # each side gets other numbers
        drifting = fc.numeric_column("n", normalizer_fn=lambda x: x + next(calls))
        different = compare_with_tensorflow([drifting], path, max_batches=1)
        print(different)
        assert not different.equal
        assert different[0].rows == 512
        assert "in record" in different[0].first


if __name__ == "__main__":
    main()
