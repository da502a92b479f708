"""A small model and its data, which the tests of training share."""

from __future__ import annotations

from typing import Any

import numpy as np
import weft
from weft import feature_column as fc
from weft import losses
from weft.layers import GRU, Dense, DenseFeatures, Dropout, SequenceFeatures

ids = fc.sequence_categorical_column_with_identity


def features(rows: int, seed: int = 0) -> dict[str, Any]:
    """Histories and what they are to tell, as columns for `write_tfrecords` or one batch."""
    rng = np.random.default_rng(seed)
    items = [rng.integers(0, 30, n) for n in rng.integers(0, 12, rows)]
    prices = [rng.random(len(row)).astype(np.float32) for row in items]
    return {
        "items": weft.Ragged.from_lists([row.tolist() for row in items], weft.int64),
        "kinds": weft.Ragged.from_lists([(row % 4).tolist() for row in items], weft.int64),
        "price": weft.Ragged.from_lists([row.tolist() for row in prices], weft.float32),
        "store": rng.integers(0, 5, (rows, 1)),
        "age": rng.random((rows, 1)).astype(np.float32),
        "again": np.array([int((row < 8).sum() > 1) for row in items]),
        "spent": np.array([row.sum() for row in prices], np.float32),
        "weight": rng.random(rows).astype(np.float32),
    }


def layers(dtype: str = "float32", **sequence: Any) -> dict[str, Any]:
    """The parts of the model."""
    history = [
        fc.embedding_column(ids("items", 30), 6),
        fc.indicator_column(ids("kinds", 4)),
        fc.sequence_numeric_column("price"),
    ]
    store = fc.categorical_column_with_identity("store", 5)
    once = [fc.embedding_column(store, 3), fc.numeric_column("age")]
    return {
        "sequence": [
            SequenceFeatures(history, name="history", dtype=dtype, **sequence),
            GRU(8, dropout=0.1, recurrent_dropout=0.1, name="gru", dtype=dtype),
        ],
        "context": [DenseFeatures(once, name="once", dtype=dtype)],
        "heads": {
            "again": [
                Dense(6, "relu", name="hidden", dtype=dtype),
                Dropout(0.2, name="drop", dtype=dtype),
                Dense(1, name="a", dtype=dtype),
            ],
            "spent": Dense(1, name="s", dtype=dtype),
        },
    }


def compiled(optimizer: Any = "adam", **parts: Any) -> weft.Model:
    """The model, ready to be trained."""
    model = weft.Model(**{**layers(), **parts})
    model.compile(
        optimizer,
        loss={"again": losses.BinaryCrossentropy(from_logits=True), "spent": "mse"},
        metrics={"again": ["auc", "accuracy"]},
        loss_weights={"spent": 0.5},
    )
    return model


def one_head(optimizer: Any = "adam", metrics: Any = (), **compile: Any) -> weft.Model:
    """A model of one output without a name."""
    model = weft.Model(**{**layers(), "heads": Dense(1, name="a")})
    loss = losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics, **{"labels": "again", **compile})
    return model


def batches(rows: int, size: int, seed: int = 0) -> list[dict[str, Any]]:
    """Batches of features."""
    return [features(min(size, rows - i), seed + i) for i in range(0, rows, size)]


def same_weights(a: weft.Model, b: weft.Model) -> bool:
    """Whether all weights have the same bits."""
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(x.tobytes() == y.tobytes() for x, y in pairs)
