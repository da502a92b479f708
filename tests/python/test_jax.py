"""weft.jax against weft.layers, and against numerical gradients, where there is jax."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import weft
from weft import feature_column as fc

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import weft.jax as wj  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

SIZES = {"watches": 50, "tags": 9}


def columns(combiner="mean", max_norm=None):
    """One id a step, several with weights, indicators of both, numbers."""
    watches = fc.sequence_categorical_column_with_identity("watches", SIZES["watches"])
    tags = fc.sequence_categorical_column_with_vocabulary_list("tags", list("abcdefghi"))
    weighted = fc.weighted_categorical_column(tags, "weights")
    return [
        fc.embedding_column(watches, 4, max_norm=max_norm),
        fc.embedding_column(weighted, 3, combiner=combiner, max_norm=max_norm),
        fc.indicator_column(watches),
        fc.indicator_column(weighted),
        fc.sequence_numeric_column("seconds", default_value=2.5),
    ]


def features(rng, rows=7, longest=6):
    lengths = rng.integers(0, longest + 1, rows)
    tags = [
        [[str(t) for t in rng.choice([*"abcdefghix"], rng.integers(0, 4))] for _ in range(n)]
        for n in lengths
    ]
    tags = weft.Ragged.from_lists(tags, weft.string)
    weights = rng.normal(1, 1, len(tags.flat_values)).astype(np.float32)
    return {
        "watches": [rng.integers(0, 50, n) for n in lengths],
        "tags": tags,
        "weights": weft.Ragged.from_nested_row_splits(weights, tags.nested_row_splits),
        "seconds": [rng.normal(size=n).astype(np.float32) for n in lengths],
    }


def unpadded(data, steps, pad):
    return np.asarray(data)[:, data.shape[1] - steps :] if pad == "left" else data[:, :steps]


@pytest.mark.parametrize(
    ("combiner", "dtype", "options"),
    [
        ("mean", "float32", {}),
        ("sqrtn", "float32", {"pad": "left"}),
        ("sum", "float64", {"max_length": 3, "keep": "first"}),
        ("mean", "float64", {"max_length": 3, "pad": "left"}),
        ("sqrtn", "float64", {"pad_to": 10}),
        ("sum", "float32", {"pad_to": ("multiple", 4), "pad": "left"}),
    ],
)
def test_sequence_features_are_the_layers(combiner, dtype, options):
    rng = np.random.default_rng(0)
    layer = wj.SequenceFeatures(columns(combiner, max_norm=0.3), dtype=dtype, **options)
    params, apply = layer.init(), jax.jit(layer.apply)
    for _ in range(3):
        given = features(rng)
        want, batch = layer(given), layer.ids(given)
        data, lengths = apply(params, batch)
        assert data.dtype == dtype and data.shape[1] >= want.data.shape[1]
        pad = options.get("pad", "right")
        close = 1e-6 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(unpadded(data, want.data.shape[1], pad), want.data, atol=close)
        assert lengths.tolist() == want.lengths.tolist()
        assert (unpadded(batch.mask, want.data.shape[1], pad) == want.mask).all()
        assert batch.mask.sum() == want.mask.sum()
        padding = np.asarray(data)[~batch.mask]
        assert (padding[:, 0] == 2.5).all() and (padding[:, 1:] == 0).all()


def test_more_padding_is_padding():
    layer = wj.SequenceFeatures(columns(), pad="left")
    given = features(np.random.default_rng(1))
    steps = layer(given).data.shape[1]
    data, _ = layer.apply(layer.init(), layer.ids(given, buckets=[4, steps + 5]))
    assert data.shape[1] == steps + 5
    wide = wj.SequenceFeatures(columns(), pad="left", pad_to=steps + 5, name=layer.name)
    np.testing.assert_allclose(data, wide(given).data, atol=1e-6)
    with pytest.raises(ValueError, match="does not fit buckets"):
        layer.ids(given, buckets=[1])
    with pytest.raises(ValueError, match="pad_to='batch'"):
        wide.ids(given, buckets=[8])


def test_empty_batches():
    layer = wj.SequenceFeatures(columns())
    none = {"watches": weft.int64, "tags": weft.string, "weights": weft.float32}
    given = {key: weft.Ragged.from_lists([], kind) for key, kind in none.items()}
    given["seconds"] = weft.Ragged.from_lists([], weft.float32)
    data, lengths = layer.apply(layer.init(), layer.ids(given))
    assert data.shape == (0, 8, layer(given).data.shape[2]) and lengths.shape == (0,)
    rows = weft.Ragged.from_lists([[], []], weft.int64)
    watches = fc.sequence_categorical_column_with_identity("watches", SIZES["watches"])
    alone = wj.SequenceFeatures([fc.embedding_column(watches, 2)])
    data, lengths = alone.apply(alone.init(), alone.ids({"watches": rows}))
    assert data.shape == (2, 8, 2) and not data.any() and not lengths.any()


def dense_columns():
    user = fc.categorical_column_with_identity("user", 9)
    tags = fc.categorical_column_with_vocabulary_list("tags", ["a", "b", "c"])
    age = fc.numeric_column("age", shape=(2,))
    shared = fc.shared_embeddings(
        [
            fc.categorical_column_with_identity("seen", 20),
            fc.categorical_column_with_identity("bought", 20),
        ],
        5,
    )
    return [
        *(fc.embedding_column(user, 3), fc.embedding_column(tags, 2, combiner="sqrtn")),
        *(fc.indicator_column(user), fc.indicator_column(tags), age, *shared),
    ]


def dense_features(rng, rows=6):
    return {
        "user": rng.integers(0, 9, rows),
        "tags": [["a", "c", "c"], [], ["b"], ["x"], ["a"], []][:rows],
        "age": rng.normal(size=(rows, 2)).astype(np.float32),
        "seen": [rng.integers(0, 20, n).tolist() for n in (2, 0, 1, 3, 1, 1)][:rows],
        "bought": [rng.integers(0, 20, n).tolist() for n in (1, 1, 0, 2, 1, 5)][:rows],
    }


def test_dense_features_are_the_layers():
    layer = wj.DenseFeatures(dense_columns())
    given = dense_features(np.random.default_rng(3))
    params = layer.init()
    assert set(params) == set(layer.weights)
    data = jax.jit(layer.apply)(params, layer.ids(given))
    np.testing.assert_allclose(data, layer(given), atol=1e-6)


@pytest.mark.parametrize("kind", ["sequence", "dense"])
def test_gradients_of_tables_are_the_layers(kind):
    rng = np.random.default_rng(4)
    if kind == "sequence":
        layer, given = wj.SequenceFeatures(columns("sqrtn", 0.3), dtype="float64"), features(rng)
        (want, _), pullback = layer.vjp(given)
    else:
        layer, given = wj.DenseFeatures(dense_columns(), dtype="float64"), dense_features(rng)
        want, pullback = layer.vjp(given)
    grad = rng.normal(size=want.shape)
    _, grads = pullback(grad, None) if kind == "sequence" else pullback(grad)
    batch, params = layer.ids(given), layer.init()

    def loss(params):
        data = layer.apply(params, batch)
        data = data[0][:, : want.shape[1]] if kind == "sequence" else data
        return jnp.sum(data * grad)

    made = jax.jit(jax.grad(loss))(params)
    assert set(made) == set(grads)
    for name, slices in grads.items():
        np.testing.assert_allclose(made[name], slices.to_dense(), atol=1e-12)
    check_grads(jax.jit(loss), (params,), 1, modes=["rev"])


def test_rows_that_a_batch_reads_are_taken_and_put():
    rng = np.random.default_rng(5)
    layer = wj.SequenceFeatures(columns("sum"))
    params, batch = layer.init(), layer.ids(features(rng))

    def loss(data):
        return jnp.sum(data[0] ** 2)

    @jax.jit
    def sparse_step(params, batch):
        rows = layer.take(params, batch)
        grads = jax.grad(lambda rows: loss(layer.combine(rows, batch)))(rows)
        return layer.put(params, batch, jax.tree.map(lambda r, g: r - 0.1 * g, rows, grads))

    grads = jax.grad(lambda params: loss(layer.apply(params, batch)))(params)
    stepped = sparse_step(params, batch)
    for name, table in params.items():
        np.testing.assert_allclose(stepped[name], table - 0.1 * grads[name], atol=1e-6)
        touched = np.unique(batch.tables[name])
        assert touched.max() == len(table)  # the padding, which is in no table
        others = np.setdiff1d(np.arange(len(table)), touched)
        assert (stepped[name][others] == table[others]).all()


def test_what_is_not_trainable_has_no_gradient():
    watches = fc.sequence_categorical_column_with_identity("watches", 50)
    layer = wj.SequenceFeatures([fc.embedding_column(watches, 4, trainable=False)])
    batch = layer.ids({"watches": [[1, 2], [3]]})
    grads = jax.grad(lambda p: jnp.sum(layer.apply(p, batch)[0]))(layer.init())
    assert not np.any(grads["watches_embedding/embedding_weights"])
    gru = wj.GRU(3, trainable=False, input_shape=(None, 4))
    x = np.ones((2, 3, 4), np.float32)
    grads = jax.grad(lambda p: jnp.sum(gru.apply(p, x)))(gru.init(4))
    assert not any(np.any(grad) for grad in grads.values())


@pytest.mark.parametrize(
    "activation",
    [
        *("linear", "tanh", "sigmoid", "relu", "elu", "selu", "softplus", "softsign", "swish"),
        *("silu", "gelu", "hard_sigmoid", "exponential", "softmax"),
    ],
)
def test_dense_is_the_layer(activation):
    rng = np.random.default_rng(10)
    layer = wj.Dense(4, activation=activation, dtype="float64")
    params, x = layer.init(3), 3 * rng.normal(size=(2, 5, 3))
    want, pullback = layer.vjp(x)
    made, back = jax.vjp(jax.jit(layer.apply), params, x)
    np.testing.assert_allclose(made, want, atol=1e-12)
    grad = rng.normal(size=want.shape)
    (want_inputs,), want_weights = pullback(grad)
    weights, inputs = back(grad)
    np.testing.assert_allclose(inputs, want_inputs, atol=1e-12)
    for name, want_grad in want_weights.items():
        np.testing.assert_allclose(weights[name], want_grad, atol=1e-12)


def test_compilations_are_as_few_as_buckets():
    rng = np.random.default_rng(11)
    watches = fc.sequence_categorical_column_with_identity("watches", 100_000)
    layer, gru = wj.SequenceFeatures([fc.embedding_column(watches, 4)], dtype="float32"), wj.GRU(3)
    traced = []

    @jax.jit
    def run(params, batch):
        traced.append(batch.shape)
        data, _ = layer.apply(params["features"], batch)
        return gru.apply(params["gru"], data, batch.mask)

    params = {"features": layer.init(), "gru": gru.init(4)}
    batches = []
    for _ in range(60):
        rows = [rng.integers(0, 100_000, rng.integers(0, 100)) for _ in range(8)]
        batches.append(layer.ids({"watches": rows}, buckets=[50, 100]))
        run(params, batches[-1])
    kinds = {(batch.shape, len(*batch.tables.values())) for batch in batches}
    assert len(traced) == len(kinds) <= 2 * 4
    for batch in batches:
        run(params, batch)
    assert len(traced) == len(kinds)


def model():
    rng = np.random.default_rng(12)
    watches = fc.sequence_categorical_column_with_identity("watches", 30)
    parts = {
        "features": wj.SequenceFeatures([fc.embedding_column(watches, 8)], seed=1, name="f"),
        "gru": wj.GRU(16, seed=1, name="g"),
        "head": wj.Dense(1, seed=1, name="h"),
    }
    params = {
        "features": parts["features"].init(),
        "gru": parts["gru"].init(8),
        "head": parts["head"].init(16),
    }
    rows = [rng.integers(0, 30, n) for n in rng.integers(1, 12, 64)]
    labels = np.array([float(3 in row or 7 in row) for row in rows], np.float32)
    return parts, params, {"watches": rows}, labels


def loss_of(parts, params, batch, labels):
    data, _ = parts["features"].apply(params["features"], batch)
    last = parts["gru"].apply(params["gru"], data, batch.mask)
    logits = parts["head"].apply(params["head"], last)[:, 0]
    return jnp.mean(jnp.logaddexp(0, logits) - labels * logits)


def test_a_step_is_that_of_the_layers():
    parts, params, given, labels = model()
    batch = parts["features"].ids(given)
    loss, grads = jax.value_and_grad(lambda p: loss_of(parts, p, batch, labels))(params)

    own = {name: copy.deepcopy(layer) for name, layer in parts.items()}
    pair, features_back = own["features"].vjp(given)
    last, gru_back = own["gru"].vjp(pair.data, mask=pair.mask)
    logits, head_back = own["head"].vjp(last)
    bce = weft.losses.BinaryCrossentropy(from_logits=True)
    value, grad = bce.value_and_grad(labels[:, None], logits)
    (grad,), head = head_back(grad)
    (grad,), gru = gru_back(grad)
    _, features = features_back(grad, None)
    assert abs(value - loss) < 1e-6
    for made, want in ((grads["head"], head), (grads["gru"], gru)):
        for name, array in want.items():
            np.testing.assert_allclose(made[name], array, atol=1e-6)
    for name, slices in features.items():
        np.testing.assert_allclose(grads["features"][name], slices.to_dense(), atol=1e-6)


def test_training_finds_the_rule():
    parts, params, given, labels = model()
    batch = parts["features"].ids(given)
    optax = pytest.importorskip("optax")
    optimizer = optax.adam(0.02)

    @jax.jit
    def step(params, state):
        loss, grads = jax.value_and_grad(lambda p: loss_of(parts, p, batch, labels))(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, loss

    state, losses = optimizer.init(params), []
    for _ in range(60):
        params, state, loss = step(params, state)
        losses.append(float(loss))
    assert losses[-1] < 0.2 < 0.6 < losses[0]
    for name, layer in parts.items():  # back into the layers
        layer.set_weights([params[name][weight] for weight in layer.weights])
    pair = parts["features"](given)
    logits = parts["head"](parts["gru"](pair.data, mask=pair.mask))[:, 0]
    assert np.mean((logits > 0) == labels) > 0.95
