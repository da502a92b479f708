"""The demo on a small invented table: what goes into an example, and that it runs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import weft

DEMO = Path(__file__).resolve().parents[2] / "demo"
sys.path.insert(0, str(DEMO))

import comparison  # noqa: E402
import histories  # noqa: E402
import receipts  # noqa: E402
import records  # noqa: E402

TARGETS = {"buys_again", "next_products"}


@pytest.fixture(scope="module")
def made():
    return prepared(receipts.invent())


def prepared(table):
    events, index = histories.make_events(table)
    return histories.Prepared(table, events, index, histories.make_examples(events))


def rows_of(made, examples):
    """The features of each example as plain lists."""
    columns = {
        key: value.to_lists() if isinstance(value, weft.Ragged) else value.tolist()
        for key, value in records.features_of(made, examples).items()
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_histories_against_a_loop_over_the_receipt(made):
    table, examples = made.receipts, made.examples
    for i in range(0, len(examples.basket), 97):
        mine = table.household == examples.household[i]
        before = np.flatnonzero(mine & (table.seconds < examples.seconds[i]))
        before = before[np.lexsort((table.basket[before], table.seconds[before]))][-200:]
        (row,) = rows_of(made, examples.take(np.array([i])))
        category = table.category_names[table.category[before]].tolist()
        assert row["categories"] == category
        assert row["quantities"] == table.quantity[before].tolist()
        assert row["store"] == table.store[before[-1]]
        sizes = np.unique(table.basket[before], return_counts=True)[1]
        assert sorted(row["basket_sizes"]) == sorted(sizes.tolist())
        assert sum(row["basket_sizes"]) == len(before)
        later = table.seconds[mine & (table.seconds > examples.seconds[i])]
        gap = later.min() - examples.seconds[i] if len(later) else np.inf
        assert row["buys_again"] == (gap <= 7 * 24 * 3600)
        assert bool(row["next_products"]) == bool(len(later))


def test_nothing_of_the_basket_or_after_it_enters_the_inputs(made):
    """Whatever the receipts say from a basket's moment on, its inputs stay the same."""
    table = made.receipts
    for i in range(0, len(made.examples.basket), 211):
        moment = made.examples.seconds[i]
        later = table.seconds >= moment
        rng = np.random.default_rng(i)
        other = table._replace(
            product=np.where(later, rng.permutation(table.product), table.product),
            quantity=np.where(later, 77, table.quantity),
            value=np.where(later, 77.0, table.value),
            store=np.where(later, 77, table.store),
            category=np.where(later, 0, table.category),
            department=np.where(later, 0, table.department),
        )
        again = prepared(other)
        (j,) = np.flatnonzero(again.examples.basket == made.examples.basket[i])
        (old,) = rows_of(made, made.examples.take(np.array([i])))
        (new,) = rows_of(again, again.examples.take(np.array([j])))
        assert again.index.known == made.index.known
        assert {k: old[k] for k in old if k not in TARGETS} == {
            k: new[k] for k in new if k not in TARGETS
        }


def test_the_check_sees_a_leak(made):
    histories.check(made.events, made.examples)
    leaky = made.examples._replace(end=made.examples.end + 1, begin=made.examples.begin + 1)
    with pytest.raises(AssertionError):
        histories.check(made.events, leaky)


def test_baskets_of_one_moment_do_not_see_each_other(made):
    examples = made.examples
    same = np.flatnonzero((np.diff(examples.household) == 0) & (np.diff(examples.seconds) == 0))
    assert len(same)
    for i in same:
        assert examples.end[i] == examples.end[i + 1]
        assert examples.next_begin[i] == examples.next_begin[i + 1]


def test_product_index(made):
    product, index = histories.index_products(made.receipts)
    early = made.receipts.week < histories.FIRST_WEEK
    known = np.unique(product[early])
    assert known.tolist() == list(range(index.known))
    assert index.unknown not in product
    assert product.max() == index.total
    assert np.all(
        product[~np.isin(made.receipts.product, made.receipts.product[early])] > index.unknown
    )


def test_examples_come_after_week_8_and_have_a_history_and_a_label(made):
    examples = made.examples
    assert examples.week.min() >= histories.FIRST_WEEK
    assert examples.seconds.max() <= made.events.seconds.max() - histories.WEEK_SECONDS
    lengths = examples.end - examples.begin
    assert lengths.min() >= 1
    assert lengths.max() == histories.LAST_EVENTS


def test_hours_since_the_previous_basket(made):
    events = made.events
    for household in np.unique(events.household)[:10]:
        mine = events.household == household
        baskets, first = np.unique(events.basket[mine], return_index=True)
        seconds = np.sort(events.seconds[mine][first])
        expected = np.concatenate([[0], np.diff(seconds) / 3600])
        assert sorted(events.hours[mine][first].tolist()) == pytest.approx(
            sorted(expected.tolist())
        )
        assert len(baskets) == len(expected)


def test_choose_takes_fingerprints_that_4_divides(made):
    chosen = histories.choose(made.examples, weft.fingerprint64)
    assert 0 < len(chosen.basket) < len(made.examples.basket)
    assert all(weft.fingerprint64(str(b).encode()) % 4 == 0 for b in chosen.basket.tolist())


def test_tensorflow_agrees():
    found = comparison.compare(comparison.golden_records())
    assert found.lengths_equal
    assert found.largest_input == 0
    assert found.largest_output <= 1e-5 * found.magnitude
    assert found.largest_state <= 1e-5 * found.magnitude


@pytest.mark.parametrize("columns", [80, 120])
def test_it_runs(tmp_path, columns):
    pytest.importorskip("rich")
    command = [
        sys.executable,
        str(DEMO / "run.py"),
        "--fast",
        "--folder",
        str(tmp_path),
        "--shards",
        "3",
    ]
    environment = {"COLUMNS": str(columns), "PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        "leakage",
        "3 files",
        "records/s",
        "ids replaced",
        "padding avoided",
        "through both layers",
        "household",
        "weft.explain",
        "largest difference",
    ):
        assert part in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= min(columns, 100)
    assert len(list(tmp_path.glob("receipts-*"))) == 3
