"""SequenceFeatures and DenseFeatures: options, weights, counters, errors, inputs."""

from __future__ import annotations

import json
import pickle
import threading

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft.layers import DenseFeatures, SequenceFeatures

WATCHES = fc.sequence_categorical_column_with_identity("watches", 5)
EMBEDDING = fc.embedding_column(WATCHES, 2)
PRICE = fc.sequence_numeric_column("price", default_value=-1.0)
ROWS = [[0, 1, 2], [], [4]]
PRICES = [[10.0, 11.0, 12.0], [], [14.0]]
BATCH = {"watches": ROWS, "price": PRICES}


def known(layer):
    for table in layer.weights.values():
        table[:] = np.arange(1, table.size + 1).reshape(table.shape)
    return layer


def test_pair_and_mask():
    out = known(SequenceFeatures([EMBEDDING]))(BATCH)
    data, lengths = out
    assert data.shape == (3, 3, 2)
    assert data.dtype == np.float32
    assert data[0].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert not data[1].any()
    assert lengths.tolist() == [3, 0, 1]
    assert lengths.dtype == np.int64
    assert out.data is data
    assert out.lengths is lengths
    assert out.mask.tolist() == [[True] * 3, [False] * 3, [True, False, False]]
    assert isinstance(out, tuple)
    assert len(out) == 2
    again = pickle.loads(pickle.dumps(out))
    assert again.mask.tolist() == out.mask.tolist()


def test_outputs_are_plain_aligned_arrays():
    for array in SequenceFeatures([EMBEDDING])(BATCH):
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.ctypes.data % 64 == 0


def test_options():
    def call(**options):
        return known(SequenceFeatures([EMBEDDING, PRICE], **options))(BATCH)

    assert call(max_length=2).data[0, :, 0].tolist() == [11, 12]  # "price" before "watches_..."
    assert call(max_length=2).lengths.tolist() == [2, 0, 1]
    assert call(max_length=2, keep="first").data[0, :, 0].tolist() == [10, 11]
    left = call(pad="left")
    assert left.data[2, :, 0].tolist() == [-1, -1, 14]
    assert left.mask[2].tolist() == [False, False, True]
    assert call(pad_to=5).data.shape == (3, 5, 3)
    assert call(pad_to=5).mask.shape == (3, 5)
    assert call(pad_to=("multiple", 4)).data.shape == (3, 4, 3)
    assert call(dtype="float64").data.dtype == np.float64
    for wrong in (
        {"pad": "up"},
        {"keep": "all"},
        {"pad_to": "all"},
        {"pad_to": 2},
        {"max_length": 0},
    ):
        with pytest.raises(ValueError):
            call(**wrong)
    with pytest.raises(TypeError):
        call(unknown=1)


def test_weights():
    layer = SequenceFeatures([EMBEDDING], seed=3)
    assert list(layer.weights) == ["watches_embedding/embedding_weights"]
    (table,) = layer.weights.values()
    assert table.shape == (5, 2)
    layer.set_weights([np.full((5, 2), 7, np.float32)])
    assert (table == 7).all()
    table[4] = 9
    assert layer(BATCH).data[2, 0].tolist() == [9, 9]
    assert layer.get_weights()[0] is not table
    assert layer.count_params() == 10
    assert not SequenceFeatures([EMBEDDING], trainable=False).trainable_weights
    layer.build((None, None))
    for wrong in ([], [np.ones((5, 3), np.float32)], [np.ones((5, 2), np.float32)] * 2):
        with pytest.raises(ValueError):
            layer.set_weights(wrong)
    for wrong in ([np.ones((5, 2))], None, {"a": 1}):
        with pytest.raises(TypeError):
            layer.set_weights(wrong)
    with pytest.raises(TypeError):
        layer.weights["watches_embedding/embedding_weights"] = table


def test_initial_weights():
    """Decided by seed, the layer's name and the table's."""

    def table(name=None, seed=3):
        return SequenceFeatures([EMBEDDING], name=name, seed=seed).get_weights()[0]

    np.testing.assert_array_equal(table("a"), table("a"))
    assert (table("a") != table("a", seed=4)).any()
    assert (table("a") != table("b")).any()
    assert (table() != table()).any()


