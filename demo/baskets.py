"""Examples to train on: a household's last baskets and items, and what it did next.

times          int64 history  when each basket was bought, in seconds since 1970
spent, sizes   float history  what it cost, and how many lines it had
hours, weekdays  int64 history  its hour of the day and day of the week
items          int64 history  the dense index of each item of the last baskets; known ones only
now            int64          the moment of the basket, before which all of the above happened
hour, weekday  int64          of that moment
gap            float          days since the last basket
mean_gap       float          days between the baskets of the household so far; 7 for a second one
baskets        float          how many they are
buys_again     int64, target  whether the household buys again within 7 days
next_items     int64, target  the known items of the next basket, each once; none if that basket is
                              not known of where the example is learnt from
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import weft
from histories import WEEK_SECONDS, Events, Examples, ProductIndex, basket_starts, gather

LAST_BASKETS = 64
LAST_ITEMS = 100
FIRST_WEEK_TRIED = 42
FIRST_WEEK_JUDGED = 44
ROWS_AT_ONCE = 4096
DAY = 24 * 3600


class Split(NamedTuple):
    """Examples to learn from, and later ones to be judged by; moments in seconds since 1970."""

    train: Examples
    fitted: int  # the first of `train`, all before `tried_from`; the rest are from then on
    judged: Examples
    dropped: int  # those whose 7 days begin before the split and end after it
    tried_from: int
    moment: int  # the split

    @property
    def tried(self) -> Examples:
        """What choices among models fitted on the first are made by."""
        return self.train.take(np.arange(self.fitted, len(self.train.basket)))


class Baskets(NamedTuple):
    """All baskets, in the order of events."""

    start: np.ndarray  # where its events begin
    household: np.ndarray
    seconds: np.ndarray
    spent: np.ndarray
    lines: np.ndarray

    def before(self, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
        """(the household's first basket, the one behind the last of its history) of each."""
        first = np.searchsorted(self.household, examples.household)
        return first, np.searchsorted(self.start, examples.end)


def split_by_time(events: Events, examples: Examples) -> Split:
    """What is known of an example to learn from, was known before the first one judged.

    Its 7 days are over by then: that alone decides whether it is there. Its next basket is left out
    unless it was before the split, and for those to fit on unless it was before those to try on.
    Each part is in random order.
    """
    tried_from = int(examples.seconds[examples.week >= FIRST_WEEK_TRIED].min())
    moment = int(examples.seconds[examples.week >= FIRST_WEEK_JUDGED].min())
    over = examples.seconds + WEEK_SECONDS < moment
    tried, judged = examples.seconds >= tried_from, examples.seconds >= moment
    rng = np.random.default_rng(0)
    fit_on, try_on, judge_by = (
        examples.take(rng.permutation(np.flatnonzero(rows)))
        for rows in (over & ~tried, over & tried, judged)
    )
    parts = (known_before(events, fit_on, tried_from), known_before(events, try_on, moment))
    train = Examples(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))
    dropped = int(np.sum(~over & ~judged))
    return Split(train, len(fit_on.basket), judge_by, dropped, tried_from, moment)


def known_before(events: Events, examples: Examples, moment: int) -> Examples:
    """The examples without the next baskets that are not before a moment."""
    later = events.seconds[examples.next_begin] >= moment
    return examples._replace(next_end=np.where(later, examples.next_begin, examples.next_end))


def make_baskets(events: Events) -> Baskets:
    """The events' baskets."""
    start = basket_starts(events.household, events.basket)
    return Baskets(
        start,
        events.household[start],
        events.seconds[start],
        np.add.reduceat(events.value, start).astype(np.float32),
        np.diff(start, append=len(events.basket)).astype(np.float32),
    )


def known_items(
    events: Events, index: ProductIndex, begin: np.ndarray, end: np.ndarray
) -> weft.Ragged:
    """The items of ranges of events that the index knows."""
    at, splits = gather(begin, end)
    known = events.product[at] < index.known
    counts = np.concatenate([[0], np.cumsum(known)])
    return weft.Ragged.from_row_splits(events.product[at[known]], counts[splits])


def each_once(items: weft.Ragged) -> weft.Ragged:
    """Rows in order and without repeats."""
    splits, values = np.asarray(items.row_splits), np.asarray(items.flat_values)
    row = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
    pairs = np.unique(np.stack([row, values]), axis=1)
    return weft.Ragged.from_row_splits(
        np.ascontiguousarray(pairs[1]), np.searchsorted(pairs[0], np.arange(len(splits)))
    )


def targets(events: Events, index: ProductIndex, examples: Examples) -> list[list[int]]:
    """The known items of each next basket."""
    items = known_items(events, index, examples.next_begin, examples.next_end)
    return each_once(items).to_lists()


def gaps(baskets: Baskets, examples: Examples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(days since the last basket, mean days between baskets, number of baskets)."""
    first, behind = baskets.before(examples)
    last = baskets.seconds[behind - 1]
    count = behind - first
    mean = (last - baskets.seconds[first]) / np.maximum(count - 1, 1) / DAY
    gap = (examples.seconds - last) / DAY
    return gap, np.where(count > 1, mean, 7.0), count


def features_of(
    events: Events, index: ProductIndex, baskets: Baskets, examples: Examples
) -> dict[str, Any]:
    """The features of some examples, a row each."""
    first, behind = baskets.before(examples)
    at, splits = gather(np.maximum(first, behind - LAST_BASKETS), behind)
    seconds = baskets.seconds[at]
    gap, mean_gap, count = gaps(baskets, examples)

    def ragged(values: np.ndarray) -> weft.Ragged:
        return weft.Ragged.from_row_splits(np.ascontiguousarray(values), splits)

    return {
        "times": ragged(seconds),
        "spent": ragged(np.maximum(baskets.spent[at], 0)),
        "sizes": ragged(baskets.lines[at]),
        "hours": ragged(seconds // 3600 % 24),
        "weekdays": ragged(seconds // DAY % 7),
        "items": known_items(
            events, index, np.maximum(examples.begin, examples.end - LAST_ITEMS), examples.end
        ),
        "now": examples.seconds,
        "hour": examples.seconds // 3600 % 24,
        "weekday": examples.seconds // DAY % 7,
        "gap": gap.astype(np.float32),
        "mean_gap": mean_gap.astype(np.float32),
        "baskets": count.astype(np.float32),
        "buys_again": examples.buys_again,
        "next_items": weft.Ragged.from_lists(targets(events, index, examples), dtype=np.int64),
    }


def write(
    file: Path, examples: Examples, features: Callable[[Examples], dict[str, Any]]
) -> tuple[int, int]:
    """The examples as a TFRecord file; (records, bytes)."""
    total, size = len(examples.basket), 0
    with weft.io.TFRecordWriter(str(file)) as writer:
        for begin in range(0, total, ROWS_AT_ONCE):
            rows = np.arange(begin, min(begin + ROWS_AT_ONCE, total))
            for record in weft.io.encode_examples(features(examples.take(rows))):
                writer.write(record)
                size += len(record)
    return total, size
