"""What a model must be better than: two numbers, and counts of what was bought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import weft
from baskets import Baskets, Split, gaps
from histories import Events, Examples, ProductIndex

NEWTON_STEPS = 20
K = 20
FADES = (0.99, 0.995, 0.998, 1.0)


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC curve."""
    return weft.metrics.AUC()(labels, np.asarray(scores).reshape(-1, 1))


def logistic_regression(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights, the last one a constant, by Newton's method."""
    x = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-x @ w))
        w += np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (y - p))
    return w


def buys_again(baskets: Baskets, split: Split) -> float:
    """AUC of a logistic regression on log gap since and log mean gap between baskets."""

    def inputs(examples: Examples) -> np.ndarray:
        gap, mean_gap, _ = gaps(baskets, examples)
        return np.log(np.column_stack([gap, mean_gap]) + 0.05)

    w = logistic_regression(inputs(split.train), split.train.buys_again)
    x = inputs(split.judged)
    return auc(split.judged.buys_again, x @ w[:-1] + w[-1])


def most_frequent(items: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The 20 items that occur most; those of `behind` if there are too few."""
    found, counts = np.unique(items, return_counts=True)
    top = found[np.argsort(-counts, kind="stable")][:K]
    rest = behind[~np.isin(behind, top)]
    return np.concatenate([top, rest[: K - len(top)]])


class Past(NamedTuple):
    """What a household has bought before a moment: items and how often, then how often lately."""

    items: np.ndarray
    times: np.ndarray
    lately: np.ndarray  # the n-th line before the moment counts fade^n


class Shopper:
    """Tells what was bought before the moments of some examples; by all: before `moment`."""

    fade = 1.0

    def __init__(
        self, events: Events, index: ProductIndex, baskets: Baskets, examples: Examples, moment: int
    ):
        known = events.product < index.known
        self.overall = most_frequent(
            events.product[known & (events.seconds < moment)], np.arange(index.known)
        )
        self._product, self._known = events.product, index.known
        self._begin, self._end = baskets.start[baskets.before(examples)[0]], examples.end

    def past(self, row: int) -> Past:
        """Of one example."""
        lines = self._product[self._begin[row] : self._end[row]]
        lines = lines[lines < self._known]
        items, at, times = np.unique(lines, return_inverse=True, return_counts=True)
        weight = self.fade ** np.arange(len(lines))[::-1]
        return Past(items, times, np.bincount(at, weight, minlength=len(items)))

    def own(self, row: int) -> np.ndarray:
        """The 20 items that the household bought most, the overall ones behind them."""
        past = self.past(row)
        return self._most(past.items, past.times)

    def own_lately(self, row: int) -> np.ndarray:
        """Those that it bought most lately."""
        past = self.past(row)
        return self._most(past.items, past.lately)

    def choose(self, targets: list[Any]) -> None:
        """Sets the fade with which what was bought lately is the best guess at these."""
        found = {}
        for self.fade in FADES:
            found[self.fade] = recall(self.own_lately, targets)
        self.fade = max(found, key=lambda fade: found[fade])

    def _most(self, items: np.ndarray, counts: np.ndarray) -> np.ndarray:
        top = items[np.argsort(-counts, kind="stable")][:K]
        rest = self.overall[~np.isin(self.overall, top)]
        return np.concatenate([top, rest[: K - len(top)]])


def recall(guesses: Callable[[int], np.ndarray], targets: list[Any]) -> float:
    """Mean share of a next basket's items that are among 20 guesses, over those that have any."""
    found = [np.isin(t, guesses(row)).mean() for row, t in enumerate(targets) if len(t)]
    return float(np.mean(found)) if found else float("nan")
