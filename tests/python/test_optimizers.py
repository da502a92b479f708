"""weft.optimizers: layers and gradients, lazy rows, states, configs, refusals."""

import numpy as np
import pytest
import weft
from weft import layers, optimizers
from weft.optimizers import schedules

MAKERS = {
    "sgd": lambda **k: optimizers.SGD(0.1, **k),
    "momentum": lambda **k: optimizers.SGD(0.1, momentum=0.9, **k),
    "nesterov": lambda **k: optimizers.SGD(0.1, momentum=0.9, nesterov=True, **k),
    "rmsprop": lambda **k: optimizers.RMSprop(0.01, momentum=0.5, centered=True, **k),
    "adagrad": lambda **k: optimizers.Adagrad(0.1, **k),
    "adam": lambda **k: optimizers.Adam(0.05, amsgrad=True, **k),
    "adamw": lambda **k: optimizers.AdamW(0.05, **k),
    "ftrl": lambda **k: optimizers.Ftrl(0.1, l1_regularization_strength=0.01, beta=0.1, **k),
}
V, D = 9, 3


def table_layer(name="table", trainable=True):
    """A layer whose one weight is a table [V, D]."""
    column = weft.feature_column.categorical_column_with_identity("id", V)
    embedding = weft.feature_column.embedding_column(column, D)
    return layers.DenseFeatures([embedding], name=name, trainable=trainable, dtype="float64")


def table_of(layer):
    (weight,) = layer.weights.values()
    return weight


def slices(layer, ids, seed):
    """A gradient of the layer's table at these ids."""
    values = np.random.default_rng(seed).standard_normal((len(ids), D))
    (name,) = layer.weights
    return {name: weft.IndexedSlices(np.array(ids, np.int64), values, (V, D))}


def dense_layer(seed=0, name="dense"):
    layer = layers.Dense(2, dtype="float64", name=name)
    layer.build((None, 3))
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.standard_normal(w.shape) for w in layer.get_weights()])
    return layer


def dense_gradient(seed):
    rng = np.random.default_rng(seed)
    return {"kernel": rng.standard_normal((3, 2)), "bias": rng.standard_normal(2)}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_lazy_rows_wait(make):
    """A row that a step met moves as if each of its steps were dense; the others do not."""
    met = [[0, 2, 5], [2], [5, 7], [0, 1, 2, 3, 4, 5, 6, 7]]
    layer, lazy = table_layer(), make(lazy=True, weight_decay=0.1)
    first = table_of(layer).copy()
    for row in range(V):  # this row alone, with steps where it was not met passed by
        alone, mine = layers.Dense(D, use_bias=False, dtype="float64"), make(weight_decay=0.1)
        alone.build((None, 1))
        alone.set_weights([first[row : row + 1]])
        for step, ids in enumerate(met):
            if row in ids:
                state = mine.state()
                mine.load_state({**state, "iterations": np.array(step)})
                (whole,) = slices(layer, ids, step).values()
                mine.apply(alone, {"kernel": whole.values[ids.index(row)][None]})
        first[row] = alone.weights["kernel"][0]
    for step, ids in enumerate(met):
        before = table_of(layer).copy()
        lazy.apply(layer, slices(layer, ids, step))
        rest = np.setdiff1d(np.arange(V), ids)
        np.testing.assert_array_equal(table_of(layer)[rest], before[rest])
    np.testing.assert_allclose(table_of(layer), first, rtol=0, atol=1e-12)
    assert lazy.iterations == len(met)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_slices_are_the_dense_gradient(make):
    one, other = table_layer("one"), table_layer("two")
    other.set_weights(one.get_weights())
    sparse, dense = make(), make()
    for step, ids in enumerate([[1, 2], [], [0, 8], [2]]):
        given = slices(one, ids, step)
        sparse.apply(one, given)
        dense.apply(other, {k: g.to_dense() for k, g in given.items()})
    np.testing.assert_array_equal(table_of(one), table_of(other))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_goes_on_bitwise_where_another_stood(make, tmp_path):
    layer = dense_layer()
    whole = make(global_clipnorm=1.0)
    for step in range(3):
        whole.apply(layer, dense_gradient(step))
    np.savez(tmp_path / "state.npz", **whole.state())
    again = dense_layer()
    again.set_weights(layer.get_weights())
    resumed = type(whole).from_config(whole.get_config())
    resumed.load_state(dict(np.load(tmp_path / "state.npz")))
    assert resumed.iterations == whole.iterations == 3
    for step in range(3, 6):
        whole.apply(layer, dense_gradient(step))
        resumed.apply(again, dense_gradient(step))
    for a, b in zip(layer.get_weights(), again.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    one, two = whole.state(), resumed.state()
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[k], two[k]) for k in one)


