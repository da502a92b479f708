#!/usr/bin/env python3
"""From receipts to RNN states and trained models: weft on real shopping histories.

    .venv/demo/bin/python demo/run.py           1.5 million receipt lines, about 40 s on two cores
    .venv/demo/bin/python demo/run.py --fast    a small invented table, seconds, no download

Read it from the bottom: `main` is the whole story, one line a step.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import columns
import comparison
import histories
import learning
import numpy as np
import receipts
import records
import show
import training
import weft
from histories import Examples, Prepared
from pipeline import Batch, by_basket, documented

ROOT = Path(__file__).resolve().parent.parent


def prepare(fast: bool) -> tuple[Prepared, Examples]:
    """Receipts to examples, those chosen and every one: step 1."""
    start = time.perf_counter()
    table = receipts.invent() if fast else receipts.load()
    events, index = histories.make_events(table)
    every = histories.make_examples(events)
    histories.check(events, every)
    chosen = histories.choose(every, weft.fingerprint64)
    lines, lengths = len(table.basket), chosen.end - chosen.begin
    show.facts(
        [
            (
                "receipts",
                f"{lines:,} lines, {len(np.unique(table.basket)):,} baskets, "
                f"{len(np.unique(table.household)):,} households",
            ),
            (
                "products",
                f"{index.total:,}; {index.known:,} of weeks 1-8 have ids, {index.unknown}: unknown",
            ),
            (
                "baskets",
                f"{len(every.basket):,} from week 9 on with a history and a label",
            ),
            (
                "examples",
                f"{len(chosen.basket):,} of these: Fingerprint64(basket) = 0 modulo 4",
            ),
            (
                "histories",
                f"the last 200 events before the basket, {lengths.mean():.0f} on average",
            ),
            ("label", f"{chosen.buys_again.mean():.1%} buy again within 7 days"),
            ("leakage", "none: every history ends before its basket begins (checked)"),
            ("time", f"{time.perf_counter() - start:.1f} s"),
        ]
    )
    return Prepared(table, events, index, chosen), every


def write(made: Prepared, folder: Path, shards: int) -> list[records.Shard]:
    """Examples to TFRecord files: step 2."""
    start = time.perf_counter()
    with show.progress(len(made.examples.basket), "writing") as bar:
        written = records.write_shards(
            made, folder, shards, lambda n: bar.advance(bar.task_ids[0], n)
        )
    show.files(written)
    seconds = time.perf_counter() - start
    total = sum(shard.record_bytes for shard in written)
    show.say(
        f"{seconds:.1f} s, {show.megabytes(total / seconds)}/s (encode_examples, TFRecordWriter)"
    )
    return written


def run_documented(made: Prepared, written: list[records.Shard], batch_size: int) -> None:
    """TFRecord files to RNN states with the documented lines: step 3."""
    layers: list[Any] = []
    lengths, padded_steps, shapes = [], 0, ""
    paths = [str(shard.path) for shard in written]
    dataset = weft.io.TFRecordDataset(paths).batch(batch_size)
    start = time.perf_counter()
    with show.progress(len(made.examples.basket), "reading") as bar:
        for batch in documented(
            dataset, made.index, made=lambda *made_layers: layers.extend(made_layers)
        ):
            lengths.append(batch.sequence_length)
            padded_steps += batch.mask.size
            shapes = shapes or shapes_of(batch)
            bar.advance(bar.task_ids[0], len(batch.state))
    seconds = time.perf_counter() - start
    every_length = np.concatenate(lengths)
    seen = show.counters(layers[0])
    rows, steps = len(every_length), int(every_length.sum())
    size = sum(shard.record_bytes for shard in written)
    on_disk = sum(shard.file_bytes for shard in written)
    show.facts(
        [
            (
                "files",
                f"{len(paths)}, {show.megabytes(on_disk)}, {show.megabytes(size)} of Examples",
            ),
            (
                "speed",
                f"[bold]{rows / seconds:,.0f} records/s[/], {show.megabytes(size / seconds)}/s "
                f"({seconds:.2f} s, {weft.num_threads()} threads)",
            ),
            ("ids seen", show.count(seen["seen"])),
            (
                "ids replaced",
                show.count(seen["replaced"], seen["seen"]) + " newer than week 8, now 'unknown'",
            ),
            ("shapes", shapes),
            (
                "padding avoided",
                f"{show.count(padded_steps - steps, padded_steps)} of the RNN's steps",
            ),
        ]
    )
    show.histogram(every_length)


def shapes_of(batch: Batch) -> str:
    """The shapes of a batch, a line each."""
    names = ("sequence_input", "sequence_length", "outputs", "state")
    return "\n".join(f"{name} {list(getattr(batch, name).shape)}" for name in names)


def two_levels(made: Prepared, written: list[records.Shard], batch_size: int) -> None:
    """The same products with one time step a basket: step 4."""
    items = by_basket(next(iter(weft.io.TFRecordDataset(str(written[0].path)).batch(batch_size))))
    column = weft.feature_column.embedding_column(
        weft.feature_column.sequence_categorical_column_with_identity(
            "products", num_buckets=made.index.num_buckets, default_value=made.index.unknown
        ),
        dimension=10,
    )
    sequence_input, lengths = weft.layers.SequenceFeatures([column])({"products": items})
    per_step = np.diff(np.asarray(items.nested_row_splits[1]))
    show.facts(
        [
            ("products", f"{list(items.shape)}: examples, baskets, items".replace("None", "?")),
            (
                "items in a basket",
                f"mean {per_step.mean():.1f}, most {per_step.max()}; a step is their mean",
            ),
            (
                "sequence_input",
                f"{list(sequence_input.shape)}, lengths {lengths.min()} to {lengths.max()} baskets",
            ),
        ]
    )


def every_kind(written: list[records.Shard], folder: Path, batch_size: int) -> columns.Layers:
    """Strings, hashes, buckets, time and crosses in one layer each: step 5."""
    paths = [shard.path for shard in written]
    start = time.perf_counter()
    vocabulary = columns.count_items(paths, folder / "items.vocabulary")
    counting = time.perf_counter() - start
    made = columns.layers(folder / "items.vocabulary")
    rows = 0
    start = time.perf_counter()
    dataset = weft.io.TFRecordDataset([str(path) for path in paths]).batch(batch_size)
    for sequence, dense in columns.run(made, dataset):
        shapes = list(sequence.data.shape), list(dense.shape)
        rows += len(dense)
    seconds = time.perf_counter() - start
    show.facts(
        [
            (
                "items",
                f"{show.count(len(vocabulary))} entries bought {columns.MIN_COUNT} times or more, "
                f"counted in {counting:.1f} s",
            ),
            ("shapes", f"sequence_input {shapes[0]}\ndense {shapes[1]}"),
            ("speed", f"[bold]{rows / seconds:,.0f} records/s[/] through both layers"),
        ]
    )
    show.columns(made)
    return made


def explained(made: Prepared, kinds: columns.Layers, row: int) -> None:
    """The end of one history, value by value, as the columns see it."""
    (serialized,) = records.encode(made, made.examples.take(np.array([row])))
    names = ("items_embedding", "departments_embedding", "times_delta")
    wanted = [c for c in kinds.sequence._feature_columns if c.name in names]
    show.explanation(weft.explain(serialized[0], wanted), steps=3)


def short_history(made: Prepared) -> int:
    """An example with a short history that holds a product which the index does not know."""
    lengths = made.examples.end - made.examples.begin
    for row in np.flatnonzero((lengths >= 10) & (lengths <= 14)).tolist():
        history = slice(int(made.examples.begin[row]), int(made.examples.end[row]))
        unknown = int(np.sum(made.events.product[history] > made.index.unknown))
        if 1 <= unknown <= 4 and 2 <= len(np.unique(made.events.basket[history])) <= 5:
            break
    return row


def one_household(made: Prepared, row: int) -> None:
    """One history all the way: step 6."""
    # A batch of two, so that there is padding to see: this history and a longest one.
    lengths = made.examples.end - made.examples.begin
    rows = np.array([row, int(lengths.argmax())])
    (serialized,) = records.encode(made, made.examples.take(rows))
    (batch,) = documented([serialized], made.index)
    products = weft.feature_column.sequence_categorical_column_with_identity(
        "products", num_buckets=made.index.num_buckets, default_value=made.index.unknown
    )
    ids = np.asarray(products.ids(batch.features).flat_values)
    show.household(made, row, ids, batch)


def encode_sample(made: Prepared) -> list[bytes]:
    """The records of the golden file, made anew."""
    sample: Examples = comparison.sample(made.examples)
    return [record for batch in records.encode(made, sample) for record in batch]


def compare(made: Prepared, fast: bool) -> bool:
    """The documented lines against TensorFlow's answers: step 7."""
    committed = comparison.golden_records()
    same = None if fast else encode_sample(made) == committed
    found = comparison.compare(committed)
    show.golden(found, same)
    return found.agrees


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="a small invented table")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "demo", help="for the TFRecord files"
    )
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument(
        "--write-golden-records",
        action="store_true",
        help="replace the records TensorFlow answered",
    )
    return parser.parse_args()


