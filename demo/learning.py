"""Two models, each beside what it must be better than: steps 8 to 10 of the demo.

Nothing is fitted or chosen on the examples judged by, nor chosen on those fitted on: the models'
sizes, epochs and rates are given, and the three numbers by which the next basket's guesses mix the
model with what was bought lately are chosen on the last examples before the split, which that model
is not fitted on.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import baselines
import baskets
import numpy as np
import show
import training
import weft
from baskets import Split
from histories import Examples, Prepared


def write(made: Prepared, every: Examples, folder: Path) -> Split:
    """Examples of baskets, split by time and written: step 8."""
    start = time.perf_counter()
    split = baskets.split_by_time(made.events, every)
    table = baskets.make_baskets(made.events)

    def features(examples: Examples) -> dict[str, Any]:
        return baskets.features_of(made.events, made.index, table, examples)

    size = 0
    for name, examples in (("train", split.train), ("judged", split.judged)):
        size += baskets.write(folder / f"{name}.tfrecord", examples, features)[1]
    weeks = split.train.week
    show.facts(
        [
            (
                "to learn from",
                f"{len(weeks):,} baskets of weeks {weeks.min()}-{weeks.max()}, 7 days over",
            ),
            ("judged by", f"{len(split.judged.basket):,} of week 44 and later"),
            ("dropped", f"{split.dropped:,} whose 7 days cross the split"),
            ("written", f"{show.megabytes(size)} in {time.perf_counter() - start:.1f} s"),
        ]
    )
    return split


def buys_again(made: Prepared, split: Split, folder: Path) -> None:
    """A model of buying again beside a logistic regression: step 9."""
    rows, epochs = len(split.train.basket), training.EPOCHS["buys_again"]
    baseline = baselines.buys_again(baskets.make_baskets(made.events), split)
    start = time.perf_counter()
    model = training.buys_again(epochs * -(-rows // training.BATCH))
    history = model.fit(
        training.dataset(folder / "train.tfrecord", model, shuffle=True),
        validation_data=training.dataset(folder / "judged.tfrecord", model),
        epochs=epochs,
        callbacks=[show.Epochs()],
        verbose=0,
    )
    seconds, auc = time.perf_counter() - start, history["val_auc"][-1]
    show.facts(
        [
            ("buys again", f"{split.judged.buys_again.mean():.1%} of those judged"),
            ("baseline", f"AUC {baseline:.4f}: logistic regression on log gap, log mean gap"),
            ("weft.Model", f"[bold]AUC {auc:.4f}[/], {model.count_params():,} weights"),
            ("speed", f"{epochs * rows / seconds:,.0f} records/s, judging included"),
        ]
    )
    found = {"auc": auc, "baseline": baseline, "seconds": seconds, "train_rows": rows}
    found |= {"batch": training.BATCH, "epochs": epochs, "learning_rate": training.LEARNING_RATE}
    (folder / "training.json").write_text(json.dumps(found, indent=1) + "\n")


def fit_next_items(made: Prepared, split: Split, file: Path) -> weft.Model:
    """A model of the next basket, of what is known before the examples that choices are made by."""
    events, known, epochs = made.events, made.index.known, training.EPOCHS["next_items"]
    early = events.product[(events.product < known) & (events.seconds < split.tried_from)]
    counts = np.maximum(np.bincount(early, minlength=known), 1).astype(np.float64)
    model = training.next_items(counts, epochs * -(-split.fitted // training.BATCH))
    model.fit(
        training.dataset(file, model, shuffle=True, take=split.fitted),
        epochs=epochs,
        callbacks=[show.Epochs()],
        verbose=0,
    )
    return model


def next_items(made: Prepared, split: Split, folder: Path) -> None:
    """That model beside what was bought most: step 10."""
    model = fit_next_items(made, split, folder / "train.tfrecord")
    table = baskets.make_baskets(made.events)

    def guesses(name: str, examples: Examples, moment: int, skip: int = 0) -> training.Guesses:
        batches = training.dataset(folder / f"{name}.tfrecord", model, skip=skip)
        shopper = baselines.Shopper(made.events, made.index, table, examples, moment)
        return training.Guesses(model, batches, shopper)

    tried = guesses("train", split.tried, split.tried_from, skip=split.fitted)
    targets = baskets.targets(made.events, made.index, split.tried)
    tried.shopper.choose(targets)
    tried.choose(targets)
    judged = guesses("judged", split.judged, split.moment)
    judged.shopper.fade = tried.shopper.fade
    judged.weight, judged.unseen = tried.weight, tried.unseen
    counted = baskets.targets(made.events, made.index, split.judged)
    show.facts(
        [
            ("fitted on", f"{split.fitted:,} baskets before week {baskets.FIRST_WEEK_TRIED}"),
            (
                "chosen by",
                f"{sum(map(bool, targets)):,} of week 42: a line counts {judged.shopper.fade:g} of "
                f"the next,\nan item never bought {judged.unseen:g}, the log of counts "
                f"x {judged.weight:g}",
            ),
            (
                "judged by",
                f"{sum(map(bool, counted)):,} of {len(counted):,} baskets: those whose next one "
                f"has an item\nthat weeks 1-8 knew; other items are no targets",
            ),
        ]
    )
    ways = [
        ("bought most by all", lambda row: judged.shopper.overall),
        ("bought most by the household", judged.shopper.own),
        ("bought most lately by the household", judged.shopper.own_lately),
        ("weft.Model alone", judged.alone),
        ("weft.Model beside the household's lately", judged.beside),
    ]
    show.recall([(name, baselines.recall(way, counted)) for name, way in ways])
