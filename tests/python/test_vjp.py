"""The way back of layers: outputs are those of a call, gradients those of finite differences."""

import numpy as np
import pytest
import weft
from weft import _core, layers
from weft import feature_column as fc

EPSILON = 1e-6


def numerical(f, x, grad):
    """The gradient of sum(grad * f()) with regard to the array x, which f reads."""
    made = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        before = x[at]
        x[at] = before + EPSILON
        above = f()
        x[at] = before - EPSILON
        below = f()
        x[at] = before
        made[at] = np.sum(grad * (above - below)) / (2 * EPSILON)
    return made


def check(layer, inputs, call, pullback, grad):
    """`call` runs the layer on `inputs`, arrays; `pullback(grad)` gives what it should."""
    grad_inputs, grads = pullback(grad)
    for x, made in zip(inputs, grad_inputs, strict=True):
        np.testing.assert_allclose(made, numerical(call, x, grad), atol=1e-7)
    assert list(grads) == list(layer.weights)
    for name, weight in layer.weights.items():
        made = grads[name]
        made = made.to_dense() if isinstance(made, weft.IndexedSlices) else made
        np.testing.assert_allclose(made, numerical(call, weight, grad), atol=1e-7, err_msg=name)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_dense(rng):
    layer = layers.Dense(3, "tanh", dtype="float64")
    x = rng.normal(size=(4, 2, 5))
    outputs, pullback = layer.vjp(x)
    np.testing.assert_array_equal(outputs, layer(x))
    check(layer, [x], lambda: layer(x), pullback, rng.normal(size=outputs.shape))


CELLS = {
    "simple_rnn": lambda: layers.SimpleRNNCell(3, dtype="float64"),
    "gru": lambda: layers.GRUCell(3, dtype="float64"),
    "gru_v1": lambda: layers.GRUCell(3, reset_after=False, dtype="float64"),
    "lstm": lambda: layers.LSTMCell(3, dtype="float64"),
    "stack": lambda: layers.StackedRNNCells(
        [layers.LSTMCell(2, dtype="float64"), layers.GRUCell(3, dtype="float64")]
    ),
}


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("sequences", [False, True])
def test_rnn(rng, kind, sequences):
    layer = layers.RNN(CELLS[kind](), return_sequences=sequences)
    x = rng.normal(size=(4, 3, 2))
    mask = np.array([[True, False, True], [False, True, True], [False] * 3, [True] * 3])
    state = [rng.normal(size=s.shape) for s in flat(layer.get_initial_state(x))]
    initial = nested(layer, state)
    (outputs, states), pullback = layer.vjp(x, mask=mask, initial_state=initial)
    called = layer(x, mask=mask, initial_state=initial)
    for made, expected in zip(flat((outputs, states)), flat(called), strict=True):
        np.testing.assert_array_equal(made, expected)
    grad = rng.normal(size=outputs.shape)
    call = lambda: layer(x, mask=mask, initial_state=initial)[0]  # noqa: E731
    check(layer, [x, *state], call, pullback, grad)
    # The states have gradients as well, and masked steps have none.
    grad_states = [rng.normal(size=s.shape) for s in flat(states)]
    (grad_x, *_), _ = pullback(None, nested(layer, grad_states))
    of_state = lambda i: lambda: flat(layer(x, mask=mask, initial_state=initial)[1])[i]  # noqa: E731
    expected = sum(numerical(of_state(i), x, g) for i, g in enumerate(grad_states))
    np.testing.assert_allclose(grad_x, expected, atol=1e-7)
    assert not grad_x[~mask].any()


def flat(states):
    return layers.cells.flatten(states)


def nested(layer, states):
    made = layers.cells.nest(layer.state_size, iter(states))
    return list(made) if isinstance(made, tuple) else made


def test_layers_that_return_their_states_as_keras_does(rng):
    layer = layers.LSTM(2, return_state=True)
    x = rng.normal(size=(2, 3, 2)).astype("float32")
    (outputs, h, c), pullback = layer.vjp(x)
    (both,), _ = pullback(outputs, h, c)
    (one,), _ = pullback(outputs)
    (other,), _ = pullback(None, h, c)
    np.testing.assert_allclose(both, one + other, atol=1e-6)
    with pytest.raises(ValueError, match="gradients of states are nested"):
        pullback(outputs, h)
    outputs, pullback = layers.GRU(2).vjp(x)
    with pytest.raises(ValueError, match="returns no states"):
        pullback(outputs, outputs)
    with pytest.raises(ValueError, match=r"an RNN's outputs .*\[2, 2\]"):
        pullback(np.zeros((3, 2), "float32"))
    with pytest.raises(TypeError, match="grad_outputs"):
        pullback(np.zeros((2, 2)))
    _, pullback = layers.RNN(layers.GRUCell(2)).vjp(x)
    with pytest.raises(ValueError, match="got 3 gradients"):
        pullback(outputs, outputs, outputs)


