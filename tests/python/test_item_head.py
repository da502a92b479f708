"""Heads over many items: trained on samples of them, evaluated over all."""

import pickle

import numpy as np
import pytest
import weft
from small_model import batches, features, layers, same_weights
from weft import callbacks, io, losses, metrics, optimizers
from weft.layers import Dense, SampledSoftmax

ITEMS = 30


def with_baskets(x):
    """A batch, and the items that come next: none in some rows, two of a kind in none."""
    rows = [sorted(set(row[:3])) for row in x["items"].to_lists()]
    return {**x, "next": weft.Ragged.from_lists(rows, weft.int64)}


def data(rows=60, size=12):
    return [with_baskets(x) for x in batches(rows, size)]


def made(alone=False, optimizer="adam"):
    items = SampledSoftmax(ITEMS, num_sampled=8, name="items")
    head = [items] if alone else [Dense(6, "tanh", name="d"), items]
    heads = {"again": Dense(1, name="a"), "next": head}
    model = weft.Model(**{**layers(), "heads": heads})
    model.compile(
        optimizer,
        {"again": losses.BinaryCrossentropy(from_logits=True), "next": "sampled_softmax"},
        {"next": [metrics.RecallAtK(5)], "again": ["auc"]},
        {"next": 0.5},
    )
    return model


@pytest.mark.parametrize("alone", [False, True])
def test_a_fit_is_its_steps(alone):
    model, other = made(alone), made(alone)
    history = model.fit(data(), epochs=2, verbose=0)
    assert list(history.history) == ["loss", "again_loss", "next_loss", "again_auc"]
    head, adam = other.heads["next"], optimizers.Adam()
    again = losses.BinaryCrossentropy(from_logits=True)
    step = 0
    for _ in range(2):
        total = 0.0
        for x in data():
            towers = weft.Model(other.sequence, other.context)
            joined, back = towers.vjp(x, training=True, step=step)
            y, back_again = other.heads["again"].vjp(joined)
            _, grad = again.value_and_grad(x["again"], y)
            (grad_x,), of_again = back_again(grad)
            hidden, back_hidden = joined, None
            if not alone:
                hidden, back_hidden = head.layers[0].vjp(joined)
            value, back_items = head.layers[-1].loss_vjp(hidden, x["next"], step=step)
            (grad,), of_items = back_items(0.5)
            grads = {**back(np.zeros_like(joined))[1], **of_again}
            grads |= {f"items/{k}": g for k, g in of_items.items()}
            if back_hidden is not None:
                (grad,), of_hidden = back_hidden(grad)
                grads |= {f"d/{k}": g for k, g in of_hidden.items()}
            grads |= back(grad_x + grad)[1]
            adam.apply(other, grads)
            total += value * len(x["again"])
            step += 1
    np.testing.assert_allclose(history["next_loss"][-1], total / 60)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluated_over_all_items():
    model = made()
    x = with_baskets(features(25))
    scores = model.predict(x)["next"].astype(np.float64)
    logs = np.log(np.exp(scores).sum(1))
    want, hits = [], []
    for row, basket in enumerate(x["next"].to_lists()):
        want.append(sum(logs[row] - scores[row, i] for i in basket) / max(len(basket), 1))
        best = np.argsort(-scores[row], kind="stable")[:5]
        hits += [len(set(best) & set(basket)) / len(basket)] if basket else []
    result = model.evaluate([x])
    np.testing.assert_allclose(result["next_loss"], np.mean(want), rtol=1e-5)
    np.testing.assert_allclose(result["next_recall_at_5"], np.mean(hits), rtol=1e-6)
    model.fit(data(200, 20), data(), epochs=8, verbose=0)
    assert model.evaluate([x])["next_loss"] < result["next_loss"]
    one = {**x, "next": np.array([3] * 25)}
    np.testing.assert_allclose(
        model.evaluate([one])["next_loss"],
        model.evaluate([{**one, "next": [[3]] * 25}])["next_loss"],
    )
    with pytest.raises(weft.OutOfRangeError, match="0 to 29"):
        model.evaluate([{**x, "next": np.array([30] * 25)}])


def test_stop_and_resume(tmp_path):
    whole, broken, resumed = made(), made(), made()
    run = {"epochs": 3, "steps_per_epoch": 7, "verbose": 0}
    history = whole.fit(data(), callbacks=[callbacks.Checkpoint(tmp_path / "a")], **run)
    keep = callbacks.Checkpoint(tmp_path / "b", every_steps=1)
    broken.fit(data(), callbacks=[keep], **{**run, "epochs": 2})
    again = resumed.fit(data(), callbacks=[keep], resume=True, **run)
    assert again.history == history.history and same_weights(whole, resumed)


def test_configs(tmp_path):
    model = made()
    assert model.parse_example_spec()["next"] == io.RaggedFeature(weft.int64)
    other = weft.Model.from_json(model.to_json())
    assert other.to_json() == model.to_json()
    paths = io.write_tfrecords(with_baskets(features(40)), tmp_path / "r")
    dataset = io.TFRecordDataset(paths).batch(10).parse(model.parse_example_spec())
    model.fit(dataset, verbose=0)
    other.fit(dataset, verbose=0)
    assert same_weights(model, other)
    towers = weft.Model([*layers()["sequence"], SampledSoftmax(ITEMS)])
    with pytest.raises(weft.InvalidArgumentError, match="heads"):
        towers.compile(loss="sampled_softmax")
    with pytest.raises(weft.InvalidArgumentError, match="SampledSoftmax"):
        weft.Model(**layers()).compile(loss="sampled_softmax")


def test_what_is_not_finite():
    model = made()
    x = data()[0]
    x["age"][2] = np.nan
    with pytest.raises(weft.NonFiniteError) as info:
        model.fit([x], verbose=0)
    assert info.value.rows == [2] and info.value.key == "age"


def test_a_table_of_another_layer(tmp_path):
    """Trained and resumed as any head; described by no config, and kept by no pickle."""

    def tied():
        parts = layers()
        history = parts["sequence"][0]
        parts["sequence"][1] = weft.layers.GRU(6, name="gru")
        table = history.weights["items_embedding/embedding_weights"]
        items = SampledSoftmax(ITEMS, num_sampled=8, name="items", table=table)
        model = weft.Model(parts["sequence"], heads={"next": items})
        model.compile(loss="sampled_softmax")
        return model

    whole, broken, resumed = tied(), tied(), tied()
    whole.fit(data(), epochs=2, verbose=0)
    keep = callbacks.Checkpoint(tmp_path / "c")
    broken.fit(data(), callbacks=[keep], verbose=0)
    resumed.fit(data(), epochs=2, callbacks=[keep], resume=True, verbose=0)
    assert same_weights(whole, resumed)
    with pytest.raises(weft.InvalidArgumentError, match="another layer"):
        weft.Model.from_json(whole.to_json())
    with pytest.raises(weft.InvalidArgumentError, match="another layer"):
        pickle.dumps(whole)
