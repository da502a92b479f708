"""weft.arrow, against pyarrow and, where they are installed, polars, duckdb and pandas."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
import weft
from hypothesis import given, settings
from hypothesis import strategies as st
from weft import Ragged, SparseTensor, arrow, feature_column, layers

pa = pytest.importorskip("pyarrow")


def plain(feature):
    """Nested lists; a SparseTensor's with None at holes."""
    if isinstance(feature, SparseTensor):
        return pa.array(feature).to_pylist()
    return feature.to_lists() if isinstance(feature, Ragged) else feature.tolist()


TABLE = {
    "items": pa.array([[1, 2], None, [3]]),
    "words": pa.array([["a"], [], ["bb", "c"]], pa.list_(pa.string_view())),
    "visits": pa.array([[[1], [2, 3]], [], [[]]], pa.large_list(pa.list_(pa.int32()))),
    "pairs": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.float32(), 2)),
    "views": pa.array([[1], [2, 3], []], pa.list_view(pa.int64())),
    "name": pa.array(["x", "y" * 20, "z"], pa.string_view()),
    "code": pa.array([b"ab", b"cd", b"ef"], pa.binary(2)),
    "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
    "when": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
    "day": pa.array([1, 2, 3], pa.date32()),
    "flag": pa.array([True, False, True]),
    "half": pa.array(np.array([1, 2, 3], np.float16)),
}
PLAIN = {
    "items": [[1, 2], [], [3]],
    "words": [[b"a"], [], [b"bb", b"c"]],
    "visits": [[[1], [2, 3]], [], [[]]],
    "pairs": [[1, 2], [3, 4], [5, 6]],
    "views": [[1], [2, 3], []],
    "name": [b"x", b"y" * 20, b"z"],
    "code": [b"ab", b"cd", b"ef"],
    "kind": [b"x", b"y", b"x"],
    "when": [1, 2, 3],
    "day": [1, 2, 3],
    "flag": [True, False, True],
    "half": [1, 2, 3],
}


@pytest.mark.parametrize("name", TABLE)
def test_columns(name):
    column = TABLE[name]
    assert plain(arrow.from_arrow(column)) == PLAIN[name]
    assert plain(arrow.from_arrow(column[1:])) == PLAIN[name][1:]
    assert plain(arrow.from_arrow(column[:0])) == []
    chunks = pa.chunked_array([column, column[1:2], column[:0], column])
    assert plain(arrow.from_arrow(chunks)) == PLAIN[name] + PLAIN[name][1:2] + PLAIN[name]


def test_tables_and_batches():
    table = pa.table(TABLE)
    for obj in (table, table.to_batches()[0], table.to_reader(), pa.concat_tables([table])):
        features = arrow.from_arrow(obj)
        assert {name: plain(feature) for name, feature in features.items()} == PLAIN
    twice = pa.concat_tables([table, table.slice(1)])
    assert plain(arrow.from_arrow(twice, ["items"])["items"]) == [[1, 2], [], [3], [], [3]]
    assert [plain(b["day"]) for b in arrow.batches(twice, columns=["day"])] == [[1, 2, 3], [2, 3]]
    sliced = pa.record_batch(TABLE).slice(1, 1)
    assert plain(arrow.from_arrow(sliced)["visits"]) == [[]]
    assert arrow.from_arrow(pa.table(TABLE).select([])) == {}


def test_dtypes():
    features = arrow.from_arrow(pa.table(TABLE))
    assert (features["day"].dtype, features["when"].dtype) == (np.int32, np.int64)
    assert features["half"].dtype == np.float16
    assert features["pairs"].shape == (3, 2)
    assert features["visits"].dtype == weft.int32


def test_numbers_are_shared_with_their_owner():
    numbers = pa.array(np.arange(10.0))
    lists = pa.ListArray.from_arrays(pa.array([0, 4, 10], pa.int32()), numbers)
    before = pa.total_allocated_bytes()
    ragged = arrow.from_arrow(lists)
    address = numbers.buffers()[1].address
    assert ragged.values.ctypes.data == address
    assert not ragged.values.flags.writeable
    assert arrow.from_arrow(pa.table({"x": numbers}))["x"].ctypes.data == address
    del numbers, lists
    gc.collect()
    assert ragged.to_lists() == [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9]]
    del ragged
    assert pa.total_allocated_bytes() <= before