@pytest.mark.parametrize("kind", CELLS)
def test_cell(rng, kind):
    cell = CELLS[kind]()
    x = rng.normal(size=(3, 2))
    zeros = cell.get_initial_state(batch_size=3, dtype="float64")
    states = layers.cells.nest(cell.state_size, (rng.normal(size=z.shape) for z in flat(zeros)))
    (output, after), pullback = cell.vjp(x, states)
    np.testing.assert_array_equal(output, cell(x, states)[0])
    grad = rng.normal(size=output.shape)
    (grad_x, grad_states), grads = pullback(grad)
    call = lambda: cell(x, states)[0]  # noqa: E731
    inputs = [x, *flat(states)]
    check(cell, inputs, call, lambda g: ((grad_x, *flat(grad_states)), grads), grad)
    (with_states, _), _ = pullback(grad, after)
    assert not np.array_equal(with_states, grad_x)


def embedding(key, dimension=2, buckets=6):
    ids = fc.sequence_categorical_column_with_identity(key, buckets)
    return fc.embedding_column(ids, dimension)


def test_sequence_features(rng):
    indicator = fc.indicator_column(fc.sequence_categorical_column_with_identity("b", 4))
    layer = layers.SequenceFeatures([embedding("a"), indicator], dtype="float64")
    features = {"a": [[[1, 1, 5], []], [[2]], []], "b": [[0, 3], [1], []]}
    pair, pullback = layer.vjp(features)
    np.testing.assert_array_equal(pair.data, layer(features).data)
    np.testing.assert_array_equal(pair.mask, layer(features).mask)
    grad = rng.normal(size=pair.data.shape)
    check(layer, [], lambda: layer(features).data, lambda g: ((), pullback(g, None)[1]), grad)
    (slices,) = pullback(grad)[1].values()
    assert slices.ids.tolist() == [1, 2, 5] and slices.dense_shape == (6, 2)
    # Of blocks, the gradient is that of the columns which are no indicator.
    blocks, back = layer.blocks_vjp(features)
    assert blocks.data.shape == pair.data.shape
    (same,) = back(np.ascontiguousarray(grad[..., :2]))[1].values()
    np.testing.assert_array_equal(same.values, slices.values)


def test_blocks_go_on_into_layers(rng):
    columns = [embedding("a"), fc.indicator_column(embedding("b", buckets=4).categorical_column)]
    features = {"a": [[1, 5], [2], []], "b": [[0, 3], [1], []]}
    feature_layer = layers.SequenceFeatures(columns, dtype="float64")
    rnn = layers.GRU(3, dtype="float64")
    dense, blocks = feature_layer(features), feature_layer.blocks(features)
    outputs, pullback = rnn.vjp(dense.data, mask=dense.mask)
    grad = rng.normal(size=outputs.shape)
    (grad_x,), grads = pullback(grad)
    same, back = rnn.vjp(blocks.data, mask=blocks.mask)
    np.testing.assert_array_equal(same, outputs)
    (grad_blocks,), grads_blocks = back(grad)
    np.testing.assert_allclose(grad_blocks, grad_x[..., :2], atol=1e-12)
    kernel = grads_blocks["kernel"]
    assert isinstance(kernel, weft.IndexedSlices)
    np.testing.assert_allclose(kernel.to_dense(), grads["kernel"], atol=1e-12)


def test_dense_features(rng):
    column = fc.embedding_column(fc.categorical_column_with_identity("a", 5), 2, combiner="sum")
    layer = layers.DenseFeatures([column], dtype="float64")
    features = {"a": weft.Ragged.from_lists([[1, 1, 3], [], [0]])}
    data, pullback = layer.vjp(features)
    grad = rng.normal(size=data.shape)
    check(layer, [], lambda: layer(features), lambda g: ((), pullback(g)[1]), grad)
    blocks, back = layer.blocks_vjp(features)
    assert blocks.shape == data.shape
    np.testing.assert_array_equal(
        back(grad)[1]["a_embedding/embedding_weights"].values,
        pullback(grad)[1]["a_embedding/embedding_weights"].values,
    )


def number_case():
    """A layer of numbers of every kind, its features and those that have a gradient."""
    z_score = weft.normalizers.ZScore(1.0, 2.0)
    columns = [
        fc.sequence_numeric_column("ragged", normalizer_fn=z_score),
        fc.sequence_numeric_column("sparse", normalizer_fn=weft.normalizers.Log1p()),
        fc.sequence_numeric_column("integer"),
        fc.sequence_numeric_column("function", normalizer_fn=lambda x: x * 2),
    ]
    options = {"max_length": 2, "pad": "left", "dtype": "float64"}
    layer = layers.SequenceFeatures([*columns, embedding("a")], **options)
    values = np.array([0.5, 1.0, 2.0, 3.0])
    indices = [[0, 0], [0, 1], [0, 2], [1, 0]]
    features = {
        "ragged": weft.Ragged.from_row_splits(values.copy(), [0, 3, 4]),
        "sparse": weft.SparseTensor(indices, values.copy(), (2, 3)),
        "integer": weft.Ragged.from_lists([[1, 2, 3], [4]]),
        "function": weft.Ragged.from_lists([[0.5, 1.0, 2.0], [3.0]]),
        "a": [[1, 2, 3], [4]],
    }
    return layer, features


