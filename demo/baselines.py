"""What a model must be better than: two numbers, and counts of what was bought."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import weft
from baskets import Baskets, Split, gaps
from histories import Events, Examples, ProductIndex

NEWTON_STEPS = 20
K = 20


class Recall(NamedTuple):
    """Mean share of the next basket's items that are among 20 guesses."""

    overall: float  # the items bought most by all households before the split
    own: float  # by this household before this moment, the overall ones behind them


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
    """The items that occur most, 20 of them; those of `behind` if there are too few."""
    found, counts = np.unique(items, return_counts=True)
    top = found[np.argsort(-counts, kind="stable")][:K]
    rest = behind[~np.isin(behind, top)]
    return np.concatenate([top, rest[: K - len(top)]])


def next_items(
    events: Events, index: ProductIndex, baskets: Baskets, split: Split, targets: list[Any]
) -> Recall:
    """Recall of what was bought most; `targets`: the next items of each example judged."""
    known = events.product < index.known
    overall = most_frequent(
        events.product[known & (events.seconds < split.moment)], np.arange(index.known)
    )
    first, _ = baskets.before(split.judged)
    begin, end = baskets.start[first], split.judged.end
    found = []
    for row, target in enumerate(targets):
        if len(target) == 0:
            continue
        past = events.product[begin[row] : end[row]]
        own = most_frequent(past[past < index.known], overall)
        found.append([np.isin(target, overall).mean(), np.isin(target, own).mean()])
    return Recall(*np.mean(found, axis=0).tolist())