def test_nulls_are_absent():
    scalars = arrow.from_arrow(pa.array([1, None, 3]))
    assert scalars == SparseTensor([[0], [2]], [1, 3], [3])
    lists = arrow.from_arrow(pa.array([[1, None], None, [None, 2]]))
    assert lists == SparseTensor([[0, 0], [2, 1]], [1, 2], [3, 2])
    assert arrow.from_arrow(pa.array([["a", None]])).values.tolist() == [b"a"]
    kinds = pa.DictionaryArray.from_arrays(pa.array([0, None, 1]), pa.array(["x", None]))
    assert arrow.from_arrow(kinds) == SparseTensor([[0]], [b"x"], [3])
    nothing = arrow.from_arrow(pa.nulls(2))
    assert (nothing.shape, nothing.dtype) == ((2,), weft.int64)
    assert arrow.from_arrow(pa.array([[], []])).to_lists() == [[], []]


def test_what_is_not_taken_is_named():
    table = pa.table({"a": [1], "m": pa.array([[(1, 2)]], pa.map_(pa.int64(), pa.int64()))})
    with pytest.raises(TypeError, match=r"Arrow type map '\+m' is not taken.*\(key 'm'\)"):
        arrow.from_arrow(table)
    assert arrow.from_arrow(table, columns=["a"])["a"].tolist() == [1]
    with pytest.raises(TypeError, match="decimal"):
        arrow.from_arrow(pa.array([None], pa.decimal128(5)))
    with pytest.raises(TypeError, match="struct"):
        arrow.from_arrow(pa.array([[{"a": 1}]]))
    with pytest.raises(TypeError, match="__arrow_c_array__ or __arrow_c_stream__ is wanted, got"):
        arrow.from_arrow([1])
    with pytest.raises(TypeError, match="'columns' must be a list of names"):
        arrow.from_arrow(table, columns="a")
    with pytest.raises(ValueError, match="two columns of one name"):
        arrow.from_arrow(pa.table([[1], [2]], ["a", "a"]))
    with pytest.raises(ValueError, match="stream of one column"):
        list(arrow.batches(pa.array([1])))


def test_a_reader_that_fails():
    def rows():
        yield pa.record_batch({"a": [1]})
        raise OSError("no more disk")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), rows())
    with pytest.raises(ValueError, match="no more disk"):
        arrow.from_arrow(reader)


# --- to Arrow ------------------------------------------------------------------------------------


def test_to_arrow():
    table = pa.table(TABLE).drop_columns(["when", "day"])
    features = arrow.from_arrow(table)
    exported = arrow.to_arrow(features)
    for made in (pa.table(exported), pa.record_batch(exported)):
        assert made.num_rows == 3
        again = arrow.from_arrow(made)
        assert {k: plain(v) for k, v in again.items()} == {k: plain(v) for k, v in features.items()}
    assert pa.schema(exported).field("items").type == pa.large_list(pa.int64())
    pa.table(exported).validate(full=True)
    with pytest.raises(ValueError, match="requested_schema has 1 fields, the batch 10"):
        exported.__arrow_c_array__(pa.schema([("a", pa.int64())]).__arrow_c_schema__())
    text = pa.schema([("s", pa.string())])
    assert pa.table(arrow.to_arrow({"s": ["a"]}), schema=text).to_pylist() == [{"s": "a"}]


def test_anything_that_is_a_feature_goes_out():
    batch = {
        "lists": [[1], [2, 3]],
        "dense": np.eye(2, dtype=np.float32),
        "padded": (np.array([[1, 2], [3, 0]]), np.array([2, 1])),
        "sparse": SparseTensor([[1, 1]], [5], [2, 2]),
    }
    assert pa.table(arrow.to_arrow(batch)).to_pydict() == {
        "lists": [[1], [2, 3]],
        "dense": [[1, 0], [0, 1]],
        "padded": [[1, 2], [3]],
        "sparse": [[], [None, 5]],
    }
    with pytest.raises(ValueError, match="feature 'b' has 1 rows, 'a' has 2"):
        pa.table(arrow.to_arrow({"a": [1, 2], "b": [1]}))
    with pytest.raises(TypeError, match="'features' must be a dict"):
        arrow.to_arrow(3)


