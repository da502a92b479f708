"""NaN and infinity: a training stops before they reach a weight, and says where they are."""

import numpy as np
import pytest
import weft
from small_model import batches, compiled, features, one_head
from weft import feature_column as fc
from weft import io, optimizers
from weft.layers import GRU, Dense, DenseFeatures, SequenceFeatures


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
