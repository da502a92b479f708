"""Writes fuzz/corpus/columns: one file for each kind of column, and fuzz/corpus/hash_diff."""

from __future__ import annotations

from pathlib import Path

from weft import feature_column as fc
from weft import initializers, normalizers

FOLDER = Path(__file__).parent / "corpus"


def columns() -> dict[str, list[fc.FeatureColumn]]:
    """Columns of every kind but files."""
    ids = fc.sequence_categorical_column_with_identity("i", 9, default_value=3)
    n = fc.numeric_column("n", (2,), [1, 2.5], normalizer_fn=normalizers.MinMax(0, 2))
    delta = fc.sequence_time_delta_column("t", "now", 60, normalizer_fn=normalizers.Log1p())
    steps = [normalizers.Clip(0, 1), normalizers.ZScore(0, 1)]
    return {
        "embedding": [fc.embedding_column(ids, 4, "sum", initializers.HeUniform(seed=3))],
        "listed": [
            fc.indicator_column(fc.categorical_column_with_vocabulary_list("v", ["x", b"\xff"]))
        ],
        "integers": [fc.indicator_column(fc.categorical_column_with_vocabulary_list("v", [3, -1]))],
        "hashed": [fc.indicator_column(fc.categorical_column_with_hash_bucket("h", 7))],
        "numbers": [
            n,
            fc.sequence_numeric_column("s", default_value=float("inf"), normalizer_fn=steps),
        ],
        "buckets": [fc.bucketized_column(delta, [1.0, 2.0])],
        "weighted": [fc.indicator_column(fc.weighted_categorical_column(ids, "w"))],
        "crossed": [
            fc.indicator_column(fc.crossed_column(["a", fc.bucketized_column(n, [0])], 9, 5))
        ],
        "shared": list(fc.shared_embeddings([ids, ids.categorical_column], 3)),
    }


def main() -> None:
    """Writes the files."""
    for name, some in columns().items():
        path = FOLDER / "columns" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fc.columns_to_json(some))
    path = FOLDER / "hash_diff" / "bytes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(range(256)))


if __name__ == "__main__":
    main()
