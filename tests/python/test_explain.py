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


def results(*columns, record=RECORD):
    return [x.result for x in lines(*columns, record=record)]


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
    row = {key: rows[0] for key, rows in features.items()}
    for column in (hashed, crossed):
        assert results(column, record=row) == column.ids(features).to_lists()[0]
    assert lines(crossed, record=row)[1].value == (b"a", 12)
    steps = fc.sequence_crossed_column(["item", "i"], 1000)
    assert [x.step for x in lines(fc.indicator_column(steps), record=row)] == [0, 1, 2]
    assert results(steps, record=row) == steps.ids(features).to_lists()[0]


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
    (line,) = lines(fc.numeric_column("gone"), record={})
    assert line.meaning.startswith("an error: Feature gone is not in features")
    (line,) = lines(fc.numeric_column("gone"))
    assert line.meaning.startswith("an error: the feature 'gone' (float32) is required")
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


EMPTY = weft.io.encode_example({"other": [1]})
STEPS_ONLY = weft.io.encode_sequence_example({}, {"other": [[1]]})


@pytest.mark.parametrize("record", [{}, EMPTY, STEPS_ONLY])
def test_a_feature_that_is_missing_is_what_parsing_makes_of_it(record):
    n = fc.numeric_column("n", 2, default_value=[3, 7], normalizer_fn=normalizers.MinMax(0, 10))
    found = lines(n, record=record)
    assert [x.result for x in found] == pytest.approx([0.3, 0.7])
    assert {(x.value, x.meaning) for x in found} == {(None, "default_value")}
    bucket = fc.bucketized_column(n, [0.5])
    found = lines(bucket, record=record)
    assert [x.result for x in found] == [0, 3]
    assert found[0].meaning == "default_value, bucket (-inf, 0.5)"
    for column in (
        fc.crossed_column(["a", "b"], 10),
        fc.sequence_numeric_column("s"),
        fc.sequence_time_delta_column("t"),
        fc.bucketized_column(fc.sequence_numeric_column("s"), [1.0]),
    ):
        found = lines(column, record=record)
        assert {(x.value, x.result, x.meaning) for x in found} == {
            (None, None, "not in the record")
        }
    (line,) = lines(fc.sequence_time_delta_column("t", "now"), record=record)
    assert line.meaning.startswith("an error: ")
    assert "now" in line.meaning


def test_a_default_in_a_cross():
    bucket = fc.bucketized_column(fc.numeric_column("n", default_value=3.0), [0.5])
    cross = fc.crossed_column([bucket, "a"], 100)
    record = weft.io.encode_example({"a": ["p"]})
    found = lines(cross, record=record)
    expected = cross.ids({"n": [[3.0]], "a": [["p"]]}).to_lists()[0]
    assert [(x.value, x.result) for x in found] == [((3.0, b"p"), expected[0])]


def test_buckets_of_several_numbers_are_the_columns_ids():
    column = fc.bucketized_column(fc.numeric_column("n", 2), [5.0])
    expected = column.ids({"n": [[1.0, 20.0]]}).to_lists()[0]
    found = lines(column, record={"n": [1.0, 20.0]})
    assert [x.result for x in found] == expected == [0, 3]
    assert [x.meaning for x in found] == ["bucket (-inf, 5.0)", "bucket [5.0, inf)"]
    steps = fc.bucketized_column(fc.sequence_numeric_column("n", 2), [5.0])
    for column in (steps, fc.embedding_column(steps, 2)):
        found = lines(column, record={"n": [1.0, 20.0, 9.0, 2.0]})
        assert [(x.step, x.result) for x in found] == [(0, 0), (0, 3), (1, 1), (1, 2)]


