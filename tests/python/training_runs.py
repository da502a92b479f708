"""The runs of training that tests/oracle/make_training.py and test_golden_training.py both make.

A model is an embedding of ids, recurrent layers and Dense(1). Batches and first weights are made
by numpy's RandomState, whose numbers no version of numpy changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

VOCABULARY, DIMENSION, UNITS, ROWS, LONGEST, STEPS = 50, 8, 16, 24, 9, 500
SGD = {"call": "SGD", "kwargs": {"learning_rate": 0.05, "momentum": 0.9}}
ADAM = {"call": "Adam", "kwargs": {"learning_rate": 0.01}}


@dataclasses.dataclass
class Run:
    """A model and how it is trained."""

    name: str
    layer: str
    kwargs: dict[str, Any]
    layers: int
    optimizer: dict[str, Any]


RUNS = [
    Run("gru_adam", "GRU", {}, 1, ADAM),
    Run("lstm_adam", "LSTM", {}, 1, ADAM),
    Run("simple_rnn_adam", "SimpleRNN", {}, 1, ADAM),
    Run("stacked_gru_adam", "GRU", {"reset_after": False}, 2, ADAM),
    Run("gru_sgd", "GRU", {}, 1, SGD),
]


def batches() -> Iterator[tuple[list[list[int]], np.ndarray]]:
    """Rows of ids, some of them empty, and labels [B, 1] that they tell something of."""
    rng = np.random.RandomState(8)
    worth = rng.standard_normal(VOCABULARY)
    for _ in range(STEPS):
        lengths = rng.randint(0, LONGEST + 1, ROWS)
        rows = [rng.randint(0, VOCABULARY, n).tolist() for n in lengths]
        score = [sum(worth[id] * 0.8**age for age, id in enumerate(row[::-1])) for row in rows]
        labels = rng.uniform(size=ROWS) < 1 / (1 + np.exp(-2 * np.array(score)))
        yield rows, labels.astype(np.float32)[:, None]


def first_weights(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Weights of these shapes, exact in float32."""
    rng = np.random.RandomState(9)
    return [(rng.standard_normal(s) / np.sqrt(s[0])).astype(np.float32) for s in shapes]
