"""Every kind of column side by side: strings, hashes, buckets, time and crosses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import weft
from weft import feature_column as fc
from weft import normalizers
from weft.layers import DenseFeatures, SequenceFeatures

MIN_COUNT = 5  # bought less often: out of vocabulary
OOV_BUCKETS = 50


class Layers(NamedTuple):
    """One layer for the events of a history, one for what is known of the history as a whole."""

    sequence: SequenceFeatures
    dense: DenseFeatures


def count_items(files: list[Path], output: Path) -> weft.vocabulary.Vocabulary:
    """The items of the histories, the most frequent first, counted and written as a table file."""
    return weft.vocabulary.build(files, "items", min_count=MIN_COUNT, output=output)


def layers(vocabulary: Path) -> Layers:
    """The columns of both layers."""
    # [columns]
    items = fc.sequence_categorical_column_with_vocabulary_file(
        "items", vocabulary, num_oov_buckets=OOV_BUCKETS
    )
    departments = fc.sequence_categorical_column_with_hash_bucket("departments", 64)
    paid = fc.sequence_numeric_column("values")
    price = fc.sequence_bucketized_column(paid, fc.log_boundaries(0.5, 32, 7))
    since = fc.sequence_time_delta_column("times", unit=3600, normalizer_fn=normalizers.Log1p())
    ago = fc.sequence_time_delta_column("times", "now", unit=24 * 3600)
    sequence = SequenceFeatures(
        [
            fc.embedding_column(items, 16),
            fc.embedding_column(departments, 4),
            price,
            since,
            fc.embedding_column(fc.bucketized_column(ago, fc.log_boundaries(1, 256, 9)), 4),
            fc.embedding_column(fc.sequence_crossed_column(["departments", price], 1000), 4),
        ],
        cutoff=("times", "now"),
    )

    gap = fc.bucketized_column(fc.numeric_column("gap"), fc.log_boundaries(1, 64, 7))
    store = fc.categorical_column_with_identity("store", 40_000)
    dense = DenseFeatures(
        [
            fc.embedding_column(items.categorical_column, 16, combiner="sqrtn"),
            fc.indicator_column(departments.categorical_column),
            fc.numeric_column("spent", normalizer_fn=normalizers.Log1p()),
            gap,
            fc.embedding_column(fc.crossed_column([gap, store], 5000), 8),
        ]
    )
    # [/columns]
    return Layers(sequence, dense)


def run(made: Layers, batches: Iterable[list[bytes]]) -> Iterable[tuple[Any, Any]]:
    """Both layers over the records."""
    columns = [*made.sequence._feature_columns, *made.dense._feature_columns]
    for serialized in batches:
        features = weft.io.parse_example(serialized, fc.make_parse_example_spec(columns))
        yield made.sequence(features), made.dense(features)
