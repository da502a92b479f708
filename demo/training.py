"""Two models over the histories of baskets: whether the household buys again, and what."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import weft
from baselines import K, Shopper
from weft import feature_column as fc
from weft.layers import GRU, Dense, DenseFeatures, SampledSoftmax, SequenceFeatures
from weft.normalizers import Log1p
from weft.optimizers import schedules

BATCH = 512
EPOCHS = {"buys_again": 3, "next_items": 2}
LEARNING_RATE = 3e-3
WEIGHTS = (2.0, 4.0, 8.0, 16.0)
UNSEEN = (0.01, 0.02, 0.05, 0.1)  # how often an item counts as bought lately that never was
HOUR, DAY = 3600, 24 * 3600


def embedded(key: str, buckets: int, dimension: int, sequence: bool = True) -> Any:
    """An embedding of small integers."""
    identity = (
        fc.sequence_categorical_column_with_identity
        if sequence
        else fc.categorical_column_with_identity
    )
    return fc.embedding_column(identity(key, buckets), dimension)


def buys_again(steps: int) -> weft.Model:
    """Does this household buy again within 7 days? `steps`: how many there will be."""
    # [buys_again]
    log = Log1p()
    baskets = SequenceFeatures(
        [
            fc.sequence_time_delta_column("times", unit=HOUR, normalizer_fn=log),
            fc.sequence_time_delta_column("times", "now", unit=DAY, normalizer_fn=log),
            fc.sequence_numeric_column("spent", normalizer_fn=log),
            fc.sequence_numeric_column("sizes", normalizer_fn=log),
            embedded("hours", 24, 4),
            embedded("weekdays", 7, 3),
        ]
    )
    numbers = ("gap", "mean_gap", "baskets")
    moment = DenseFeatures(
        [
            *(fc.numeric_column(key, normalizer_fn=log) for key in numbers),
            embedded("hour", 24, 4, sequence=False),
            embedded("weekday", 7, 3, sequence=False),
        ]
    )
    model = weft.Model(
        sequence=[baskets, GRU(32)],
        context=[moment],
        heads={"buys_again": [Dense(32, "relu"), Dense(1)]},
    )
    rate = schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(
        weft.optimizers.Adam(rate),
        loss=weft.losses.BinaryCrossentropy(from_logits=True),
        metrics=["auc"],
    )
    # [/buys_again]
    return model


def next_items(counts: np.ndarray, steps: int) -> weft.Model:
    """Which items are in the next basket? `counts`: how often each was bought before."""
    frequency = np.log(counts / counts.mean())
    # [next_items]
    items = fc.sequence_categorical_column_with_identity("items", len(counts))
    model = weft.Model(
        sequence=[SequenceFeatures([fc.embedding_column(items, 32)]), GRU(32)],
        heads={
            "next_items": SampledSoftmax(
                len(counts),
                num_sampled=min(500, len(counts) // 4),
                sampler="unigram",
                counts=counts,
                bias_initializer=lambda shape, dtype: frequency.astype(dtype),
            )
        },
    )
    rate = schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(
        weft.optimizers.Adam(rate, lazy=True),
        loss="sampled_softmax",
    )
    # [/next_items]
    return model


def dataset(
    file: Path, model: weft.Model, shuffle: bool = False, skip: int = 0, take: int = -1
) -> weft.io.TFRecordDataset:
    """The batches of a file, or of some of its records, that a model reads."""
    records = weft.io.TFRecordDataset(str(file)).skip(skip).take(take)
    if shuffle:
        records = records.shuffle(1 << 17, seed=0)
    return records.batch(BATCH).parse(model.parse_example_spec(), strict=False).prefetch()


class Guesses:
    """The 20 items that the model scores highest, by itself or beside what was bought before.

    Beside it, the score of an item is its logit plus `weight` times the log of how often the
    household has bought it lately (`unseen` if never): the product of two experts.
    """

    CANDIDATES = 100
    weight, unseen = 1.0, 0.05

    def __init__(self, model: weft.Model, batches: Any, shopper: Shopper):
        self._head = model.heads["next_items"].layers[-1]
        states = [model.sequence(features) for features in batches]
        self.states = np.concatenate(states)
        top = [self._head.top_k(x, min(self.CANDIDATES, self._head.num_items)) for x in states]
        self.items, self.scores = (np.concatenate(parts) for parts in zip(*top, strict=True))
        self.shopper = shopper

    def alone(self, row: int) -> np.ndarray:
        """Of one example."""
        return self.items[row, :K]

    def beside(self, row: int) -> np.ndarray:
        """Of one example."""
        return self._best(*self._candidates(row))

    def choose(self, targets: list[Any]) -> None:
        """Sets the weight and the count of what was never bought that are best for these."""
        settings = list(itertools.product(WEIGHTS, UNSEEN))
        found = np.zeros(len(settings))
        for row, target in enumerate(targets):
            candidates = self._candidates(row) if len(target) else None
            for i, (self.weight, self.unseen) in enumerate(settings if candidates else ()):
                found[i] += np.isin(target, self._best(*candidates)).mean()
        self.weight, self.unseen = settings[found.argmax()]

    def _candidates(self, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What may be best: items, logits, how often the household has bought each lately."""
        past = self.shopper.past(row)
        kernel, bias = self._head.weights["kernel"], self._head.weights["bias"]
        own = kernel[past.items] @ self.states[row] + bias[past.items]
        new = ~np.isin(self.items[row], past.items)
        return (
            np.concatenate([past.items, self.items[row][new]]),
            np.concatenate([own, self.scores[row][new]]),
            np.concatenate([past.lately, np.zeros(new.sum())]),
        )

    def _best(self, items: np.ndarray, logits: np.ndarray, lately: np.ndarray) -> np.ndarray:
        scores = logits + self.weight * np.log(lately + self.unseen)
        return items[np.argsort(-scores, kind="stable")[:K]]
