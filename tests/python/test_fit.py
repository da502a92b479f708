"""fit, evaluate, predict: what a training computes, and what stops it."""

import numpy as np
import pytest
import weft
from small_model import batches, compiled, features, ids, layers, one_head, same_weights
from weft import callbacks, io, losses, metrics, optimizers
from weft import feature_column as fc
from weft.layers import GRU, Dense, SequenceFeatures


def written(folder, rows, seed=0, **more):
    columns = {**features(rows, seed), **more}
    return io.write_tfrecords(columns, folder / f"r{seed}", num_shards=2)


def parsed(paths, model, size=16):
    weight = {"weight": io.FixedLenFeature([], weft.float32)}
    return io.TFRecordDataset(paths).batch(size).parse(model.parse_example_spec(weight))


def test_a_fit_is_its_steps():
    data = batches(100, 16)
    model, other = compiled(), compiled()
    model.build(), other.build()
    other.set_weights(model.get_weights())
    history = model.fit(data, epochs=2, verbose=0)
    again = losses.BinaryCrossentropy(from_logits=True)
    spent, adam, auc = losses.MeanSquaredError(), optimizers.Adam(), metrics.AUC()
    for epoch in range(2):
        sums, rows = np.zeros(2), 0
        auc.reset_state()
        for x in data:
            outputs, pullback = other.vjp(x, training=True)
            one, grad = again.value_and_grad(x["again"], outputs["again"])
            two, more = spent.value_and_grad(x["spent"], outputs["spent"])
            auc.update_state(x["again"], outputs["again"])
            _, grads = pullback({"again": grad, "spent": more * np.float32(0.5)})
            adam.apply(other, grads)
            sums += np.array([one, two]) * len(x["again"])
            rows += len(x["again"])
        np.testing.assert_allclose(history["again_loss"][epoch], sums[0] / rows)
        np.testing.assert_allclose(history["spent_loss"][epoch], sums[1] / rows)
        np.testing.assert_allclose(history["loss"][epoch], (sums[0] + sums[1] / 2) / rows)
        assert history["again_auc"][epoch] == auc.result()
    assert same_weights(model, other)
    assert history["loss"][1] < history["loss"][0]
    assert list(history.history) == [
        *("loss", "again_loss", "spent_loss", "again_auc", "again_accuracy"),
    ]


def test_where_labels_and_weights_are(tmp_path):
    """By key, beside the features, from records: the same training."""
    data = batches(64, 16)
    model = one_head(sample_weight="weight", metrics=["auc"])
    model.build()
    start = model.get_weights()
    expected = model.fit(data, epochs=2, verbose=0).history
    weights = model.get_weights()
    triples = [(x, x["again"].reshape(-1, 1), x["weight"].reshape(-1, 1)) for x in data]
    paths = [io.write_tfrecords(x, tmp_path / f"b{i}")[0] for i, x in enumerate(data)]
    for given in (triples, io.TFRecordDataset(paths).batch(16).parse(model.parse_example_spec())):
        model.set_weights(start)
        labels = {"labels": None, "sample_weight": None} if given is triples else {}
        logits = losses.BinaryCrossentropy(from_logits=True)
        keys = {"labels": "again", "sample_weight": "weight", **labels}
        model.compile("adam", logits, ["auc"], **keys)
        got = model.fit(given, epochs=2, verbose=0).history
        assert got == expected
        assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    named = compiled()
    named.fit([(x, {"again": x["again"], "spent": x["spent"]}) for x in data], verbose=0)


def test_class_weights():
    data = batches(32, 16)
    weighted = [(x, x["again"], np.where(x["again"] == 1, 3, 0.5).astype(np.float32)) for x in data]
    a, b = one_head(), one_head()
    a.build(), b.build()
    b.set_weights(a.get_weights())
    one = a.fit(data, class_weight={0: 0.5, 1: 3.0}, verbose=0).history
    assert one == b.fit(weighted, verbose=0).history
    assert same_weights(a, b)
    with pytest.raises(weft.InvalidArgumentError, match="one output"):
        compiled().fit(data, class_weight={1: 2.0}, verbose=0)


