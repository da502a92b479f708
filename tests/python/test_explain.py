"""weft.explain: one record, value by value."""

import numpy as np
import pytest
import weft
from weft import feature_column as fc
from weft import normalizers

SEQUENCE = fc.sequence_categorical_column_with_vocabulary_list(
    "item", ["a", "b"], num_oov_buckets=3
)
RECORD = weft.io.encode_example(
    {
        "item": np.array([b"a", b"zz", b"b"], object),
        "w": np.array([0.5, 2.0, 1.0], np.float32),
        "n": np.array([0.25], np.float32),
        "i": np.array([3, 12, -1]),
        "t": np.array([100, 160, 400]),
        "now": np.array([1000]),
    }
)


def lines(*columns, record=RECORD):
    return weft.explain(record, columns)


def test_a_vocabulary_with_weights():
    column = fc.embedding_column(fc.weighted_categorical_column(SEQUENCE, "w"), 4)
    found = lines(column)
    assert [(x.step, x.value, x.result, x.weight) for x in found] == [
        (0, b"a", 0, 0.5),
        (1, b"zz", 2 + weft.fingerprint64(b"zz") % 3, 2.0),
        (2, b"b", 1, 1.0),
    ]
    assert found[0].meaning == "entry"
    assert found[1].meaning == f"out of vocabulary, bucket {found[1].result - 2}"
    assert {x.column for x in found} == {"item_weighted_by_w_embedding"}


@pytest.mark.parametrize(
    ("options", "meaning"),
    [({}, "out of vocabulary, no id"), ({"default_value": 1}, "out of vocabulary, default_value")],
)
def test_out_of_vocabulary(options, meaning):
    column = fc.categorical_column_with_vocabulary_list("item", ["a", "b"], **options)
    assert [x.meaning for x in lines(column)] == ["entry", meaning, "entry"]


def test_ids_outside_their_column_are_lines_not_errors():
    column = fc.sequence_categorical_column_with_identity("i", 10)
    assert [(x.result, x.meaning) for x in lines(column)] == [
        (3, "id"),
        (None, "outside [0, 10), an error"),
        (None, "outside [0, 10), an error"),
    ]
    column = fc.sequence_categorical_column_with_identity("i", 10, default_value=0)
    assert [x.result for x in lines(column)] == [3, 0, 0]


def test_numbers_buckets_and_times():
    n = fc.numeric_column("n", normalizer_fn=normalizers.MinMax(0, 0.5))
    (number,) = lines(n)
    assert (number.value, number.result, number.meaning) == (0.25, 0.5, "normalized")
    (bucket,) = lines(fc.bucketized_column(n, [0.0, 0.5]))
    assert (bucket.result, bucket.meaning) == (2, "bucket [0.5, inf)")
    delta = fc.sequence_time_delta_column("t", "now", unit=60)
    assert [x.result for x in lines(delta)] == [15, 14, 10]
    buckets = lines(fc.bucketized_column(delta, [12.0]))
    assert [x.meaning for x in buckets] == ["bucket [12.0, inf)"] * 2 + ["bucket (-inf, 12.0)"]


def test_hashes_and_crosses_are_the_layers():
    hashed = fc.categorical_column_with_hash_bucket("item", 50)
    crossed = fc.crossed_column(["item", "i"], 1000)
    features = {"item": [[b"a", b"zz", b"b"]], "i": [[3, 12, -1]]}
    for column in (hashed, crossed):
        assert [x.result for x in lines(column)] == column.ids(features).to_lists()[0]
    assert lines(crossed)[1].value == (b"a", 12)
    steps = fc.sequence_crossed_column(["item", "i"], 1000)
    assert [x.step for x in lines(fc.indicator_column(steps))] == [0, 1, 2]
    assert [x.result for x in lines(steps)] == steps.ids(features).to_lists()[0]


def test_a_sequence_example():
    lists = {"item": [["a"], [], ["zz", "b"]], "t": [[100], [160], [400]]}
    record = weft.io.encode_sequence_example({"now": [1000]}, lists)
    found = lines(SEQUENCE, fc.sequence_time_delta_column("t", "now", unit=60), record=record)
    items, times = found[:3], found[3:]
    assert [(x.step, x.value) for x in items] == [(0, b"a"), (2, b"zz"), (2, b"b")]
    assert [x.result for x in times] == [15, 14, 10]


def test_what_is_not_there():
    column = fc.categorical_column_with_identity("gone", 3)
    (line,) = lines(column)
    assert (line.value, line.result, line.meaning) == (None, None, "not in the record")
    (line,) = lines(fc.numeric_column("gone"))
    assert line.meaning.startswith("an error: Feature gone is not in features")
    with pytest.raises(TypeError, match="bytes or a mapping"):
        weft.explain("x", [column])


def test_a_row_as_a_mapping_and_the_table():
    text = str(lines(SEQUENCE, record={"item": [["a"], [], ["zz", "b"]]}))
    assert text.splitlines()[0].split() == ["column", "key", "step", "value", "result", "meaning"]
    assert text.splitlines()[2].split() == ["item", "item", "0", "a", "0", "entry"]
    assert "out of vocabulary, bucket" in text
    html = lines(SEQUENCE, record={"item": ["<b>"]})._repr_html_()
    assert "&lt;b&gt;" in html
    assert html.startswith("<table>")