def test_memory_goes_out_without_a_copy():
    ragged = Ragged.from_lists([[1, 2], [], [3]])
    array = pa.array(ragged)
    assert array.values.buffers()[1].address == ragged.values.ctypes.data
    del ragged
    gc.collect()
    assert array.to_pylist() == [[1, 2], [], [3]]
    assert pa.array(SparseTensor([[0]], [7], [2])).to_pylist() == [7, None]


def test_capsules_that_nobody_takes_release_their_memory():
    batch = arrow.to_arrow({"a": np.zeros(1 << 20)})
    for _ in range(100):
        batch.__arrow_c_array__()
        batch.__arrow_c_stream__()
        arrow.ArrowStream([{"a": [1]}]).__arrow_c_stream__()
    schema, array = batch.__arrow_c_array__()
    assert len(pa.RecordBatch._import_from_c_capsule(schema, array)) == 1 << 20
    with pytest.raises(Exception, match="released"):
        pa.RecordBatch._import_from_c_capsule(schema, array)


def test_streams_of_batches():
    made = [{"a": [[1]], "b": [1.0]}, {"a": [[2, 3], []], "b": [2.0, 3.0]}]
    stream = arrow.to_arrow(made)
    for _ in range(2):
        reader = pa.RecordBatchReader.from_stream(stream)
        assert [len(batch) for batch in reader] == [1, 2]
    assert [plain(batch["a"]) for batch in arrow.batches(stream)] == [[[1]], [[2, 3], []]]

    def failing():
        yield {"a": [1]}
        raise KeyError("gone")

    with pytest.raises(ValueError, match="gone"):
        arrow.from_arrow(arrow.to_arrow(failing()))
    with pytest.raises(ValueError, match="an Arrow stream has one type"):
        arrow.from_arrow(arrow.to_arrow([{"a": [1]}, {"a": [1.0]}]))


def test_streams_are_read_on_other_threads():
    reader = pa.RecordBatchReader.from_stream(arrow.to_arrow({"a": [i]} for i in range(50)))
    found = []
    thread = threading.Thread(target=lambda: found.extend(reader.read_all()["a"].to_pylist()))
    thread.start()
    thread.join()
    assert found == list(range(50))


def test_records_to_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "rows.tfrecord"
    with weft.io.TFRecordWriter(str(path)) as writer:
        for record in weft.io.encode_examples({"items": [[1, 2], [], [3]], "age": [[4], [5], [6]]}):
            writer.write(record)
    spec = {
        "items": weft.io.RaggedFeature(weft.int64),
        "age": weft.io.FixedLenFeature([], weft.int64),
    }
    batches = weft.io.TFRecordDataset([str(path)]).batch(2).parse(spec)
    reader = pa.RecordBatchReader.from_stream(arrow.to_arrow(batches))
    with parquet.ParquetWriter(tmp_path / "rows.parquet", reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    column = feature_column.sequence_categorical_column_with_identity("items", 10)
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert column.ids(table).to_lists() == [[1, 2], [], [3]]
    assert weft.io.decode_example(weft.io.encode_examples(table)[2])["age"].tolist() == [6]


# --- layers --------------------------------------------------------------------------------------

ITEMS = feature_column.sequence_categorical_column_with_identity("items", 10)
AGE = feature_column.numeric_column("age")


ROWS = {"items": [[1, 2], [], [3]], "age": [1.0, 2.0, 3.0]}


def from_pyarrow():
    table = pa.table({**ROWS, "other": [{}, {}, {}]})
    yield table
    yield table.to_batches()[0]
    yield pa.concat_tables([table.slice(0, 1), table.slice(1)])
    yield {"items": table["items"], "age": ROWS["age"]}


def from_pandas():
    pandas = pytest.importorskip("pandas")
    yield pandas.DataFrame(ROWS)
    yield pandas.DataFrame({**ROWS, "items": [[1, 2], None, [3]]})
    yield pa.table(ROWS).to_pandas(types_mapper=pandas.ArrowDtype)
    yield {"items": pandas.Series(ROWS["items"], index=[7, 8, 9]), "age": np.array(ROWS["age"])}


def from_polars():
    polars = pytest.importorskip("polars")
    yield polars.DataFrame(ROWS)
    yield {name: polars.Series(values) for name, values in ROWS.items()}


def from_duckdb():
    duckdb = pytest.importorskip("duckdb")
    yield duckdb.sql("select unnest([[1, 2], [], [3]]) as items, unnest([1e0, 2e0, 3e0]) as age")


def from_torch():
    torch = pytest.importorskip("torch")
    rows = [torch.tensor(row, dtype=torch.int64) for row in ROWS["items"]]
    jagged = torch.nested.nested_tensor(rows, layout=torch.jagged)
    yield {"items": jagged, "age": torch.tensor(ROWS["age"], requires_grad=True)}


@pytest.mark.parametrize(
    "sources", [from_pyarrow, from_pandas, from_polars, from_duckdb, from_torch]
)
def test_layers_take_any_source(sources):
    for source in sources():
        assert ITEMS.ids(source).to_lists() == [[1, 2], [], [3]]
        sequence = layers.SequenceFeatures([feature_column.indicator_column(ITEMS)])
        data, lengths = sequence(source)
        assert lengths.tolist() == [2, 0, 1]
        assert data.argmax(-1)[0].tolist() == [1, 2]
        dense = layers.DenseFeatures([AGE])(source)
        assert dense.tolist() == [[1], [2], [3]]


def test_pandas_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "integer": pandas.array([1, None, 3], dtype="Int64"),
            "text": ["a", "b", "c"],
            "kind": pandas.Categorical(["x", "y", "x"]),
            "when": pandas.to_datetime(["1970-01-01", "1970-01-02", "1970-01-03"]).as_unit("s"),
        },
        index=[7, 8, 9],
    )
    features = weft._core._features(frame)
    assert plain(features["integer"]) == [1, None, 3]
    assert plain(features["text"]) == [b"a", b"b", b"c"]
    assert plain(features["kind"]) == [b"x", b"y", b"x"]
    assert plain(features["when"]) == [0, 86400, 172800]
    both = pandas.DataFrame(np.arange(6.0).reshape(3, 2), columns=["a", "b"])
    assert plain(weft._core._features(both)["b"]) == [1, 3, 5]


