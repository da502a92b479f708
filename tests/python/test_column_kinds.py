"""The kinds of column beyond identity, where TensorFlow has no answer.

Sequences of all kinds, time, shared tables, declared normalizers. What TensorFlow answers is in
test_golden_feature_layers.py.
"""

import gzip

import numpy as np
import pytest
import weft
import weft.feature_column as fc
from weft.layers import DenseFeatures, SequenceFeatures

RANDOM = np.random.default_rng(7)


def rows_of(lengths, make):
    return [[make() for _ in range(n)] for n in lengths]


def one_step_at_a_time(column, rows):
    """Each step as a row of its own, through the column that is no sequence."""
    return [column.ids({k: [step] for k, step in steps.items()}).to_lists()[0] for steps in rows]


def as_bags(ids):
    return [[step if isinstance(step, list) else [step] for step in row] for row in ids]


# --- hashes and vocabularies


def test_integers_of_every_width_hash_as_their_text():
    column = fc.categorical_column_with_hash_bucket("a", 2**40, dtype=weft.int64)
    text = fc.categorical_column_with_hash_bucket("a", 2**40)
    for dtype in (np.int8, np.uint8, np.int32, np.int64, np.uint64):
        info = np.iinfo(dtype)
        values = np.array([info.min, info.max, 0, 1], dtype)
        rows = weft.Ragged.from_row_lengths(values, np.array([4]))
        want = text.ids({"a": [[str(v) for v in values.tolist()]]})
        assert column.ids({"a": rows}).to_lists() == want.to_lists()


def test_hash_is_the_fingerprint_unsigned_modulo():
    words = [f"w{i}" for i in range(200)] + [""]
    column = fc.categorical_column_with_hash_bucket("a", 1000)
    want = [weft.fingerprint64(w.encode()) % 1000 for w in words]
    assert column.ids({"a": [words]}).to_lists() == [want]


def vocabulary_files(folder, entries):
    """One vocabulary in every form that is read."""
    text = "".join(f"{e}\n" for e in entries).encode()
    (folder / "plain.txt").write_bytes(text)
    (folder / "text.gz").write_bytes(gzip.compress(text))
    for name, options in {"plain.tfrecord": None, "gzip.tfrecord": "GZIP"}.items():
        with weft.io.TFRecordWriter(str(folder / name), options) as writer:
            for entry in entries:
                writer.write(entry.encode())
    return sorted(folder.iterdir())


def test_every_form_of_a_vocabulary_file_gives_the_same_ids(tmp_path):
    entries = ["b", "a", "a b", "\u00e9"]
    feature = {"s": [["a", "zz", "\u00e9"], [], ["b"]]}
    for path in vocabulary_files(tmp_path, entries):
        column = fc.sequence_categorical_column_with_vocabulary_file("s", path, num_oov_buckets=2)
        assert column.num_buckets == 6
        found = column.ids(feature).to_lists()
        assert found[0][0] == 1
        assert found[0][1] == 4 + weft.fingerprint64(b"zz") % 2
        assert found[1:] == [[], [0]]
        assert found[0][2] == 3


def test_a_vocabulary_file_is_read_when_the_layer_is_made(tmp_path):
    column = fc.categorical_column_with_vocabulary_file("s", tmp_path / "gone", vocabulary_size=3)
    with pytest.raises(FileNotFoundError, match="gone"):
        DenseFeatures([fc.indicator_column(column)])
    with pytest.raises(FileNotFoundError, match="gone"):
        column.ids({"s": [["a"]]})
    (tmp_path / "gone").write_text("x\ny\nz\n")
    assert column.ids({"s": [["z"]]}).to_lists() == [[2]]
    with pytest.raises(ValueError, match="does not exist"):
        fc.categorical_column_with_vocabulary_file("s", tmp_path / "never")


def test_strict_names_the_value_that_is_out_of_vocabulary():
    column = fc.sequence_categorical_column_with_vocabulary_list("s", ["a"])
    with pytest.raises(ValueError, match="strict: 'b' of column 's'.*row 1, step 2"):
        column.ids({"s": [["a"], ["a", "a", "b"]]}, strict=True)
    integers = fc.categorical_column_with_vocabulary_list("s", [5])
    with pytest.raises(ValueError, match="strict: -7 of column 's'"):
        integers.ids({"s": [[5, -7]]}, strict=True)


def test_counters_of_a_vocabulary():
    lists = {
        "none": fc.categorical_column_with_vocabulary_list("s", ["a"]),
        "default": fc.categorical_column_with_vocabulary_list("s", ["a"], default_value=0),
        "oov": fc.categorical_column_with_vocabulary_list("s", ["a"], num_oov_buckets=3),
    }
    want = {"none": (0, 2), "default": (2, 0), "oov": (2, 0)}
    for name, column in lists.items():
        layer = DenseFeatures([fc.indicator_column(column)])
        layer({"s": np.array([["a", "b"], ["", "c"]], object)})
        met = layer.counters()["s"]
        assert (met["replaced"], met["out_of_vocabulary"]) == want[name]
        assert (met["seen"], met["dropped"]) == (3, 1)


# --- weights


