"""weft.metrics: what they count, merged in any order; AUC against an exact one."""

import threading

import numpy as np
import pytest
import weft
from weft import metrics


def exact_auc(labels, scores, weights):
    """Mann-Whitney: how often a positive is scored above a negative, ties half."""
    better = np.sign(scores[:, None] - scores[None, :]) / 2 + 0.5
    pairs = np.where(labels == 1, weights, 0)[:, None] * np.where(labels == 0, weights, 0)
    return (pairs * better).sum() / pairs.sum()


def ranked(scores, k):
    """The first k items of each row, the first of equal scores first."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def recall(labels, scores, k):
    """Of each row with a relevant item."""
    found = np.take_along_axis(labels > 0, ranked(scores, k), 1).sum(1)
    some = (labels > 0).any(1)
    return found[some] / (labels > 0).sum(1)[some], some


def ndcg(labels, scores, k):
    """Of each row with a relevant item."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    gains = 2.0 ** np.take_along_axis(labels, ranked(scores, k), 1) - 1
    best = 2.0 ** -np.sort(-labels, axis=1)[:, :k] - 1
    some = (labels > 0).any(1)
    width = gains.shape[1]
    return (gains @ discount[:width])[some] / (best @ discount[:width])[some], some


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("weighted", [False, True])
def test_auc_is_exact(seed, weighted):
    rng = np.random.default_rng(seed)
    n = 400
    scores = np.round(rng.standard_normal(n), seed % 3).astype(np.float32)  # many are equal
    labels = (rng.uniform(size=n) < 0.3).astype(np.int64)
    weights = rng.uniform(size=n) if weighted else np.ones(n)
    metric, parts = metrics.AUC(), []
    for rows in np.array_split(np.arange(n), 7):
        given = weights[rows] if weighted else None
        part = metrics.AUC()
        part.update_state(labels[rows], scores[rows, None], sample_weight=given)
        metric.update_state(labels[rows], scores[rows, None], sample_weight=given)
        parts.append(part)
    want = exact_auc(labels, scores, weights)
    assert abs(metric.result() - want) < 1e-12
    merged = metrics.AUC()
    merged.merge_state([parts[i] for i in rng.permutation(7)])
    assert abs(merged.result() - want) < 1e-12


def test_auc_of_one_kind_is_nan():
    metric = metrics.AUC()
    assert np.isnan(metric.result())
    metric.update_state([1, 1], np.float32([[0.5], [0.2]]))
    assert np.isnan(metric.result())
    with pytest.raises(ValueError, match="must be 0 or 1"):
        metric.update_state([2], np.float32([[0.5]]))
    with pytest.raises(ValueError, match="NaN"):
        metric.update_state([1], np.float32([[np.nan]]))


@pytest.mark.parametrize("k", [1, 3, 50])
@pytest.mark.parametrize(
    ("kind", "reference"), [(metrics.RecallAtK, recall), (metrics.NDCGAtK, ndcg)]
)
def test_ranking(kind, reference, k):
    rng = np.random.default_rng(k)
    labels = rng.integers(0, 3, (40, 20)) * (rng.uniform(size=(40, 20)) < 0.1)
    scores = np.round(rng.standard_normal((40, 20)), 1)
    weights = rng.uniform(size=40)
    values, some = reference(labels, scores, k)
    assert not some.all()
    metric = kind(k)
    metric.update_state(labels, scores)
    assert abs(metric.result() - values.mean()) < 1e-12
    metric.reset_state()
    assert np.isnan(metric.result())
    metric.update_state(labels[:15], scores[:15], sample_weight=weights[:15])
    other = kind(k)
    other.update_state(labels[15:], scores[15:], sample_weight=weights[15:])
    metric.merge_state([other])
    assert abs(metric.result() - np.average(values, weights=weights[some])) < 1e-12
    with pytest.raises(ValueError, match="k must be at least 1"):
        kind(0)