def test_initializers():
    def rows(shape, dtype):
        return np.full(shape, 3, dtype)

    assert (
        SequenceFeatures([fc.embedding_column(WATCHES, 2, initializer=rows)]).get_weights()[0] == 3
    ).all()
    ones = fc.embedding_column(WATCHES, 2, initializer=weft.initializers.Ones())
    assert (SequenceFeatures([ones]).get_weights()[0] == 1).all()
    with pytest.raises(ValueError, match="ckpt_to_load_from of column .* not supported"):
        SequenceFeatures(
            [fc.embedding_column(WATCHES, 2, ckpt_to_load_from="x", tensor_name_in_ckpt="y")]
        )


def test_counters():
    column = fc.sequence_categorical_column_with_identity("a", 5, default_value=0)
    layer = SequenceFeatures([fc.embedding_column(column, 2), fc.indicator_column(column)])
    layer({"a": np.array([[1, 99, 3], [2, -1, -1]])})
    counts = {"seen": 4, "replaced": 1, "dropped": 2, "out_of_vocabulary": 0}
    assert layer.counters() == {"a": counts}
    layer({"a": [[1]]})
    assert layer.counters()["a"]["seen"] == 5
    layer.reset_counters()
    assert layer.counters()["a"]["seen"] == 0


def test_counters_of_different_columns_of_one_name():
    a, bounded = (fc.categorical_column_with_identity("a", 10, d) for d in (None, 0))
    layer = DenseFeatures([fc.embedding_column(a, 1), fc.indicator_column(bounded)])
    layer({"a": [[1, 2]]})
    assert {k: v["seen"] for k, v in layer.counters().items()} == {
        "a_embedding": 2,
        "a_indicator": 2,
    }


def test_configs_are_json():
    layer = SequenceFeatures(
        [EMBEDDING],
        seed=np.int64(3),
        max_length=np.int64(3),
        pad_to=np.int64(3),
        missing=b"x\xff",
        trainable=np.bool_(True),
        strict=1,
    )
    config = json.loads(json.dumps(layer.get_config()))
    again = SequenceFeatures.from_config(config)
    assert again.get_config() == layer.get_config()
    assert again(BATCH).data.shape == (3, 3, 2)
    multiple = SequenceFeatures([EMBEDDING], pad_to=("multiple", np.int32(4)), missing=np.int64(-1))
    again = SequenceFeatures.from_config(json.loads(json.dumps(multiple.get_config())))
    assert again(BATCH).data.shape == (3, 4, 2)


def test_configs_and_pickles():
    layer = SequenceFeatures([PRICE, EMBEDDING], name="mine", max_length=2, pad="left", seed=5)
    again = SequenceFeatures.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(BATCH).data, layer(BATCH).data)
    layer.weights["watches_embedding/embedding_weights"][:] = 2
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(BATCH).data, layer(BATCH).data)
    keras = {"name": "k", "trainable": True, "dtype": "float32", "partitioner": None}
    made = SequenceFeatures.from_config(
        {**keras, "feature_columns": layer.get_config()["feature_columns"]}
    )
    assert made.name == "k"
    assert SequenceFeatures([PRICE]).name != SequenceFeatures([PRICE]).name


def test_errors():
    layer = SequenceFeatures([EMBEDDING, PRICE])
    with pytest.raises(
        ValueError, match="'price' and 'watches_embedding' differ in length"
    ) as caught:
        layer({"watches": [[1], [2, 3]], "price": [[1.0], [2.0]]})
    assert caught.value.row == 1
    with pytest.raises(ValueError, match="Batch size"):
        layer({"watches": [[1]], "price": [[1.0], [2.0]]})
    with pytest.raises(ValueError, match="id 5 of column 'watches'") as caught:
        layer({"watches": [[1], [5]], "price": PRICES})
    assert (caught.value.row, caught.value.step) == (1, 0)
    with pytest.raises(ValueError, match="We expected a dictionary"):
        layer([1])
    with pytest.raises(TypeError, match="dense array"):
        layer({"watches": ROWS, "price": np.zeros((3, 3), np.float32)})
    for wrong, words in (
        ([], "must not be empty"),
        ({}, "found dict"),
        (["a"], "must be a FeatureColumn"),
        ([WATCHES], "wrap a categorical column"),
        ([fc.numeric_column("x")], "to use SequenceFeatures"),
        ([PRICE, PRICE], "Duplicate feature column name"),
    ):
        with pytest.raises(ValueError, match=words):
            SequenceFeatures(wrong)
    with pytest.raises(ValueError, match="must not be of type SequenceCategoricalColumn"):
        DenseFeatures([EMBEDDING])
    with pytest.raises(ValueError, match="'price': it must not be a sequence column") as caught:
        DenseFeatures([PRICE])
    assert "Categorical" not in str(caught.value)
    with pytest.raises(ValueError, match="We expected a dictionary"):
        layer(None)
    with pytest.raises(TypeError, match="'watches' must be .* nested lists, got None"):
        layer({"watches": None, "price": PRICES})
    with pytest.raises(TypeError, match="a history that is missing is an empty list"):
        layer({"watches": [None, [1]], "price": PRICES})


