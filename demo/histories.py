"""From receipts to examples: for each chosen basket, what its household had bought before it.

A line of a receipt is an event. Events lie in order of household, time and basket, so that
everything a household bought before a moment is one range of events, and the last 200 of them are
the end of that range. An example is two ranges and a few numbers:

    household 7   | basket | basket | basket | THIS basket | next basket | ...
                        [ at most 200 events )             [  a target   )
                                             ^ this moment

Nothing at or after "this moment" may be in the first range: `check` asserts it of every example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from receipts import Receipts

LAST_EVENTS = 200
FIRST_WEEK = 9  # weeks 1-8 fix the product index
WEEK_SECONDS = 7 * 24 * 3600


class Events(NamedTuple):
    """All lines in order of household, time, basket. `product` is the dense index."""

    household: np.ndarray
    basket: np.ndarray
    seconds: np.ndarray
    product: np.ndarray
    department: np.ndarray
    category: np.ndarray
    quantity: np.ndarray
    value: np.ndarray
    store: np.ndarray
    week: np.ndarray
    hours: np.ndarray  # since the household's previous basket; 0 for its first


class Examples(NamedTuple):
    """One item an example: `begin:end` is its history, `next_begin:next_end` the next basket."""

    household: np.ndarray
    basket: np.ndarray
    week: np.ndarray
    seconds: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    next_begin: np.ndarray
    next_end: np.ndarray
    buys_again: np.ndarray

    def take(self, rows: np.ndarray) -> Examples:
        """The examples at `rows`."""
        return Examples(*(field[rows] for field in self))


class ProductIndex(NamedTuple):
    """Products of weeks 1-8 are 0..known-1, `known` is 'unknown', newer ones lie out of range."""

    known: int
    total: int
    names: np.ndarray | None = None  # by index: the grocer's own number, as text

    @property
    def num_buckets(self) -> int:
        """Of the identity column: the known products and `unknown`."""
        return self.known + 1

    @property
    def unknown(self) -> int:
        """The bucket of everything out of range."""
        return self.known


class Prepared(NamedTuple):
    """The receipts as events, and the examples made of them."""

    receipts: Receipts
    events: Events
    index: ProductIndex
    examples: Examples


def index_products(receipts: Receipts) -> tuple[np.ndarray, ProductIndex]:
    """The dense index of each line's product, in order of first purchase."""
    products, number = np.unique(receipts.product, return_inverse=True)
    first = np.full(len(products), np.iinfo(np.int64).max)
    np.minimum.at(first, number, receipts.seconds)
    seen_early = np.zeros(len(products), bool)
    seen_early[number[receipts.week < FIRST_WEEK]] = True
    order = np.lexsort((products, first, ~seen_early))
    known = int(seen_early.sum())
    index = np.empty(len(products), np.int64)
    index[order] = np.arange(len(products))
    index[order[known:]] += 1
    names = np.full(len(products) + 1, b"", dtype=object)
    names[index] = [b"%d" % product for product in products.tolist()]
    return index[number], ProductIndex(known, len(products), names)


def make_events(receipts: Receipts) -> tuple[Events, ProductIndex]:
    """The receipts' lines as events."""
    product, index = index_products(receipts)
    order = np.lexsort((receipts.basket, receipts.seconds, receipts.household))
    household, seconds = receipts.household[order], receipts.seconds[order]
    basket = receipts.basket[order]
    starts = basket_starts(household, basket)
    gap = np.diff(seconds[starts], prepend=seconds[:1])
    gap[np.diff(household[starts], prepend=household[0] - 1) != 0] = 0
    sizes = np.diff(starts, append=len(order))
    events = Events(
        household=household,
        basket=basket,
        seconds=seconds,
        product=product[order],
        department=receipts.department[order],
        category=receipts.category[order],
        quantity=receipts.quantity[order].astype(np.int64),
        value=receipts.value[order].astype(np.float32),
        store=receipts.store[order].astype(np.int64),
        week=receipts.week[order],
        hours=np.repeat(gap / np.float32(3600), sizes).astype(np.float32),
    )
    return events, index


def basket_starts(household: np.ndarray, basket: np.ndarray) -> np.ndarray:
    """Where each basket begins, in lines that are in order."""
    changes = (np.diff(household) != 0) | (np.diff(basket) != 0)
    return np.concatenate([[0], np.flatnonzero(changes) + 1])


def first_of_each(changes: np.ndarray) -> np.ndarray:
    """For every item the position of the last change up to it."""
    return np.maximum.accumulate(np.where(changes, np.arange(len(changes)), 0))


def make_examples(events: Events) -> Examples:
    """Examples of baskets from week 9 on, the last 7 days aside; a first basket has no history."""
    starts = basket_starts(events.household, events.basket)
    household, seconds = events.household[starts], events.seconds[starts]
    new_household = np.diff(household, prepend=household[0] - 1) != 0
    new_moment = new_household | (np.diff(seconds, prepend=seconds[0]) != 0)
    begin_household = starts[first_of_each(new_household)]
    end = starts[first_of_each(new_moment)]  # baskets of one moment do not see each other

    # The next basket is the first one of the household's next moment.
    moments = np.flatnonzero(new_moment)
    following = np.searchsorted(moments, np.arange(len(starts)), side="right")
    next_basket = np.append(moments, len(starts))[following]
    inside = next_basket < len(starts)
    clipped = np.minimum(next_basket, len(starts) - 1)
    has_next = inside & (household[clipped] == household)
    ends = np.append(starts[1:], len(events.basket))
    gap = seconds[clipped] - seconds

    week = events.week[starts]
    every = Examples(
        household=household,
        basket=events.basket[starts],
        week=week,
        seconds=seconds,
        begin=np.maximum(begin_household, end - LAST_EVENTS),
        end=end,
        next_begin=np.where(has_next, starts[clipped], 0),
        next_end=np.where(has_next, ends[clipped], 0),
        buys_again=(has_next & (gap <= WEEK_SECONDS)).astype(np.int64),
    )
    known_label = seconds <= seconds.max() - WEEK_SECONDS
    return every.take(np.flatnonzero((week >= FIRST_WEEK) & known_label & (end > begin_household)))


def choose(examples: Examples, fingerprint64: Callable[[bytes], int]) -> Examples:
    """About a quarter, the same for everybody: by the fingerprint of the basket's number."""
    chosen = [fingerprint64(b"%d" % basket) % 4 == 0 for basket in examples.basket.tolist()]
    return examples.take(np.flatnonzero(chosen))


def check(events: Events, examples: Examples) -> None:
    """Asserts that histories are of their household and before their basket, targets after it."""
    assert np.all(examples.begin < examples.end)
    assert np.all(examples.end - examples.begin <= LAST_EVENTS)
    for edge in (examples.begin, examples.end - 1):
        assert np.array_equal(events.household[edge], examples.household)
    # Times rise within a household, so the last event's time bounds them all.
    inside = np.diff(events.household) == 0
    assert np.all(np.diff(events.seconds)[inside] >= 0)
    assert np.all(events.seconds[examples.end - 1] < examples.seconds)
    has_next = examples.next_end > examples.next_begin
    assert np.all(events.seconds[examples.next_begin[has_next]] > examples.seconds[has_next])
    assert np.all(events.household[examples.next_begin[has_next]] == examples.household[has_next])


def gather(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(positions of all items of the ranges begin:end, one after another; row_splits)."""
    lengths = end - begin
    splits = np.concatenate([[0], np.cumsum(lengths)])
    return np.arange(splits[-1]) + np.repeat(begin - splits[:-1], lengths), splits
