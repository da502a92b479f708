"""SampledSoftmax, a head over many items."""

import pickle

import numpy as np
import pytest
import weft
from weft import layers


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def head(**options):
    given = {"num_sampled": 6, "seed": 3, "name": "items", "dtype": "float64"}
    return layers.SampledSoftmax(20, **{**given, **options})


def numerical(f, x):
    made = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        before = x[at]
        x[at] = before + 1e-6
        above = f()
        x[at] = before - 1e-6
        below = f()
        x[at] = before
        made[at] = (above - below) / 2e-6
    return made


def test_scores_and_top_k(rng):
    layer = head()
    x = rng.normal(size=(4, 3))
    scores = layer(x)
    layer.weights["bias"][:] = rng.normal(size=20)
    scores = layer(x)
    expected = x @ layer.weights["kernel"].T + layer.weights["bias"]
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    for k in (1, 5, 20):
        ids, best = layer.top_k(x, k)
        assert ids.dtype == np.int64
        np.testing.assert_array_equal(ids, np.argsort(-expected, axis=1, kind="stable")[:, :k])
        np.testing.assert_array_equal(best, np.take_along_axis(scores, ids, 1))
    for k in (0, 21):
        with pytest.raises(ValueError, match="k must be from 1 to the 20 classes"):
            layer.top_k(x, k)


def test_top_k_orders_ties_and_nan():
    layer = head(use_bias=False, dtype="float32", table=np.zeros((20, 2), "float32"))
    layer.weights["kernel"][7] = np.nan
    ids, _ = layer.top_k(np.ones((1, 2), "float32"), 20)
    assert ids.tolist() == [[i for i in range(20) if i != 7] + [7]]


def test_vjp_of_scores(rng):
    layer, x = head(), rng.normal(size=(4, 3))
    scores, pullback = layer.vjp(x)
    grad = rng.normal(size=scores.shape)
    (grad_x,), grads = pullback(grad)
    np.testing.assert_allclose(grad_x, numerical(lambda: np.sum(grad * layer(x)), x), atol=1e-7)
    for name, weight in layer.weights.items():
        expected = numerical(lambda: np.sum(grad * layer(x)), weight)
        np.testing.assert_allclose(grads[name], expected, atol=1e-7)


@pytest.mark.parametrize("sampler", ["log_uniform", "uniform", "unigram", "in_batch"])
@pytest.mark.parametrize("bias", [False, True])
def test_loss_vjp(rng, sampler, bias):
    counts = rng.integers(1, 9, 20) if sampler in ("unigram", "in_batch") else None
    layer = head(sampler=sampler, counts=counts, use_bias=bias)
    x = rng.normal(size=(4, 3))
    layer.build(x.shape)
    labels = weft.Ragged.from_lists([[1, 4], [], [19], [4, 0, 4]])
    weight = np.array([1.0, 2.0, 0.5, 3.0])
    loss = lambda: layer.loss_vjp(x, labels, weight, step=5)[0]  # noqa: E731
    value, pullback = layer.loss_vjp(x, labels, weight, step=5)
    assert value == loss() > 0
    (grad_x,), grads = pullback()
    np.testing.assert_allclose(grad_x, numerical(loss, x), atol=1e-7)
    assert not grad_x[1].any()
    assert list(grads) == list(layer.weights)
    for name, weight_array in layer.weights.items():
        dense = grads[name].to_dense()
        np.testing.assert_allclose(dense, numerical(loss, weight_array), atol=1e-7)
    (twice,), more = pullback(2.0)
    np.testing.assert_array_equal(twice, 2 * grad_x)
    np.testing.assert_array_equal(more["kernel"].values, 2 * grads["kernel"].values)


