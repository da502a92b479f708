"""Time between events, and the cut-off that drops events after a request: not in TensorFlow."""

import json

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import normalizers
from weft.layers import SequenceFeatures

RANDOM = np.random.default_rng(7)


def rows_of(lengths, make):
    return [[make() for _ in range(n)] for n in lengths]


TIMES = [[100, 160, 400], [], [7]]


def test_time_since_the_event_before():
    column = fc.sequence_time_delta_column("t", unit=60, default_value=-1.0)
    assert column.name == "t_delta"
    data, lengths = SequenceFeatures([column])({"t": TIMES})
    assert data[..., 0].tolist() == [[0, 1, 4], [-1, -1, -1], [0, -1, -1]]
    assert lengths.tolist() == [3, 0, 1]
    assert column.parse_example_spec == {"t": weft.io.VarLenFeature(weft.int64)}


@pytest.mark.parametrize("request_times", [[400, 5, 8], [[400], [5], [8]], np.array([400, 5, 8])])
def test_time_to_a_request(request_times):
    column = fc.sequence_time_delta_column("t", "now", normalizer_fn=normalizers.Log1p())
    assert column.name == "t_delta_to_now"
    data, _ = SequenceFeatures([column])({"t": TIMES, "now": request_times})
    np.testing.assert_allclose(data[0, :, 0], np.log1p([300, 240, 0]), rtol=1e-6)
    np.testing.assert_allclose(data[2, 0, 0], np.log1p(1), rtol=1e-6)


def test_times_are_subtracted_exactly():
    column = fc.sequence_time_delta_column("t")
    base = 2**62
    data, _ = SequenceFeatures([column])({"t": [[base, base + 1, base - 1]]})
    assert data[0, :, 0].tolist() == [0, 1, -2]
    extremes = SequenceFeatures([column])({"t": [[-(2**63), 2**63 - 1]]}).data
    assert extremes[0, 1, 0] == np.float32(2.0**64)
    floats = fc.sequence_time_delta_column("t", dtype=weft.float32)
    assert SequenceFeatures([floats])({"t": [[0.5, 2.0]]}).data[0, 1, 0] == 1.5


def test_time_buckets():
    delta = fc.sequence_time_delta_column("t", "now")
    column = fc.bucketized_column(delta, fc.log_boundaries(1, 1000, 4))
    assert column.ids({"t": TIMES, "now": [400, 0, 8]}).to_lists() == [[3, 3, 0], [], [1]]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"t": TIMES, "now": [[1], [2, 3], [4]]}, "one time in each row, got 2"),
        ({"t": TIMES, "now": [1, 2]}, "2 rows, 't' has 3"),
        ({"t": [[[1, 2]], [], [[3]]], "now": [1, 2, 3]}, "several times"),
        ({"t": [["a"]], "now": [1]}, "not numbers"),
        ({"t": TIMES}, "now is not in features"),
    ],
)
def test_times_that_do_not_fit_are_named(features, message):
    layer = SequenceFeatures([fc.sequence_time_delta_column("t", "now")])
    with pytest.raises((ValueError, TypeError), match=message):
        layer(features)


def test_time_delta_declarations():
    for wrong in [{"unit": 0}, {"unit": float("nan")}, {"reference_key": "t"}, {"dtype": str}]:
        with pytest.raises(ValueError, match="unit must|reference_key|convertible"):
            fc.sequence_time_delta_column("t", **wrong)


# --- cut-off


def cut(rows, times, now):
    return [
        [x for x, t in zip(row, ts, strict=True) if t <= n]
        for row, ts, n in zip(rows, times, now, strict=True)
    ]


@pytest.mark.parametrize("kind", ["lists", "sparse"])
@pytest.mark.parametrize("options", [{}, {"max_length": 2}, {"max_length": 2, "keep": "first"}])
def test_cutoff_drops_later_events_from_every_column(kind, options):
    lengths = [5, 0, 3, 8, 1]
    times = rows_of(lengths, lambda: int(RANDOM.integers(100)))  # in no order
    ids = rows_of(lengths, lambda: int(RANDOM.integers(9)))
    bags = [[[int(RANDOM.integers(9)) for _ in range(RANDOM.integers(3))] for _ in r] for r in ids]
    numbers = rows_of(lengths, lambda: float(RANDOM.integers(50)))
    now = [50, 10, 99, 40, -1]
    columns = [
        fc.embedding_column(fc.sequence_categorical_column_with_identity("a", 9), 3),
        fc.indicator_column(fc.sequence_categorical_column_with_identity("b", 9)),
        fc.sequence_numeric_column("n"),
        fc.sequence_time_delta_column("t"),
        fc.sequence_time_delta_column("t", "now"),
    ]
    layer = SequenceFeatures(columns, cutoff=("t", "now"), name="cut", **options)
    plain = SequenceFeatures(columns, name="cut", **options)
    features = {"a": ids, "b": bags, "n": numbers, "t": times}
    wanted = plain({**{k: cut(v, times, now) for k, v in features.items()}, "now": now})
    if kind == "sparse":
        ragged = {k: weft.Ragged.from_lists(v) for k, v in features.items() if k != "b"}
        features = {"b": bags} | {k: v.to_sparse() for k, v in ragged.items()}
        features["n"] = weft.SparseTensor(
            features["n"].indices, features["n"].values.astype(np.float32), (5, 12)
        )
    got = layer({**features, "now": now})
    np.testing.assert_array_equal(got.data, wanted.data)
    np.testing.assert_array_equal(got.lengths, wanted.lengths)
    again = SequenceFeatures.from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(again({**features, "now": now}).lengths, wanted.lengths)


def test_cutoff_errors():
    column = fc.embedding_column(fc.sequence_categorical_column_with_identity("a", 9), 3)
    layer = SequenceFeatures([column], cutoff=("t", "now"))
    with pytest.raises(ValueError, match="a row of 2 steps, of which 1 .*key 'a', row 0"):
        layer({"a": [[1, 2]], "t": [[5]], "now": [9]})
    with pytest.raises(ValueError, match="dense array does not say"):
        layer({"a": np.array([[1, 2]]), "t": [[5, 6]], "now": [9]})
    with pytest.raises(ValueError, match=r"cutoff must be \(key, reference_key\)"):
        SequenceFeatures([column], cutoff="t")