def test_a_cross_of_steps_of_several_numbers():
    steps = fc.bucketized_column(fc.sequence_numeric_column("n", 2), [5.0])
    cross = fc.sequence_crossed_column([steps, "a"], 100)
    for n in ([1.0, 20.0, 9.0, 2.0], [[1.0, 20.0], [9.0, 2.0]]):
        found = lines(cross, record={"n": n, "a": ["p", "q"]})
        ids = cross.ids({"n": [n], "a": [["p", "q"]]}).to_lists()[0]
        assert [x.result for x in found] == [one for step in ids for one in step]
        assert [x.value for x in found] == [(1, "p"), (20, "p"), (9, "q"), (2, "q")]


@pytest.mark.parametrize(
    ("column", "key"),
    [
        (fc.numeric_column("i", 3), "i"),
        (fc.bucketized_column(fc.sequence_numeric_column("i"), [1.0]), "i"),
        (fc.crossed_column(["item", "i"], 10), "i"),
        (fc.categorical_column_with_hash_bucket("i", 10), "i"),
        (fc.embedding_column(fc.weighted_categorical_column(SEQUENCE, "i"), 2), "i"),
    ],
)
def test_an_example_that_parsing_refuses(column, key):
    with pytest.raises(ValueError, match="holds a list of int64") as raised:
        weft.io.parse_example([RECORD], fc.make_parse_example_spec([column]))
    (line,) = lines(column)
    assert line == (column.name, key, None, [3, 12, -1], None, f"an error: {raised.value}", None)


def test_numbers_stand_at_the_steps_of_the_layer():
    column = fc.sequence_numeric_column("n", default_value=-5)
    found = lines(column, record={"n": [[1.0], [2.0, 3.0]]})
    layer = weft.layers.SequenceFeatures([column])({"n": [[[1.0], [2.0, 3.0]]]})
    assert [x.result for x in found] == layer.data.ravel().tolist()
    assert [(x.step, x.value) for x in found] == [(0, 1), (1, None), (2, 2), (3, 3)]
    assert found[1].meaning == "default_value"
    assert [x.value for x in lines(column, record={"n": [[], [2.0]]})] == [None, 2]
    assert [x.result for x in lines(column, record={"n": [[], []]})] == [-5, -5]


def test_steps_of_several_numbers():
    column = fc.sequence_numeric_column("n", 2)
    for n in ([1.0, 2.0, 3.0, 4.0], np.array([[1.0, 2.0], [3.0, 4.0]])):
        found = lines(column, record={"n": n})
        assert [(x.step, x.value) for x in found] == [(0, 1), (0, 2), (1, 3), (1, 4)]
        assert [x.result for x in found] == [1, 2, 3, 4]
    (line,) = lines(column, record={"n": [1.0, 2.0, 3.0]})
    assert line.meaning.startswith("an error: ")


def test_weights_that_do_not_fit():
    column = fc.weighted_categorical_column(SEQUENCE, "w")
    for weights in ({"w": [0.5]}, {"w": [0.5, 1.0, 2.0]}, {}):
        record = {"item": ["a", "b"], **weights}
        for row in (record, weft.io.encode_example(record)):
            (line,) = lines(column, record=row)
            assert line.key == "w"
            assert line.meaning.startswith("an error: the weights 'w' of column 'item' do not fit")
    ids = fc.weighted_categorical_column(fc.categorical_column_with_identity("i", 5), "w")
    found = lines(ids, record={"i": [7, 1], "w": [0.5, 2.0]})
    assert [(x.result, x.weight) for x in found] == [(None, 0.5), (1, 2.0)]
    (line,) = lines(column, record=EMPTY)
    assert line.meaning == "not in the record"


def test_steps_under_a_column_that_has_none():
    column = fc.categorical_column_with_identity("i", 5)
    for record in ({"i": [[3], [1]]}, weft.io.encode_sequence_example({}, {"i": [[3], [1]]})):
        (line,) = lines(column, record=record)
        with pytest.raises(ValueError, match="use a sequence column") as raised:
            column.ids({"i": [[[3], [1]]]})
        assert (line.key, line.meaning) == ("i", f"an error: {raised.value}")


