"""fit, evaluate, predict: what a training computes, and what stops it."""

import numpy as np
import pytest
import weft
from small_model import batches, compiled, features, ids, layers, one_head, same_weights
from weft import callbacks, io, losses, metrics, optimizers
from weft import feature_column as fc
from weft.layers import GRU, Dense, DenseFeatures, SequenceFeatures


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


def spoilt(rows, where, value):
    x = features(rows)
    if where in ("price", "price as lists", "price as a pair"):
        lists = x["price"].to_lists()
        row = next(i for i, prices in enumerate(lists) if len(prices) > 3)
        lists[row][2] = value
        x["price"] = weft.Ragged.from_lists(lists, weft.float32)
        if where == "price as lists":
            x["price"], x["items"] = lists, x["items"].to_lists()
        if where == "price as a pair":
            x["price"] = (x["price"].to_tensor(np.nan), x["price"].row_lengths())
        return x, row, ("price", 2)
    if where == "age":
        x["age"][4, 0] = value
        return x, 4, ("age", None)
    x[where] = x[where].astype(np.float32)
    x[where][5] = value
    return x, 5, (where, None)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "where", ["price", "price as lists", "price as a pair", "age", "spent", "again"]
)
def test_what_is_not_finite_stops_the_training(where, value):
    model = compiled()
    model.fit(batches(20, 10), verbose=0)
    x, row, (key, at) = spoilt(12, where, value)
    before, state = model.get_weights(), model.optimizer.state()
    state = {k: v.copy() for k, v in state.items()}
    with pytest.raises(weft.NonFiniteError) as info:
        model.fit([*batches(0, 10), x], verbose=0)
    error = info.value
    assert error.step == 2 and row in error.rows and error.key == key, str(error)
    assert error.rows == [row] and error.row == row and error.records == []
    assert "training step 2" in str(error) and f"{key!r}" in str(error)
    assert f"row {row}" in str(error) and str(float(value)) in str(error)
    if at is not None:
        assert f"step {at}" in str(error)
    assert isinstance(error, ValueError)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    now = model.optimizer.state()
    assert all(np.array_equal(v, now[k]) for k, v in state.items())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("key", ["age", "weights", "price"])
def test_what_columns_would_hide_stops_the_training(key, value):
    """Numbers that become a bucket, or a weight that a mean leaves out."""
    weighted = fc.weighted_categorical_column(
        fc.categorical_column_with_identity("items", 30), "weights"
    )
    columns = [fc.embedding_column(weighted, 3, combiner="mean")]
    columns += [fc.indicator_column(fc.bucketized_column(fc.numeric_column("age"), [0.5]))]
    prices = fc.sequence_bucketized_column(fc.sequence_numeric_column("price"), [0.5])
    model = weft.Model(
        [SequenceFeatures(fc.indicator_column(prices)), GRU(3)], [DenseFeatures(columns)], Dense(1)
    )
    model.compile(loss="mse", labels="spent")
    x = features(12)
    x["weights"] = x["price"]
    model.fit([x], verbose=0)
    row = 3
    if key == "age":
        x["age"][row] = value
    else:
        lists = x[key].to_lists()
        row = next(i for i, one in enumerate(lists) if one)
        lists[row][0] = value
        x[key] = weft.Ragged.from_lists(lists, weft.float32)
    before = model.get_weights()
    with pytest.raises(weft.NonFiniteError, match=f"feature '{key}'") as info:
        model.fit([x], verbose=0)
    assert (info.value.key, info.value.rows, info.value.step) == (key, [row], 1)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_inputs_that_may_not_be_finite():
    """A `normalizer_fn` may mend them; an evaluation looks at the loss alone."""
    numbers = fc.numeric_column("age", normalizer_fn=np.nan_to_num)
    model = weft.Model([DenseFeatures(numbers), Dense(1)])
    model.compile(loss="mse", labels="spent")
    x = features(5)
    x["age"][2] = np.nan
    model.fit([x], verbose=0)
    model.evaluate([x])
    x["spent"][3] = np.inf
    with pytest.raises(
        weft.NonFiniteError, match="evaluation: the loss is inf.*label.* in row 3"
    ) as info:
        model.fit([features(5)], [x], verbose=0)
    assert info.value.rows == [3] and info.value.step is None
    plain = weft.Model([Dense(3, "relu"), Dense(1)])
    plain.compile(loss="mse")
    with pytest.raises(weft.NonFiniteError, match="nan in row 1"):
        plain.train_on_batch(np.float32([[1], [np.nan]]), np.zeros(2))


def test_an_error_of_a_metric_changes_nothing():
    model = one_head(metrics=["auc"])
    model.build()
    before = model.get_weights()
    x = features(10)
    x["again"] = np.full(10, 0.5)
    with pytest.raises(weft.InvalidArgumentError, match="0 or 1"):
        model.train_on_batch(x)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("bucketed", [False, True])
def test_the_records_that_are_not_finite(tmp_path, bucketed):
    model = compiled()
    x = features(200)
    x["age"][[33, 150], 0] = np.nan, np.inf
    paths = io.write_tfrecords(x, tmp_path / "bad", num_shards=4)
    named = [(file.path if hasattr(file, "path") else file) for file in paths]
    dataset = io.TFRecordDataset(paths).interleave(3).shuffle(40, seed=1)
    spec = model.parse_example_spec()
    if bucketed:
        dataset = dataset.parse(spec).bucket_by_length("items", [6], [16, 16]).prefetch(2)
    else:
        dataset = dataset.batch(16).parse(spec).prefetch(3)
    with pytest.raises(weft.NonFiniteError) as info:
        model.fit(dataset, verbose=0)
    error = info.value
    assert len(error.records) == len(error.rows) >= 1
    file, number = error.records[0]
    assert (error.file, error.record) == (file, number)
    assert file in named and f"record {number} of {file}" in str(error)
    age = io.decode_example(list(io.TFRecordDataset(file))[number])["age"]
    assert not np.isfinite(age).any()


def test_weights_that_are_not_finite():
    model = compiled()
    model.build()
    model.weights["hidden/bias"][0] = np.nan
    with pytest.raises(weft.NonFiniteError, match="hidden/bias"):
        model.fit(batches(10, 5), verbose=0)
    model = one_head(optimizers.SGD(1e30))
    with pytest.raises(weft.NonFiniteError, match="too large|not finite"):
        model.fit(batches(60, 5), epochs=3, verbose=0)


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