def test_weighted_metrics():
    """`metrics` know no weights, as Keras's."""
    model = one_head(sample_weight="weight", metrics=["auc"], weighted_metrics=["auc"])
    x = features(30)
    scores = model.predict([x])
    want = metrics.AUC(), metrics.AUC()
    want[0].update_state(x["again"], scores)
    want[1].update_state(x["again"], scores, x["weight"])
    for one in (model, weft.Model.from_json(model.to_json())):
        one.build()
        one.set_weights(model.get_weights())
        result = one.evaluate([x])
        assert list(result) == ["loss", "auc", "weighted_auc"]
        assert [result["auc"], result["weighted_auc"]] == [m.result() for m in want]
    with pytest.raises(weft.InvalidArgumentError, match="two metrics"):
        one_head(weighted_metrics=["auc", "auc"])
    softmax = weft.Model([Dense(3, "softmax")])
    softmax.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = np.eye(3, dtype=np.float32), np.eye(3)
    want = (softmax(x).argmax(1) == np.arange(3)).mean()
    np.testing.assert_allclose(softmax.test_on_batch(x, y)["accuracy"], want)


def test_evaluate_and_predict(tmp_path):
    model = compiled()
    paths = written(tmp_path, 90)
    dataset = parsed(paths, model)
    whole = next(iter(parsed(paths, model, 90)))
    out = model(whole)
    assert model.predict(whole)["again"].tobytes() == out["again"].tobytes()
    state = dataset.state_dict()
    for given in (dataset, list(parsed(paths, model)), iter(parsed(paths, model))):
        assert model.predict(given)["again"].tobytes() == out["again"].tobytes()
    result = model.evaluate(dataset)
    assert dataset.state_dict() == state
    again = losses.BinaryCrossentropy(from_logits=True)(whole["again"], out["again"])
    spent = losses.MeanSquaredError()(whole["spent"], out["spent"])
    np.testing.assert_allclose(result["again_loss"], again, rtol=1e-6)
    np.testing.assert_allclose(result["loss"], again + spent / 2, rtol=1e-6)
    auc = metrics.AUC()
    auc.update_state(whole["again"], out["again"])
    assert result["again_auc"] == auc.result()
    assert model.test_on_batch(whole) == model.evaluate([whole])
    history = model.fit(dataset, validation_data=dataset, epochs=2, verbose=0)
    assert history["val_loss"][-1] == model.evaluate(dataset)["loss"]
    assert dataset.state_dict()["iteration"] == 1
    before = model.get_weights()
    logs = model.train_on_batch(whole)
    assert logs["again_loss"] > 0 and not np.array_equal(before[0], model.get_weights()[0])
    with pytest.raises(weft.InvalidArgumentError, match="no batches"):
        model.predict([])


def test_epochs_by_steps(tmp_path):
    """An epoch that ends after some steps goes on where it was, and begins anew at the end."""
    model = one_head()
    paths = written(tmp_path, 80)
    seen = []
    watch = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model.fit(parsed(paths, model), epochs=3, steps_per_epoch=4, callbacks=[watch], verbose=0)
    assert seen == [0, 1, 2, 3] * 3
    other = one_head()
    other.build()
    one = one_head()
    one.build()
    other.set_weights(one.get_weights())
    other.fit(parsed(paths, model), epochs=2, steps_per_epoch=5, verbose=0)
    one.fit(parsed(paths, model).repeat(2), epochs=1, verbose=0)
    assert same_weights(one, other)
    model.fit(parsed(paths, model), epochs=5, initial_epoch=4, callbacks=[watch], verbose=0)
    assert seen[12:] == [0, 1, 2, 3, 4]


def test_sequence_examples(tmp_path):
    columns = [fc.embedding_column(ids("items", 30), 4), fc.sequence_numeric_column("price")]
    model = weft.Model([SequenceFeatures(columns), GRU(4), Dense(1)])
    model.compile(loss="mse", labels="spent")
    x = features(20)
    records = [
        io.encode_sequence_example(
            {"spent": [float(x["spent"][i])]},
            {
                "items": x["items"][i].reshape(-1, 1),
                "price": x["price"][i].reshape(-1, 1),
            },
        )
        for i in range(20)
    ]
    path = tmp_path / "s.tfrecord"
    with io.TFRecordWriter(path) as file:
        for record in records:
            file.write(record)
    for price in (io.VarLenFeature, lambda d: io.FixedLenSequenceFeature([], d)):
        lists = {"items": io.VarLenFeature(weft.int64), "price": price(weft.float32)}
        dataset = io.TFRecordDataset(path).batch(20)
        dataset = dataset.parse_sequence({"spent": io.FixedLenFeature([], weft.float32)}, lists)
        np.testing.assert_allclose(model.predict(dataset), model(x), rtol=1e-6)
        model.fit(dataset, verbose=0)


