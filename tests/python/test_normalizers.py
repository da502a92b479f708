"""weft.normalizers under numeric columns."""

import json
import pickle

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import normalizers
from weft.layers import DenseFeatures, SequenceFeatures

STEPS = [
    normalizers.Log1p(),
    normalizers.ZScore(2.5, 0.5),
    normalizers.MinMax(-1, 7),
    normalizers.Clip(0, 2),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("make", [fc.numeric_column, fc.sequence_numeric_column])
def test_declared_normalizers(step, make):
    values = np.array([0.0, 0.25, 3.5, 1e6, float("nan")], np.float32)
    column = make("n", normalizer_fn=step)
    assert column.normalizer_fn is step
    if make is fc.numeric_column:
        got = DenseFeatures([column])({"n": values[:, None]})[:, 0]
    else:
        got = SequenceFeatures([column])({"n": [values.tolist()]}).data[0, :, 0]
    np.testing.assert_allclose(got, step(values), rtol=1e-6)
    config = json.loads(json.dumps(column.get_config()))
    assert type(column).from_config(config) == column
    assert hash(type(column).from_config(config)) == hash(column)
    assert pickle.loads(pickle.dumps(column)) == column


def test_normalizers_act_in_turn():
    steps = [normalizers.Clip(0, 100), normalizers.Log1p(), normalizers.ZScore(1, 2)]
    column = fc.numeric_column("n", dtype=weft.int64, normalizer_fn=steps)
    got = DenseFeatures([column])({"n": np.array([[-5], [7], [1000]])})[:, 0]
    np.testing.assert_allclose(got, (np.log1p([0, 7, 100]) - 1) / 2, rtol=1e-6)
    again = fc.NumericColumn.from_config(json.loads(json.dumps(column.get_config())))
    assert again == column
    assert column != fc.numeric_column("n", dtype=weft.int64, normalizer_fn=steps[::-1])


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        (normalizers.ZScore, (0, 0), "stddev must be greater than 0"),
        (normalizers.MinMax, (1, 1), "min must be less than max"),
        (normalizers.Clip, (2, 1), "min must not be greater"),
        (normalizers.ZScore, (float("nan"), 1), "finite"),
    ],
)
def test_parameters_that_cannot_work_are_refused(kind, parameters, message):
    with pytest.raises(ValueError, match=message):
        kind(*parameters)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: normalizers.ZScore(0, 0), "stddev must be greater than 0"),
        (lambda: normalizers.MinMax(1, 1), "min must be less than max"),
        (lambda: normalizers.Clip(2, 1), "min must not be greater"),
        (lambda: normalizers.ZScore(float("nan"), 1), "finite"),
        (lambda: normalizers.ZScore("a", 1), "'mean' of ZScore must be a number"),
        (lambda: normalizers.Clip(0, None), "'max' of Clip must be a number"),
        (lambda: normalizers.MinMax(False, True), "'min' of MinMax must be a number"),
        (lambda: normalizers.ZScore(1, 10**400), "'stddev' of ZScore does not fit"),
        (lambda: normalizers.Log1p()("abc"), "a normalizer takes numbers, got 'abc'"),
        (lambda: [normalizers.Log1p(), np.log], "holds normalizers of weft.normalizers"),
        (list, "at least one step"),
    ],
)
def test_normalizers_that_cannot_work_are_refused(wrong, message):
    with pytest.raises(weft.Error, match=message):
        fc.numeric_column("n", normalizer_fn=wrong())