def main() -> int:
    """The whole story."""
    options = arguments()
    start = time.perf_counter()
    show.say("[bold]weft: from receipts to RNN states, without TensorFlow")
    show.section(1, "Receipts to examples")
    made, every = prepare(options.fast)
    if options.write_golden_records:
        comparison.write_records(encode_sample(made))
        return 0
    show.section(2, "Examples to TFRecord files")
    written = write(made, options.folder, options.shards)
    show.section(3, "TFRecord files to RNN states: the documented lines")
    show.source(documented, "documented")
    run_documented(made, written, options.batch)
    show.section(4, "Two levels: the items of a basket share a time step")
    two_levels(made, written, options.batch)
    show.section(5, "Every kind of column, side by side")
    show.source(columns.layers, "columns")
    kinds = every_kind(written, options.folder, options.batch)
    show.section(6, "One household")
    row = short_history(made)
    one_household(made, row)
    explained(made, kinds, row)
    show.section(7, "Against TensorFlow")
    equal = compare(made, options.fast)
    show.section(8, "Histories of baskets, split by time")
    split = learning.write(made, every, options.folder)
    show.section(9, "Training: does this household buy again within 7 days?")
    show.source(training.buys_again, "buys_again")
    learning.buys_again(made, split, options.folder)
    show.section(10, "Training: which items are in the next basket?")
    show.source(training.next_items, "next_items")
    learning.next_items(made, split, options.folder)
    show.say(f"\n{'Done' if equal else '[red]FAILED[/]'} in {time.perf_counter() - start:.0f} s.")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
