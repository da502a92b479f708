"""The demo's histories of baskets and its baselines, on an invented table, against plain loops."""

import sys
from pathlib import Path

import numpy as np
import pytest
import weft

DEMO = Path(__file__).resolve().parents[2] / "demo"
sys.path.insert(0, str(DEMO))

import baselines  # noqa: E402
import baskets  # noqa: E402
import histories  # noqa: E402
import receipts  # noqa: E402
import training  # noqa: E402

DAY, WEEK = 24 * 3600, 7 * 24 * 3600


class Made:
    def __init__(self, table):
        self.table = table
        self.events, self.index = histories.make_events(self.table)
        self.every = histories.make_examples(self.events)
        self.baskets = baskets.make_baskets(self.events)
        self.split = baskets.split_by_time(self.events, self.every)

    def rows(self, examples):
        features = baskets.features_of(self.events, self.index, self.baskets, examples)
        columns = {
            k: v.to_lists() if isinstance(v, weft.Ragged) else v.tolist()
            for k, v in features.items()
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.fixture(scope="module")
def made():
    return Made(receipts.invent())


def test_features_against_a_loop_over_the_receipts(made):
    table, split = made.table, made.split
    for examples in (split.train, split.judged):
        some = examples.take(np.arange(0, len(examples.basket), 37))
        for i, row in enumerate(made.rows(some)):
            now = some.seconds[i]
            mine = table.household == some.household[i]
            before = mine & (table.seconds < now)
            moments = {b: table.seconds[table.basket == b][0] for b in table.basket[before]}
            last = sorted(moments.values())
            assert row["times"] == last[-baskets.LAST_BASKETS :]
            assert max(row["times"]) < now == row["now"]
            assert row["hours"] == [t // 3600 % 24 for t in row["times"]]
            assert row["gap"] == pytest.approx((now - last[-1]) / DAY)
            mean = (last[-1] - last[0]) / max(1, len(last) - 1) / DAY if len(last) > 1 else 7.0
            assert row["mean_gap"] == pytest.approx(mean) and row["baskets"] == len(last)
            spent = table.value[before].sum()
            if len(last) <= baskets.LAST_BASKETS:
                assert sum(row["spent"]) == pytest.approx(spent, rel=1e-4)
                assert sum(row["sizes"]) == before.sum()
            later = table.seconds[mine & (table.seconds > now)]
            assert row["buys_again"] == (len(later) > 0 and later.min() - now <= WEEK)
            assert row["next_items"] == sorted(set(row["next_items"]))
            if row["next_items"]:
                assert len(later) and (examples is split.judged or later.min() < split.moment)
            assert all(item < made.index.known for item in row["items"] + row["next_items"])


def test_nothing_to_learn_from_is_known_only_after_the_split(made):
    split, every, moment = made.split, made.every, made.split.moment
    assert split.judged.seconds.min() == moment
    assert len(split.judged.basket) == np.sum(every.seconds >= moment)
    over = every.seconds + WEEK < moment  # and nothing else decides
    assert sorted(split.train.basket) == sorted(every.basket[over])
    assert split.dropped == np.sum((every.seconds < moment) & ~over) > 0
    assert np.all(split.train.seconds[: split.fitted] < split.tried_from)
    assert np.all(split.tried.seconds >= split.tried_from) and len(split.tried.basket) > 0
    assert np.all(every.week[every.seconds >= split.tried_from] >= baskets.FIRST_WEEK_TRIED)


def test_a_next_basket_is_learnt_from_if_it_was_before_those_to_try_or_the_split(made):
    split, events, every = made.split, made.events, made.every
    place = {basket: row for row, basket in enumerate(every.basket.tolist())}
    blanked = 0
    for i, basket in enumerate(split.train.basket.tolist()):
        row = place[basket]
        begin, end = every.next_begin[row], every.next_end[row]
        limit = split.tried_from if i < split.fitted else split.moment
        known = end > begin and events.seconds[begin] < limit
        blanked += end > begin and not known
        items = set(events.product[begin:end].tolist()) if known else set()
        one = split.train.take(np.array([i]))
        (found,) = baskets.targets(events, made.index, one)
        assert found == sorted(item for item in items if item < made.index.known)
        assert split.train.buys_again[i] == every.buys_again[row]
    assert blanked > 0


def test_what_happens_from_the_split_on_changes_nothing_to_learn_from(made):
    """As if one household had bought it all, so that no other ever bought again."""
    table, split = made.table, made.split
    late = table.seconds >= split.moment
    (one, *_) = table.household[table.seconds == split.moment]
    other = Made(
        table._replace(
            household=np.where(late, one, table.household), product=np.where(late, 1, table.product)
        )
    )
    assert (other.split.moment, other.split.dropped) == (split.moment, split.dropped)
    assert other.split.fitted == split.fitted
    assert other.rows(other.split.train) == made.rows(split.train)


def test_logistic_regression_finds_the_weights():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20000, 2))
    y = rng.random(len(x)) < 1 / (1 + np.exp(-(x @ [1.5, -0.5] + 0.3)))
    np.testing.assert_allclose(baselines.logistic_regression(x, y), [1.5, -0.5, 0.3], atol=0.06)