@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_a_sequence_with_weights(combiner):
    ids, weights = [[[1, 2], [3]], [], [[0, 0, 4]]], [[[0.5, 2], [3]], [], [[1, 0.25, 2]]]
    inner = fc.sequence_categorical_column_with_identity("a", 5)
    forms = [
        fc.weighted_categorical_column(inner, "w"),
        fc.sequence_weighted_categorical_column(inner, "w"),
        fc.sequence_weighted_categorical_column(fc.categorical_column_with_identity("a", 5), "w"),
    ]
    for form in forms:
        layer = SequenceFeatures([fc.embedding_column(form, 3, combiner=combiner)])
        table = next(iter(layer.weights.values()))
        data, lengths = layer({"a": ids, "w": weights})
        assert lengths.tolist() == [2, 0, 1]
        for b, row in enumerate(ids):
            for t, step in enumerate(row):
                w = np.array(weights[b][t], np.float64)
                total = w @ table[step].astype(np.float64)
                by = {"mean": w.sum(), "sqrtn": np.sqrt((w**2).sum()), "sum": 1.0}[combiner]
                np.testing.assert_allclose(data[b, t], total / by, rtol=1e-5)
        assert not data[1].any()


def test_one_id_a_step_is_weighted_too():
    column = fc.weighted_categorical_column(
        fc.sequence_categorical_column_with_identity("a", 5), "w"
    )
    layer = SequenceFeatures(
        [fc.embedding_column(column, 2, combiner="sum"), fc.indicator_column(column)]
    )
    table = layer.weights["a_weighted_by_w_embedding/embedding_weights"]
    data, _ = layer({"a": [[1, 2], [3]], "w": [[2.0, -1.0], [0.5]]})
    np.testing.assert_allclose(data[0, 1, :2], -table[2], rtol=1e-6)
    assert data[..., 2:].tolist() == [
        [[0, 2, 0, 0, 0], [0, 0, -1, 0, 0]],
        [[0, 0, 0, 0.5, 0], [0] * 5],
    ]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[1.0], [1.0]], "row 0.*1 and 2 in a row|1 and 2 in a row.*row 0"),
        ([[1.0, 1.0]], "1 rows, the ids 2"),
        ([[[1.0], [1.0, 2.0]], [[1.0]]], "other steps"),
    ],
)
def test_weights_that_do_not_fit_are_named(weights, message):
    column = fc.weighted_categorical_column(
        fc.sequence_categorical_column_with_identity("a", 5), "w"
    )
    layer = SequenceFeatures([fc.indicator_column(column)])
    with pytest.raises(ValueError, match=message):
        layer({"a": [[1, 2], [3]], "w": weights})


# --- crosses


@pytest.mark.parametrize("hash_key", [None, 5])
def test_a_sequence_is_crossed_step_by_step(hash_key):
    lengths = [3, 0, 1, 7]
    a = rows_of(lengths, lambda: f"a{RANDOM.integers(5)}")
    b = [[[int(RANDOM.integers(9)) for _ in range(RANDOM.integers(3))] for _ in row] for row in a]
    column = fc.sequence_crossed_column(["a", "b"], 1000, hash_key)
    plain = fc.crossed_column(["a", "b"], 1000, hash_key)
    got = as_bags(column.ids({"a": a, "b": b}).to_lists())
    want = [
        one_step_at_a_time(plain, [{"a": [x], "b": y} for x, y in zip(*row, strict=True)])
        for row in zip(a, b, strict=True)
    ]
    assert got == want


def test_sequence_columns_cross():
    a = fc.sequence_categorical_column_with_vocabulary_list("a", ["x", "y"])
    n = fc.sequence_bucketized_column(fc.sequence_numeric_column("n"), [0.0, 1.0])
    features = {"a": [["x", "q"], ["y"]], "n": [[-1.0, 0.5], [7.0]], "s": [["k", "l"], ["m"]]}
    column = fc.crossed_column([a, n, "s"], 500)
    ids = column.ids(features).to_lists()
    vocabulary = fc.categorical_column_with_identity("a", 3)
    bucket = fc.categorical_column_with_identity("n", 3)
    raw = fc.crossed_column([vocabulary, bucket, "s"], 500)
    one = raw.ids({"a": [[0]], "n": [[0]], "s": [["k"]]}).to_lists()[0]
    assert ids[0][0] == one[0]
    assert [len(row) for row in ids] == [2, 1]
    same = fc.sequence_crossed_column([a.categorical_column, n, "s"], 500)
    assert same.ids(features).to_lists() == ids
    layer = SequenceFeatures([fc.embedding_column(column, 4), fc.indicator_column(a)])
    assert layer(features).lengths.tolist() == [2, 1]