def everything():
    """A metric of each kind with a batch that it takes."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 30)
    p = rng.uniform(size=(30, 1))
    table, classes = rng.uniform(size=(30, 5)), rng.integers(0, 5, 30)
    relevant = (rng.uniform(size=(30, 5)) < 0.4).astype(np.int64)
    return [
        (metrics.AUC, {}, y, p),
        (metrics.BinaryAccuracy, {"threshold": 0.3}, y, p),
        (metrics.BinaryCrossentropy, {}, y, p),
        (metrics.BinaryCrossentropy, {"from_logits": True}, y, p),
        (metrics.SparseCategoricalAccuracy, {}, classes, table),
        (metrics.RecallAtK, {"k": 2}, relevant, table),
        (metrics.NDCGAtK, {"k": 2}, relevant, table),
    ]


@pytest.mark.parametrize(("kind", "kwargs", "y", "x"), everything())
def test_batches_merge_into_one(kind, kwargs, y, x):
    weights = np.random.default_rng(2).uniform(size=len(y))
    whole = kind(**kwargs)
    whole.update_state(y, x, sample_weight=weights)
    parts = []
    for rows in np.array_split(np.arange(len(y)), 4):
        part = kind(**kwargs)
        part.update_state(y[rows], x[rows], sample_weight=weights[rows])
        parts.append(part)
    merged = kind(**kwargs)
    merged.merge_state(parts[::-1])
    assert abs(merged.result() - whole.result()) < 1e-12
    again = kind.from_config(whole.get_config())
    assert np.isnan(again.result())
    again.update_state(y, x, sample_weight=weights)
    assert again.result() == whole.result()
    whole.reset_state()
    assert np.isnan(whole.result())


def test_mean():
    metric = metrics.Mean()
    assert np.isnan(metric.result())
    metric.update_state([1.0, 2.0], sample_weight=[1, 3])
    metric.update_state(5.0)
    assert metric.result() == pytest.approx((1 + 6 + 5) / 5)


def test_by_name():
    for name, kind in {
        "auc": metrics.AUC,
        "AUC": metrics.AUC,
        "binary_accuracy": metrics.BinaryAccuracy,
        "sparse_categorical_accuracy": metrics.SparseCategoricalAccuracy,
        "binary_crossentropy": metrics.BinaryCrossentropy,
    }.items():
        assert type(metrics.get(name)) is kind
    with pytest.raises(ValueError, match="nonsense"):
        metrics.get("nonsense")
    assert weft.keras.metrics.AUC is metrics.AUC


@pytest.mark.parametrize("weighted", [False, True])
def test_accuracies_of_several_columns(weighted):
    rng = np.random.default_rng(0)
    scores = rng.random((20, 4)).astype(np.float32)
    labels, weights = rng.integers(0, 2, (20, 4)), rng.random(20) if weighted else np.ones(20)
    given = weights if weighted else None
    metric = metrics.BinaryAccuracy()
    metric.update_state(labels, scores, given)
    hits = ((scores > 0.5) == labels).mean(1)
    assert abs(metric.result() - np.average(hits, weights=weights)) < 1e-12
    metric = metrics.CategoricalAccuracy()
    metric.update_state(labels, scores, given)
    hits = scores.argmax(1) == labels.argmax(1)
    assert abs(metric.result() - np.average(hits, weights=weights)) < 1e-12
    for one in (metrics.BinaryAccuracy(), metric):
        with pytest.raises(weft.InvalidArgumentError, match="shape"):
            one.update_state(labels[:, 0], scores)
    with pytest.raises(weft.InvalidArgumentError, match="sample_weight has shape"):
        metrics.BinaryAccuracy().update_state(labels, scores, np.ones(3))


def test_arguments_of_keras():
    """Those that change nothing are taken, in Keras's order; configs too."""
    assert metrics.BinaryAccuracy("a", "float32", 0.3).threshold == 0.3
    assert metrics.Mean(dtype="float32").name == "mean"
    config = {"name": "auc_1", "dtype": "float32", "num_thresholds": 100, "curve": "ROC"}
    config |= {"summation_method": "interpolation", "multi_label": False, "num_labels": None}
    config |= {"label_weights": None, "thresholds": [0.1, 0.9]}
    assert metrics.get({"class_name": "AUC", "config": config}).name == "auc_1"
    for name, config in [
        ("BinaryAccuracy", {"name": "b", "dtype": "float32", "threshold": 0.4}),
        ("BinaryCrossentropy", {"name": "b", "dtype": "float32", "from_logits": True}),
        ("MeanSquaredError", {"name": "b", "dtype": "float32"}),
    ]:
        assert metrics.get({"class_name": name, "config": config}).name == "b"
    for arguments in ({"curve": "PR"}, {"summation_method": "minoring"}):
        with pytest.raises(weft.InvalidArgumentError, match="ROC curve"):
            metrics.AUC(**arguments)
    with pytest.raises(weft.InvalidArgumentError, match="multi_label"):
        metrics.AUC(multi_label=True)
    assert "from_logits=True" in repr(weft.losses.BinaryCrossentropy(from_logits=True))


def test_threads_take_turns():
    metric, optimizer = weft.metrics.AUC(), weft.optimizers.Adam()
    layer = weft.layers.Dense(3)
    layer.build((None, 4))
    grads = {"kernel": np.ones((4, 3), "float32")}
    labels, scores = np.arange(64) % 2, np.linspace(0, 1, 64).reshape(-1, 1)

    def work():
        for _ in range(50):
            metric.update_state(labels, scores)
            metric.result()
            optimizer.apply(layer, grads)
            optimizer.state()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(metric.state()) == 4 * 50 * 64 and optimizer.iterations == 200
    metric.merge_state([metric])
    assert len(metric.state()) == 2 * 4 * 50 * 64