def test_any_number_of_threads_gives_the_same_bits():
    before, found = weft.num_threads(), []
    try:
        for threads in (1, 2, 3):
            weft.set_num_threads(threads)
            layer = layers.Dense(300, dtype="float32", use_bias=False)
            layer.build((None, 700))
            layer.set_weights([np.ones((700, 300), np.float32)])
            optimizer = optimizers.Adam(global_clipnorm=1.0)
            for step in range(3):
                g = np.random.default_rng(step).standard_normal((700, 300)).astype(np.float32)
                optimizer.apply(layer, {"kernel": g})
            found.append(layer.get_weights()[0].tobytes())
    finally:
        weft.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_only_trainable_weights_move():
    fixed, moving = table_layer("fixed", trainable=False), table_layer("moving")
    before = table_of(fixed).copy(), table_of(moving).copy()
    grads = [slices(layer, [1], 0) for layer in (fixed, moving)]
    optimizers.SGD(0.1).apply([fixed, moving], grads)
    np.testing.assert_array_equal(table_of(fixed), before[0])
    assert (table_of(moving) != before[1]).any()


def test_the_learning_rate():
    schedule = schedules.ExponentialDecay(0.1, 1, 0.5)
    optimizer, layer = optimizers.SGD(schedule), dense_layer()
    layer.set_weights([np.zeros((3, 2)), np.zeros(2)])
    ones = {"kernel": np.ones((3, 2)), "bias": np.ones(2)}
    for step in range(3):
        optimizer.apply(layer, ones)
        assert layer.weights["bias"][0] == pytest.approx(
            -0.1 * sum(0.5**i for i in range(step + 1))
        )
    plain = optimizers.SGD(0.5)
    plain.apply(layer, ones)
    plain.learning_rate = 0.25
    before = layer.weights["bias"][0]
    plain.apply(layer, ones)
    assert before - layer.weights["bias"][0] == pytest.approx(0.25)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_config(make):
    schedule = schedules.CosineDecay(0.1, 5, warmup_target=0.2, warmup_steps=2)
    optimizer = make(clipnorm=2.0)
    assert (
        type(optimizer).from_config(optimizer.get_config()).get_config() == optimizer.get_config()
    )
    scheduled = type(optimizer)(learning_rate=schedule)
    again = type(optimizer).from_config(scheduled.get_config())
    assert again.get_config() == scheduled.get_config()
    one, two = dense_layer(), dense_layer()
    for step in range(3):
        scheduled.apply(one, dense_gradient(step))
        again.apply(two, dense_gradient(step))
    np.testing.assert_array_equal(one.get_weights()[0], two.get_weights()[0])


def test_by_name():
    for kind in (
        optimizers.SGD,
        optimizers.RMSprop,
        optimizers.Adagrad,
        optimizers.Adam,
        optimizers.AdamW,
        optimizers.Ftrl,
    ):
        assert type(optimizers.get(kind.__name__.lower())) is kind
    given = optimizers.Adam()
    assert optimizers.get(given) is given
    with pytest.raises(ValueError, match="nonsense"):
        optimizers.get("nonsense")
    assert weft.keras.optimizers.Adam is optimizers.Adam
    assert weft.keras.optimizers.schedules.CosineDecay is schedules.CosineDecay


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.SGD(momentum=1.5), "momentum"),
        (lambda: optimizers.SGD(momentum=-0.1), "momentum"),
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1"),
        (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), "only one of"),
        (lambda: optimizers.Adam(clipnorm=1.0, global_clipnorm=1.0), "only one of"),
        (lambda: optimizers.Adam(clipvalue=-1.0), "clipvalue"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay"),
        (lambda: optimizers.Ftrl(initial_accumulator_value=-1.0), "initial_accumulator_value"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "boundaries"),
    ],
)
def test_arguments_that_cannot_work(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gradients_that_do_not_fit_change_nothing():
    layer = dense_layer()
    before, optimizer = layer.get_weights(), optimizers.Adam()
    good = dense_gradient(0)
    for grads, kind, message in (
        ({**good, "bias": np.zeros(3)}, ValueError, r"shape \[3\]"),
        ({**good, "bias": np.zeros(2, np.float32)}, TypeError, "float32"),
        ({**good, "other": np.zeros(2)}, ValueError, "other"),
    ):
        with pytest.raises(kind, match=message):
            optimizer.apply(layer, grads)
    with pytest.raises(ValueError, match="2 layers"):
        optimizer.apply([layer, layer], [good])
    assert optimizer.iterations == 0
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for ids in ([2, 1], [1, 1], [-1], [V]):
        with pytest.raises(ValueError, match="ids"):
            slices(table_layer(), ids, 0)


def test_states_that_do_not_fit():
    layer, optimizer = dense_layer(), optimizers.Adam()
    optimizer.apply(layer, dense_gradient(0))
    state = optimizer.state()
    assert state["iterations"] == 1
    assert len(state) == 5
    with pytest.raises(ValueError, match="is no state of this optimizer"):
        optimizers.Adam().load_state({**state, "dense/kernel/nothing": np.zeros(2)})
    with pytest.raises(ValueError, match="lacks `iterations`"):
        optimizers.Adam().load_state({k: v for k, v in state.items() if k != "iterations"})
    one = next(k for k in state if k != "iterations")
    with pytest.raises(ValueError, match="lacks some of weight"):
        optimizers.Adam().load_state({k: v for k, v in state.items() if k != one})
    other = optimizers.Adam()
    other.load_state({k: (v if k == "iterations" else np.zeros(7)) for k, v in state.items()})
    with pytest.raises(ValueError, match="had shape"):
        other.apply(layer, dense_gradient(0))