@pytest.mark.parametrize("blocks", [False, True])
def test_numbers_have_gradients(rng, blocks):
    layer, features = number_case()
    pair, pullback = layer.blocks_vjp(features) if blocks else layer.vjp(features)
    grad = rng.normal(size=pair.data.shape)
    (found,), _ = pullback(grad)
    assert sorted(found) == ["ragged", "sparse"] and len(found) == 2
    for key, kind in (("ragged", weft.Ragged), ("sparse", weft.SparseTensor)):
        assert isinstance(found[key], kind)
        call = lambda: layer(features).data  # noqa: E731
        expected = numerical(call, features[key].values, grad)
        assert expected[0] == 0  # the step that max_length cuts off
        np.testing.assert_allclose(found[key].values, expected, atol=1e-7)
    np.testing.assert_array_equal(found["sparse"].indices, features["sparse"].indices)
    np.testing.assert_array_equal(found["ragged"].row_splits, features["ragged"].row_splits)


def test_numbers_of_rows_have_gradients(rng):
    columns = [fc.numeric_column("x", (2,)), fc.numeric_column("y", dtype="int64")]
    layer = layers.DenseFeatures(columns)
    x = rng.normal(size=(3, 2)).astype("float32")
    data, pullback = layer.vjp({"x": x, "y": np.arange(3)})
    grad = rng.normal(size=data.shape).astype("float32")
    (found,), _ = pullback(grad)
    assert list(found) == ["x"] and "array" in repr(found)
    np.testing.assert_array_equal(found["x"], grad[:, :2])


def test_the_pullback_keeps_what_it_needs(rng):
    pair, pullback = layers.SequenceFeatures([embedding("a")]).vjp({"a": [[1], [2]]})
    _, grads = pullback(np.ones_like(pair.data))  # the layer is gone
    assert grads["a_embedding/embedding_weights"].values.tolist() == [[1, 1], [1, 1]]
    _, back = layers.Dense(1).vjp(rng.normal(size=(2, 2)).astype("float32"))
    np.testing.assert_array_equal(back(np.ones((2, 1), "float32"))[1]["bias"], [2])


@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_lookup_backward(rng, combiner):
    table = rng.normal(size=(5, 3))
    ids = weft.Ragged.from_lists([[1, 4, 1], [], [0]])
    weights = np.array([1, 2, 3, 4], "float32")
    grad = rng.normal(size=(3, 3))
    slices = weft.lookup_backward(table, ids, grad, weights, combiner=combiner, max_norm=1.0)
    call = lambda: weft.lookup(table, ids, weights, combiner=combiner, max_norm=1.0)  # noqa: E731
    np.testing.assert_allclose(slices.to_dense(), numerical(call, table, grad), atol=1e-7)
    flat_ids = np.array([[4, 4], [-1, 0]])
    grad = rng.normal(size=(2, 2, 3))
    slices = weft.lookup_backward(table, flat_ids, grad)
    assert slices.ids.tolist() == [0, 4]
    np.testing.assert_allclose(slices.values, [grad[1, 1], grad[0, 0] + grad[0, 1]])
    with pytest.raises(ValueError, match="grad"):
        weft.lookup_backward(table, flat_ids, grad[0].copy())


def test_indexed_slices():
    values = np.ones((2, 3), "float32")
    slices = weft.IndexedSlices([1, 4], values, (6, 3))
    assert repr(slices) == "<IndexedSlices 2 rows of [6, 3], float32>"
    assert slices.ids.dtype == np.int64 and slices.to_dense().sum() == 6
    bias = weft.IndexedSlices([1, 4], np.float32([2, 3]), (6,))
    assert bias.to_dense().tolist() == [0, 2, 0, 0, 3, 0]
    both = _core.add_gradients(bias, weft.IndexedSlices([0, 4], np.float32([5, 7]), (6,)))
    assert both.ids.tolist() == [0, 1, 4] and both.values.tolist() == [5, 2, 10]
    for ids, shape in [([4, 1], (6, 3)), ([1, 1], (6, 3)), ([1, 6], (6, 3)), ([-1, 1], (6, 3))]:
        with pytest.raises(ValueError, match="must rise"):
            weft.IndexedSlices(ids, values, shape)
    with pytest.raises(ValueError, match="one row for each id"):
        weft.IndexedSlices([1, 4], values, (6, 4))
    with pytest.raises(ValueError, match="one row for each id"):
        weft.IndexedSlices([1], values, (6, 3))
    with pytest.raises(TypeError, match="'values' must be float32 or float64"):
        weft.IndexedSlices([1, 4], np.ones((2, 3), int), (6, 3))


def test_ids_that_were_changed_are_not_written_to():
    ids = np.array([0, 1])
    slices = weft.IndexedSlices(ids, np.ones((2, 4), "float32"), (2, 4))
    ids[1] = 10**9  # whose copy was taken
    assert slices.to_dense().sum() == 8
    slices.ids[1] = 10**9
    with pytest.raises(ValueError, match="2 rows has the id 1000000000"):
        slices.to_dense()