def test_one_column_is_no_batch():
    with pytest.raises(ValueError, match="We expected a dictionary here"):
        ITEMS.ids(pa.array([[1]]))
    with pytest.raises(ValueError, match="of record batches, not of one column.*key 'items'"):
        ITEMS.ids({"items": pa.table({"items": [[1]]})})


# --- random --------------------------------------------------------------------------------------

LEAVES = st.sampled_from(
    [
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        (pa.uint8(), st.integers(0, 255)),
        (pa.float64(), st.floats(allow_nan=False)),
        (pa.bool_(), st.booleans()),
        (pa.large_binary(), st.binary(max_size=20)),
        (pa.binary_view(), st.binary(max_size=20)),
    ]
)


@st.composite
def columns(draw):
    """An array of nested lists with nulls, and a slice of it."""
    dtype, values = draw(LEAVES)
    if draw(st.booleans()):
        values = st.none() | values
    for _ in range(draw(st.integers(0, 3))):
        dtype = draw(st.sampled_from([pa.list_, pa.large_list, pa.list_view]))(dtype)
        values = st.lists(values, max_size=4) | st.none()
    array = pa.array(draw(st.lists(values, max_size=6)), dtype)
    begin = draw(st.integers(0, len(array)))
    return array[begin : draw(st.integers(begin, len(array)))]


def as_weft(row, depth):
    """What becomes of a row: null lists are empty."""
    if depth == 0:
        return row
    return [as_weft(item, depth - 1) for item in row or []]


def trimmed(rows, depth):
    """Without what an index cannot tell: nulls and empty lists at the end."""
    if depth == 0:
        return rows
    rows = [trimmed(row, depth - 1) for row in rows]
    while rows and rows[-1] in (None, []):
        rows.pop()
    return rows


@settings(max_examples=300, deadline=None)
@given(columns())
def test_random_columns_there_and_back(array):
    depth, inner = 0, array.type
    while not pa.types.is_primitive(inner) and hasattr(inner, "value_type"):
        depth, inner = depth + 1, inner.value_type
    expected = [as_weft(row, depth) for row in array.to_pylist()]
    feature = arrow.from_arrow(array)
    back = pa.table(arrow.to_arrow({"a": feature}))["a"]
    back.validate(full=True)
    if isinstance(feature, SparseTensor) and depth > 0:
        rows = [trimmed(row, depth) for row in expected]
        assert [trimmed(row, depth) for row in back.to_pylist()] == rows
    else:
        assert back.to_pylist() == expected
        if not isinstance(feature, SparseTensor):
            assert plain(feature) == expected
