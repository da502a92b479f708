"""weft.losses: values, gradients, shapes, reductions, configs, refusals."""

import numpy as np
import pytest
import weft
from weft import losses

RNG = np.random.default_rng(3)
LOGITS = {"from_logits": True}


def labels_for(loss, shape):
    """Labels that a loss takes with predictions of this shape."""
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        return RNG.integers(0, shape[-1], shape[:-1])
    return RNG.uniform(0.05, 0.95, shape)


ALL = [
    losses.BinaryCrossentropy(**LOGITS),
    losses.BinaryCrossentropy(label_smoothing=0.1),
    losses.CategoricalCrossentropy(**LOGITS),
    losses.CategoricalCrossentropy(label_smoothing=0.1),
    losses.SparseCategoricalCrossentropy(**LOGITS),
    losses.SparseCategoricalCrossentropy(),
    losses.MeanSquaredError(),
]


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: f"{loss.name}-{loss.get_config()}")
@pytest.mark.parametrize("shape", [(5, 1), (4, 3), (2, 3, 4), (2, 2, 2, 3)])
def test_the_gradient_is_the_difference(loss, shape):
    x = RNG.uniform(0.1, 0.9, shape)
    y, weights = labels_for(loss, shape), RNG.uniform(size=shape[:-1])
    value, gradient = loss.value_and_grad(y, x, weights)
    assert value == loss(y, x, weights)
    samples = loss.samples(y, x, weights)
    assert samples.shape == shape[:-1]
    assert abs(samples.mean() - value) < 1e-12
    assert gradient.shape == shape
    direction, step = RNG.standard_normal(shape), 1e-6
    above, below = loss(y, x + step * direction, weights), loss(y, x - step * direction, weights)
    assert abs((gradient * direction).sum() - (above - below) / (2 * step)) < 1e-7


def test_reductions_and_weights():
    y, x = np.float32([[1], [0], [1]]), np.float32([[0.5], [-1], [2]])
    mean = losses.BinaryCrossentropy(**LOGITS)
    total = losses.BinaryCrossentropy(reduction="sum", **LOGITS)
    one_by_one = [mean(y[i : i + 1], x[i : i + 1]) for i in range(3)]
    assert mean(y, x) == pytest.approx(np.mean(one_by_one), rel=1e-6)
    assert total(y, x) == pytest.approx(np.sum(one_by_one), rel=1e-6)
    assert mean(y, x, [0, 3, 0]) == pytest.approx(one_by_one[1], rel=1e-6)
    assert (mean.value_and_grad(y, x, [0, 3, 0])[1] != 0).tolist() == [[False], [True], [False]]
    weighted = one_by_one * np.array([1, 0, 2])
    np.testing.assert_allclose(mean.samples(y, x, [1, 0, 2]), weighted, rtol=1e-6)
    each = losses.BinaryCrossentropy(reduction="none", **LOGITS)
    np.testing.assert_allclose(each(y, x, [1, 0, 2]), weighted, rtol=1e-6)
    with pytest.raises(ValueError, match="no one gradient"):
        each.value_and_grad(y, x)


def test_labels_may_lack_a_last_dimension_of_one():
    y, x = [1, 0], np.float32([[0.5], [-1]])
    for loss in (losses.BinaryCrossentropy(**LOGITS), losses.MeanSquaredError()):
        assert loss(y, x) == loss(np.float32(y)[:, None], x)
    with pytest.raises(ValueError, match=r"labels have shape \[2\]"):
        losses.MeanSquaredError()(y, np.zeros((2, 3), np.float32))


def test_any_label_dtype_and_large_logits():
    x = np.float64([[800.0], [-800.0]])
    for dtype in (bool, np.int32, np.int64, np.float32, np.float64):
        value, gradient = losses.BinaryCrossentropy(**LOGITS).value_and_grad(
            np.array([1, 1], dtype), x
        )
        assert value == 400
        assert gradient.tolist() == [[0], [-0.5]]


def test_nan_stays_nan():
    for loss in ALL:
        x = np.full((2, 3), 0.5)
        x[1, 2] = np.nan
        y = np.array([0, 1]) if "sparse" in loss.name else np.full((2, 3), 0.5)
        assert np.isnan(loss(y, x))
        assert np.isnan(loss.samples(y, x)).tolist() == [False, True]


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.name)
def test_config(loss):
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    x = RNG.uniform(0.1, 0.9, (4, 3))
    y = labels_for(loss, x.shape)
    assert again(y, x) == loss(y, x)


def test_by_name():
    for name, kind in {
        "binary_crossentropy": losses.BinaryCrossentropy,
        "categorical_crossentropy": losses.CategoricalCrossentropy,
        "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy,
        "mean_squared_error": losses.MeanSquaredError,
        "mse": losses.MeanSquaredError,
    }.items():
        assert type(losses.get(name)) is kind
    given = losses.MeanSquaredError()
    assert losses.get(given) is given
    with pytest.raises(ValueError, match="nonsense"):
        losses.get("nonsense")
    assert weft.keras.losses.MeanSquaredError is losses.MeanSquaredError


def test_refusals():
    x = np.zeros((2, 3), np.float32)
    sparse = losses.SparseCategoricalCrossentropy(**LOGITS)
    with pytest.raises(ValueError, match=r"label 3 at position 1 is outside \[0, 3\)"):
        sparse([0, 3], x)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        sparse([0, 1], x, [1, 2, 3])
    with pytest.raises(TypeError, match="predictions must be float32 or float64"):
        losses.MeanSquaredError()(x, np.zeros((2, 3), np.int64))
    with pytest.raises(ValueError, match="reduction"):
        losses.MeanSquaredError(reduction="average")
    assert losses.MeanSquaredError()(x[:0], x[:0]) == 0