def test_crosses_that_cannot_be():
    a, b = (
        fc.sequence_categorical_column_with_identity("a", 3),
        fc.categorical_column_with_identity("b", 3),
    )
    with pytest.raises(ValueError, match="'b' is not; make all of them sequence"):
        fc.crossed_column([a, b], 10)
    with pytest.raises(ValueError, match="does not support weights"):
        fc.crossed_column([fc.weighted_categorical_column(b, "w"), "x"], 10)
    with pytest.raises(ValueError, match="not supported for crossing"):
        fc.crossed_column([fc.sequence_categorical_column_with_hash_bucket("a", 9), "x"], 10)
    column = fc.sequence_crossed_column(["a", "b"], 10)
    with pytest.raises(ValueError, match="'a' and 'b', which differ in length: 2 and 1"):
        column.ids({"a": [["x", "y"]], "b": [["z"]]})


def test_a_cross_with_too_many_combinations_is_refused():
    column = fc.crossed_column(["a", "b", "c", "d"], 10)
    rows = [list(range(5000))]
    with pytest.raises(ValueError, match="crosses in a batch"):
        column.ids(dict.fromkeys("abcd", rows))


# --- buckets


def test_a_bucketized_sequence():
    bounds = np.sort(RANDOM.standard_normal(17)).tolist()
    rows = rows_of([4, 0, 1, 9], lambda: float(np.float32(RANDOM.standard_normal())))
    rows[0][0], rows[0][1] = float("nan"), float(np.float32(bounds[3]))
    column = fc.sequence_bucketized_column(fc.sequence_numeric_column("n"), bounds)
    edges = np.array(bounds, np.float32)
    want = [np.searchsorted(edges, np.array(r, np.float32), side="right").tolist() for r in rows]
    want[0][0] = len(bounds)
    assert column.ids({"n": rows}).to_lists() == want
    data, lengths = SequenceFeatures([column])({"n": rows})
    assert lengths.tolist() == [4, 0, 1, 9]
    for b, row in enumerate(want):
        assert data[b, : len(row)].argmax(1).tolist() == row
        assert not data[b, len(row) :].any()


def test_a_bucketized_sequence_of_pairs_and_with_holes():
    pairs = fc.sequence_bucketized_column(fc.sequence_numeric_column("n", shape=2), [0.0])
    assert pairs.variable_shape == (2, 2)
    assert pairs.num_buckets == 4
    got = pairs.ids({"n": [[-1.0, 1.0, 2.0, -2.0], [], [5.0, 5.0]]}).to_lists()
    assert got == [[[0, 3], [1, 2]], [], [[1, 3]]]
    column = fc.sequence_bucketized_column(
        fc.sequence_numeric_column("n", default_value=9.0), [0.0]
    )
    holes = weft.SparseTensor(np.array([[0, 0], [0, 2]]), np.array([1.0, -1.0], np.float32), [2, 3])
    data, lengths = SequenceFeatures([column])({"n": holes})
    assert data[0].tolist() == [[0, 1], [0, 0], [1, 0]]
    assert lengths.tolist() == [3, 0]


def test_log_boundaries():
    bounds = fc.log_boundaries(1, 1000, 4)
    np.testing.assert_allclose(bounds, [1, 10, 100, 1000])
    assert bounds[-1] == 1000
    for wrong in [(0, 1, 3), (2, 1, 3), (1, 2, 1), (1, float("inf"), 3)]:
        with pytest.raises(ValueError, match="log_boundaries needs"):
            fc.log_boundaries(*wrong)


# --- what is given in other forms


def test_lists_of_numpy_numbers_are_taken():
    one = fc.categorical_column_with_vocabulary_list("k", [np.int64(1), np.int32(2)])
    assert one == fc.categorical_column_with_vocabulary_list("k", (n for n in (1, 2)))
    bounds = fc.bucketized_column(fc.numeric_column("n"), [np.float32(1.5), np.int64(2)])
    assert bounds.boundaries == (1.5, 2)
    assert bounds == fc.bucketized_column(fc.numeric_column("n"), np.array([1.5, 2]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fc.categorical_column_with_vocabulary_list("k", 3), "must be a list"),
        (lambda: fc.categorical_column_with_vocabulary_list("k", "ab"), "must be a list"),
        (lambda: fc.bucketized_column(fc.numeric_column("n"), ["a"]), "must be numbers"),
        (lambda: fc.bucketized_column(fc.numeric_column("n"), [[1], 2]), "must be numbers"),
        (lambda: fc.sequence_crossed_column("ab", 3), "list with length > 1"),
        (lambda: fc.sequence_crossed_column(None, 3), "list with length > 1"),
        (lambda: fc.crossed_column(["a"] * 65, 3), "more than 64 keys"),
        (lambda: fc.shared_embeddings(fc.numeric_column("n"), 3), "must be a list of columns"),
        (lambda: fc.columns_to_json("ab"), "a list of feature columns is expected"),
    ],
)
def test_what_is_no_list_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_cutoff_over_one_time_a_step():
    """As the feature lists of a SequenceExample have it."""
    layer = SequenceFeatures(
        [fc.embedding_column(fc.sequence_categorical_column_with_identity("a", 9), 3)],
        cutoff=("t", "now"),
    )
    steps = {"a": [[[1], [2, 3], [4]]], "t": [[[5], [7], [9]]], "now": [8]}
    assert layer(steps).lengths.tolist() == [2]
    with pytest.raises(ValueError, match="every step must hold one time"):
        layer({**steps, "t": [[[5], [], [9]]]})