def test_a_cross_with_weights():
    row = {"a": ["x", "q"], "b": ["y", "z"], "w": [1.0, 2.0]}
    cross = fc.crossed_column(["a", "b"], 10)
    column = fc.sequence_weighted_categorical_column(cross, "w")
    ids = column.ids({key: [values] for key, values in row.items()}).to_lists()[0]
    for given in (column, fc.indicator_column(column)):
        found = lines(given, record=row)
        assert [(x.step, x.weight) for x in found] == [(0, 1.0), (1, 2.0)]
        assert [[x.result] for x in found] == ids
    row["w"] = [1.0, 2.0, 3.0, 4.0]
    found = lines(fc.weighted_categorical_column(cross, "w"), record=row)
    assert [x.weight for x in found] == row["w"]


def test_what_a_mapping_may_hold():
    column = fc.sequence_categorical_column_with_identity("i", 10)
    parsed = weft.io.parse_single_example(
        weft.io.encode_example({"i": [3, 1]}), {"i": weft.io.VarLenFeature(weft.int64)}
    )
    rows = [np.array([3, 1]), [np.int64(3), np.int32(1)], (3, 1), parsed["i"]]
    for row in [*rows, weft.Ragged.from_lists([[3], [1]]), [np.array([3]), np.array([1])]]:
        assert [(x.step, x.value) for x in lines(column, record={"i": row})] == [(0, 3), (1, 1)]
    for one in (3, np.int64(3), np.array(3)):
        assert results(column, record={"i": one}) == [3]
    deep = weft.Ragged.from_lists([[[3]], [[1]]])
    for row in (deep, weft.SparseTensor([[0, 0]], [1], (1, 1)), None, {3}, object(), iter([1])):
        with pytest.raises(TypeError, match="feature 'i' must be a list"):
            lines(column, record={"i": row})


@pytest.mark.parametrize("value", ["x", True, 3.0, None])
def test_a_value_of_a_wrong_type(value):
    for column in (
        fc.categorical_column_with_identity("i", 10),
        fc.categorical_column_with_identity("i", 10, default_value=1),
        fc.categorical_column_with_hash_bucket("i", 10, weft.int64),
        fc.categorical_column_with_vocabulary_list("i", [1, 2]),
    ):
        (line,) = lines(column, record={"i": [value]})
        assert (line.result, line.meaning) == (None, "wrong type, an error")
    (line,) = lines(fc.categorical_column_with_hash_bucket("i", 10), record={"i": [3]})
    assert line.meaning == "wrong type, an error"
    (line,) = lines(
        fc.categorical_column_with_hash_bucket("i", 10, weft.int64), record={"i": [2**70]}
    )
    assert line.meaning.startswith("an error: ")
    (line,) = lines(fc.categorical_column_with_identity("i", 10), record={"i": [2**70]})
    assert line.meaning == "outside [0, 10), an error"


def test_no_lines():
    found = lines(SEQUENCE, record={"item": []})
    assert found == ()
    assert str(found) == repr(found) == "no values"
    assert found._repr_html_() == "<p>no values</p>"
    with pytest.raises(ValueError, match="`columns` must not be empty"):
        weft.explain(RECORD, [])


def test_bytes_in_all_their_forms():
    expected = lines(SEQUENCE)
    for record in (bytearray(RECORD), memoryview(RECORD), np.array(RECORD, object)):
        assert lines(SEQUENCE, record=record) == expected
    with pytest.raises(TypeError, match="a record is bytes or a mapping, not list"):
        lines(SEQUENCE, record=[RECORD])
    with pytest.raises(TypeError, match="a record is bytes or a mapping, not int"):
        lines(SEQUENCE, record=np.array(3))


@pytest.mark.parametrize("columns", ["ab", b"ab", {"a": SEQUENCE}, None, 3, ["ab"], [SEQUENCE, 1]])
def test_columns_of_another_type(columns):
    with pytest.raises(weft.errors.WrongTypeError, match="`columns` must be"):
        weft.explain(RECORD, columns)
    assert weft.explain(RECORD, iter([SEQUENCE])) == weft.explain(RECORD, SEQUENCE)