def test_one_column_need_not_be_in_a_list():
    assert SequenceFeatures(EMBEDDING)(BATCH).data.shape == (3, 3, 2)
    assert SequenceFeatures(iter([EMBEDDING]))(BATCH).data.shape == (3, 3, 2)


def test_dense_features():
    bag = fc.categorical_column_with_identity("watches", 5)
    columns = [fc.numeric_column("x"), fc.indicator_column(bag), fc.embedding_column(bag, 2)]
    layer = known(DenseFeatures(columns))
    parts = {}
    batch = {"watches": ROWS, "x": [1.0, 2.0, 3.0]}
    data = layer(batch, cols_to_output_tensors=parts)
    assert data.shape == (3, 8)
    assert data[0].tolist() == [3, 4, 1, 1, 1, 0, 0, 1]
    assert parts[columns[0]].tolist() == [[1], [2], [3]]
    assert parts[columns[1]].shape == (3, 5)
    assert layer.compute_output_shape((3, None)) == (3, 8)


def test_empty_batches():
    layer = SequenceFeatures([EMBEDDING, PRICE])
    assert layer({"watches": [], "price": weft.Ragged.from_lists([])}).data.shape[::2] == (0, 3)
    out = layer({"watches": [[], []], "price": [[], []]})
    assert out.data.shape == (2, 0, 3)
    assert out.mask.shape == (2, 0)


def test_a_row_does_not_depend_on_its_batch_or_threads():
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 60, 300)
    rows = [rng.integers(0, 5, n).tolist() for n in lengths]
    layer = SequenceFeatures([fc.embedding_column(WATCHES, 33)])
    threads = weft.num_threads()
    try:
        weft.set_num_threads(1)
        one = layer({"watches": rows}).data
        weft.set_num_threads(3)
        np.testing.assert_array_equal(layer({"watches": rows}).data, one)
    finally:
        weft.set_num_threads(threads)
    for i in range(0, 300, 17):
        alone = layer({"watches": [rows[i]]}).data[0]
        np.testing.assert_array_equal(alone, one[i, : lengths[i]])


def test_calls_from_many_threads():
    layer = known(SequenceFeatures([EMBEDDING, PRICE]))
    want = layer(BATCH).data
    layer.reset_counters()
    failed = []

    def work():
        for _ in range(50):
            if not (layer(BATCH).data == want).all():
                failed.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failed
    assert layer.counters()["watches"]["seen"] == 4 * 50 * 4


def test_ids_that_change_meanwhile_are_refused():
    values = np.array([1, 2, 3])
    ragged = weft.Ragged.from_row_splits(values, np.array([0, 1, 3]))

    def meanwhile(x):
        values[2] = 1000
        return x

    column = fc.sequence_numeric_column("z", normalizer_fn=meanwhile)
    layer = SequenceFeatures([EMBEDDING, column])
    batch = {"watches": ragged, "z": [[1.0], [1.0, 1.0]]}
    if np.shares_memory(ragged.values, values):
        with pytest.raises(ValueError, match="changed while they were read"):
            layer(batch)


def test_sequence_mask_beyond_tensorflow():
    assert weft.sequence_mask([1, 0], 2, pad="left").tolist() == [[False, True], [False, False]]
    assert weft.sequence_mask([1], dtype=np.float32).dtype == np.float32
    assert weft.sequence_mask([[1], [2]]).shape == (2, 1, 2)
    with pytest.raises(ValueError, match="pad must be 'right' or 'left'"):
        weft.sequence_mask([1], pad="up")
    with pytest.raises(TypeError, match="'maxlen' must be an integer"):
        weft.sequence_mask([1], 1.5)


def test_concatenate_context_input():
    context, sequence = np.ones((2, 1), np.float32), np.zeros((2, 3, 2), np.float32)
    both = fc.concatenate_context_input(context, sequence)
    assert both.shape == (2, 3, 3)
    assert (both[..., 2] == 1).all()