def test_the_same_run_twice(tmp_path):
    made = []
    for _ in range(2):
        model = compiled()
        model.build()
        for i, weight in enumerate(model.weights.values()):
            weight[:] = np.random.default_rng(i).standard_normal(weight.shape) * 0.1
        dataset = parsed(written(tmp_path, 100), model).shuffle(5, seed=3).prefetch(2)
        made.append((model, model.fit(dataset, epochs=2, verbose=0).history))
    assert made[0][1] == made[1][1]
    assert same_weights(made[0][0], made[1][0])


def test_what_is_shown(capsys):
    model = compiled()
    data = batches(40, 10)
    model.fit(data, epochs=2, validation_data=data, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2  ")
    for word in ("  loss ", "again_auc", "val_spent_loss", "tokens/s", "records/s"):
        assert word in lines[0]
    model.fit(data, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(data)  # no terminal
    assert len(capsys.readouterr().out.splitlines()) == 1
    model.fit(data, verbose=1)  # a bar, where there is rich
    assert "epoch 1/1" in capsys.readouterr().out
    with pytest.raises(weft.InvalidArgumentError, match="verbose"):
        model.fit(data, verbose=3)


def test_a_plot(tmp_path):
    model = compiled()
    history = model.fit(batches(40, 10), validation_data=batches(20, 10), epochs=2, verbose=0)
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        with pytest.raises(weft.NotFoundError, match="pip install matplotlib"):
            history.plot(tmp_path / "curves.png")
    else:
        history.plot(tmp_path / "curves.png")
        assert (tmp_path / "curves.png").stat().st_size > 1000


def test_what_cannot_be_trained():
    x = features(5)
    model = weft.Model(**layers())
    with pytest.raises(weft.InvalidArgumentError, match="compile"):
        model.fit([x])
    model = compiled()
    for given, error, message in [
        (x, weft.WrongTypeError, "a dataset of batches"),
        (3, weft.WrongTypeError, "a dataset of batches"),
        ([], weft.InvalidArgumentError, "no batches"),
        (io.TFRecordDataset("x").batch(3), weft.InvalidArgumentError, "parse_example_spec"),
        ([{k: v for k, v in x.items() if k != "again"}], KeyError, "'again'"),
    ]:
        with pytest.raises(error, match=message):
            model.fit(given, verbose=0)
    plain = weft.Model(Dense(1))
    plain.compile(loss="mse")
    inputs, y = np.ones((3, 2), np.float32), np.zeros(3)
    for call in (
        lambda: plain.fit(inputs, y),
        lambda: plain.fit([(inputs, y)], validation_data=(inputs, y)),
        lambda: plain.fit([(inputs, y)], y),
        lambda: plain.evaluate(inputs, y),
        lambda: plain.evaluate((inputs, y)),
        lambda: plain.evaluate(inputs),
    ):
        with pytest.raises(weft.WrongTypeError, match=r"one batch is \[\(x, y\)\]"):
            call()
    plain.fit([(inputs, y)], [(inputs, y)], verbose=0)
    with pytest.raises(weft.InvalidArgumentError, match="no batches"):
        model.fit([], steps_per_epoch=3, verbose=0)
    for arguments, message in [
        ({"loss": None}, "no loss"),
        ({"loss": {"other": "mse"}}, "'other'"),
        ({"loss": "mse", "metrics": ["mse", "mse"]}, "'mean_squared_error'"),
        ({"loss": "mse", "metrics": ["accuracy"]}, "no accuracy"),
        ({"loss": "mse", "labels": "again"}, "a dict by"),
        ({"loss": "nonsense"}, "unknown loss"),
        ({"loss": "mse", "optimizer": "nonsense"}, "unknown optimizer"),
    ]:
        with pytest.raises(weft.InvalidArgumentError, match=message):
            model.compile(**arguments)
    single = one_head(labels=None)
    with pytest.raises(weft.InvalidArgumentError, match="no labels"):
        single.fit([x], verbose=0)
    with pytest.raises(weft.WrongTypeError, match="Callback"):
        model.fit([x], callbacks=[3], verbose=0)