def test_what_was_bought_most(made):
    shopper = baselines.Shopper(
        made.events, made.index, made.baskets, made.split.judged, made.split.moment
    )
    shopper.fade = 0.9
    table, examples, known = made.table, made.split.judged, made.index.known
    number = {int(n): i for i, n in enumerate(made.index.names) if n}
    for row in range(0, len(examples.basket), 29):
        mine = table.household == examples.household[row]
        before = mine & (table.seconds < examples.seconds[row])
        items = [number[int(p)] for p in table.product[before] if number[int(p)] < known]
        past = shopper.past(row)
        assert dict(zip(past.items.tolist(), past.times.tolist(), strict=True)) == {
            i: items.count(i) for i in set(items)
        }
        assert np.all(past.lately <= past.times) and np.all(past.lately > 0)
        own = shopper.own(row)
        assert len(own) == len(set(own.tolist())) == baselines.K
        most = sorted(past.times.tolist(), reverse=True)[: baselines.K]
        assert [items.count(i) for i in own[: len(most)]] == most
        lines = made.events.product[made.events.household == examples.household[row]]
        lines = [i for i in lines[: before.sum()].tolist() if i < known][::-1]
        lately = {i: sum(0.9**n for n, j in enumerate(lines) if i == j) for i in set(lines)}
        assert dict(zip(past.items.tolist(), past.lately.tolist(), strict=True)) == (
            pytest.approx(lately)
        )
        most = sorted(lately, key=lately.get, reverse=True)[: baselines.K]
        assert shopper.own_lately(row)[: len(most)].tolist() == most
    early = (table.seconds < made.split.moment) & np.isin(
        [number[int(p)] for p in table.product], np.arange(known)
    )
    counts = np.bincount([number[int(p)] for p in table.product[early]])
    assert counts[shopper.overall].tolist() == sorted(counts.tolist(), reverse=True)[:20]


def test_guesses_add_the_logs_of_both(made, tmp_path):
    split = made.split

    def features(examples):
        return baskets.features_of(made.events, made.index, made.baskets, examples)

    baskets.write(tmp_path / "judged.tfrecord", split.judged, features)
    counts = np.random.default_rng(0).integers(1, 9, made.index.known).astype(np.float64)
    model = training.next_items(counts, steps=1)
    shopper = baselines.Shopper(
        made.events, made.index, made.baskets, split.judged, made.split.moment
    )
    batches = training.dataset(tmp_path / "judged.tfrecord", model)
    guesses = training.Guesses(model, batches, shopper)
    scores = np.concatenate([model(batch)["next_items"] for batch in batches])
    guesses.weight, guesses.unseen = 2.0, 0.1
    for row in range(0, len(split.judged.basket), 41):
        assert guesses.alone(row).tolist() == np.argsort(-scores[row], kind="stable")[:20].tolist()
        past = shopper.past(row)
        lately = np.zeros(made.index.known)
        lately[past.items] = past.lately
        whole = scores[row] + 2 * np.log(lately + 0.1)
        best = np.sort(whole)[::-1][:20]
        np.testing.assert_allclose(np.sort(whole[guesses.beside(row)])[::-1], best, rtol=1e-5)
    targets = baskets.targets(made.events, made.index, split.judged)
    shopper.choose(targets)
    guesses.choose(targets)
    chosen = baselines.recall(guesses.beside, targets)
    for guesses.weight in training.WEIGHTS:
        for guesses.unseen in training.UNSEEN:
            assert baselines.recall(guesses.beside, targets) <= chosen + 1e-12
    chosen = baselines.recall(shopper.own_lately, targets)
    for shopper.fade in baselines.FADES:
        assert baselines.recall(shopper.own_lately, targets) <= chosen
