"""Examples as tf.Example records, written with weft's own writer.

products       int64 history  dense index of each item; newer than week 8: out of range
items          bytes history  the grocer's own number of it, as text
categories     bytes history  its category
departments    bytes history  its department
quantities     int64 history  how many of it
values         float history  what was paid
hours          float history  from the household's previous basket to this item's
times          int64 history  when it was bought, in seconds since 1970
basket_sizes   int64 list     items of each basket: cuts any history into [baskets, items]
store          int64          where the household's last basket was bought
now            int64          the moment of the basket, before which all of the above happened
spent          float          what the history cost
gap            float          days from its last item to this moment
buys_again     int64, target  whether the household buys again within 7 days
next_products  int64, target  the next basket's items
household, basket, week       int64, whose example it is
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import weft
from histories import Examples, Prepared, gather

ROWS_AT_ONCE = 1024


class Shard(NamedTuple):
    """A file that was written."""

    path: Path
    records: int
    record_bytes: int
    file_bytes: int


def features_of(made: Prepared, examples: Examples) -> dict[str, Any]:
    """The features of some examples, a row each."""
    receipts, events = made.receipts, made.events
    at, splits = gather(examples.begin, examples.end)
    next_at, next_splits = gather(examples.next_begin, examples.next_end)

    def ragged(values: np.ndarray, row_splits: np.ndarray = splits) -> weft.Ragged:
        return weft.Ragged.from_row_splits(values, row_splits)

    return {
        "products": ragged(events.product[at]),
        "items": ragged(made.index.names[events.product[at]]),
        "categories": ragged(receipts.category_names[events.category[at]]),
        "departments": ragged(receipts.department_names[events.department[at]]),
        "quantities": ragged(events.quantity[at]),
        "values": ragged(events.value[at]),
        "hours": ragged(events.hours[at]),
        "times": ragged(events.seconds[at]),
        "basket_sizes": ragged(*basket_sizes(events.basket[at], splits)),
        "store": events.store[examples.end - 1],
        "now": examples.seconds,
        "spent": np.add.reduceat(events.value[at], splits[:-1]).astype(np.float32),
        "gap": gap_days(examples.seconds - events.seconds[examples.end - 1]),
        "buys_again": examples.buys_again,
        "next_products": ragged(events.product[next_at], next_splits),
        "household": examples.household,
        "basket": examples.basket,
        "week": examples.week,
    }


def gap_days(seconds: np.ndarray) -> np.ndarray:
    """Seconds as days."""
    return (seconds / np.float32(24 * 3600)).astype(np.float32)


def basket_sizes(basket: np.ndarray, splits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of items of the baskets in each history, row_splits over them)."""
    new = np.diff(basket, prepend=-1) != 0
    new[splits[:-1]] = True
    starts = np.flatnonzero(new)
    return np.diff(starts, append=len(basket)), np.searchsorted(starts, splits)


def encode(made: Prepared, examples: Examples) -> Iterator[list[bytes]]:
    """Serialized Examples, some at a time."""
    for begin in range(0, len(examples.basket), ROWS_AT_ONCE):
        rows = np.arange(begin, min(begin + ROWS_AT_ONCE, len(examples.basket)))
        yield weft.io.encode_examples(features_of(made, examples.take(rows)))


def write_shards(
    made: Prepared, folder: Path, shards: int, progress: Callable[[int], None]
) -> list[Shard]:
    """Deals the examples out to files, every second one gzip; tells `progress` how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("receipts-*"):
        old.unlink()
    written = []
    for shard in range(shards):
        compression = "GZIP" if shard % 2 else ""
        suffix = ".gz" if compression else ""
        path = folder / f"receipts-{shard:05}-of-{shards:05}.tfrecord{suffix}"
        mine = made.examples.take(np.arange(shard, len(made.examples.basket), shards))
        record_bytes = 0
        with weft.io.TFRecordWriter(str(path), options=compression) as writer:
            for batch in encode(made, mine):
                for record in batch:
                    writer.write(record)
                    record_bytes += len(record)
                progress(len(batch))
        written.append(Shard(path, len(mine.basket), record_bytes, path.stat().st_size))
    return written