def test_steps_draw_anew_and_can_be_repeated(rng):
    x, labels = rng.normal(size=(4, 3)), np.array([1, 4, 4, 0])
    one, other = head(), head()
    values = [one.loss_vjp(x, labels)[0] for _ in range(3)]
    assert len(set(values)) == 3
    assert [other.loss_vjp(x, labels, step=i)[0] for i in (2, 1, 0)] == values[::-1]
    assert other.loss_vjp(x, labels)[0] == values[0]
    assert head(seed=4).loss_vjp(x, labels, step=0)[0] != values[0]
    again = pickle.loads(pickle.dumps(one))
    assert again.loss_vjp(x, labels)[0] == one.loss_vjp(x, labels)[0]
    made = layers.SampledSoftmax.from_config(one.get_config())
    made.build((None, 3))
    for a, b in zip(made.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    made.set_weights([2 * w for w in made.get_weights()])
    np.testing.assert_array_equal(made.weights["kernel"], 2 * one.weights["kernel"])


def test_training_finds_the_items(rng):
    x = np.eye(5, dtype="float32")
    labels = [[0, 7], [3], [11], [19], [5]]
    layer = layers.SampledSoftmax(20, 6, seed=1)
    adam = weft.optimizers.Adam(0.1)
    first, pullback = layer.loss_vjp(x, labels)
    for _ in range(200):
        value, pullback = layer.loss_vjp(x, labels)
        adam.apply(layer, pullback()[1])
    assert value < first / 3
    ids, _ = layer.top_k(x, 2)
    assert set(ids[0]) == {0, 7} and ids[1:, 0].tolist() == [3, 11, 19, 5]


@pytest.mark.parametrize("sampler", ["uniform", "log_uniform"])
def test_the_loss_becomes_that_of_the_whole_softmax(rng, sampler):
    x, labels = rng.normal(size=(4, 3)), np.array([1, 4, 4, 0])
    full = weft.losses.SparseCategoricalCrossentropy(from_logits=True)
    far = []
    for n in (5, 10, 15, 20):
        layer = head(sampler=sampler, num_sampled=n)
        whole, _ = full.value_and_grad(labels, layer(x))
        mean = np.mean([layer.loss_vjp(x, labels)[0] for _ in range(200)])
        far.append(abs(mean - whole) / whole)
    assert far[-1] < 0.02 < far[1] < far[0]


def test_a_table_is_shared(rng):
    table = rng.normal(size=(20, 3)).astype("float32")
    layer = layers.SampledSoftmax(20, table=table)
    assert layer.weights["kernel"] is table
    with pytest.raises(ValueError, match="was built for inputs of size 3"):
        layer.build((None, 4))
    with pytest.raises(ValueError, match="table"):
        layers.SampledSoftmax(19, table=table)
    with pytest.raises(TypeError, match="table"):
        layers.SampledSoftmax(20, table=table, dtype="float64")


def test_refuses(rng):
    x = rng.normal(size=(2, 3))
    layer = head()
    for labels, error, text in [
        ([1, 20], weft.errors.OutOfRangeError, r"label 20 at position 1 is outside \[0, 20\)"),
        ([1, -1], weft.errors.OutOfRangeError, "label -1 at position 1"),
        ([1], ValueError, "labels have 1 rows, the inputs 2"),
        ([0.5, 1.0], TypeError, "labels"),
        ([[[1]], [[2]]], ValueError, "labels are an array"),
    ]:
        with pytest.raises(error, match=text):
            layer.loss_vjp(x, labels)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        layer.loss_vjp(x, [1, 2], np.ones(3))
    with pytest.raises(TypeError, match="must all be float32 or all float64"):
        layer.loss_vjp(x.astype("float32"), [1, 2])
    with pytest.raises(ValueError, match="do not fit one another"):
        layer(np.ones((2, 4)))
    for options, text in [
        ({"sampler": "zipf"}, "`sampler` must be one of"),
        ({"sampler": "unigram"}, "`counts` are for"),
        ({"counts": np.ones(20)}, "`counts` are for"),
        ({"sampler": "unigram", "counts": np.ones(19)}, "has 19 items, not 20"),
        ({"sampler": "unigram", "counts": np.zeros(20)}, "that of class 0 is"),
        ({"sampler": "in_batch", "remove_accidental_hits": False}, "in_batch"),
    ]:
        with pytest.raises(ValueError, match=text):
            head(**options)
    with pytest.raises(ValueError, match="num_sampled must be at least 1 and"):
        layers.SampledSoftmax(5, 6).loss_vjp(x.astype("float32"), [1, 2])


def test_the_function_draws_by_frequency(rng):
    weights, x = rng.normal(size=(50, 3)), rng.normal(size=(4, 3))
    losses = weft.losses.sampled_softmax_loss(weights, None, [[1], [2], [3], []], x, 5, 50)
    assert losses.shape == (4,) and losses[3] == 0 and (losses[:3] > 0).all()
    with pytest.raises(ValueError, match="num_classes"):
        weft.losses.sampled_softmax_loss(weights, None, [1, 2, 3, 4], x, 5, 51)
    with pytest.raises(ValueError, match="num_true"):
        weft.losses.sampled_softmax_loss(weights, None, np.ones((4, 2), int), x, 5, 50)
