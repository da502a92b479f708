"""weft.io.write_tfrecords from everything it takes."""

from __future__ import annotations

import numpy as np
import pytest
import weft
from weft.io import TFRecordDataset, TFRecordWriter, decode_example, write_tfrecords

COLUMNS = {
    "id": np.arange(10),
    "history": [list(range(i)) for i in range(10)],
    "word": [f"w{i}" for i in range(10)],
    "score": np.linspace(0, 1, 10, dtype=np.float32),
}


def rows(paths) -> list[dict]:
    return [
        {key: values.tolist() for key, values in decode_example(record).items()}
        for record in TFRecordDataset(paths)
    ]


def expected(count: int = 10) -> list[dict]:
    return [
        {
            "id": [i],
            "history": list(range(i)),
            "word": [b"w%d" % i],
            "score": [float(COLUMNS["score"][i])],
        }
        for i in range(count)
    ]


def same(found: list[dict], wanted: list[dict]) -> bool:
    """The same rows; an empty list may have any dtype, or be absent."""
    strip = [{k: v for k, v in row.items() if v != []} for row in found]
    return strip == [{k: v for k, v in row.items() if v != []} for row in wanted]


def test_a_dict(tmp_path):
    paths = write_tfrecords(COLUMNS, tmp_path / "f")
    assert paths == [str(tmp_path / "f")]
    assert list(TFRecordDataset(paths)) == weft.io.encode_examples(COLUMNS)
    assert same(rows(paths), expected())


def test_shards(tmp_path):
    paths = write_tfrecords(COLUMNS, tmp_path / "f", num_shards=3, options="GZIP")
    assert paths == [f"{tmp_path}/f-{i:05d}-of-00003" for i in range(3)]
    records = weft.io.encode_examples(COLUMNS)
    for i, path in enumerate(paths):
        assert list(TFRecordDataset(path, "GZIP")) == records[i::3]
    assert list(TFRecordDataset(paths).interleave(3)) == records


def test_iterables(tmp_path):
    def batches():
        for i in range(0, 10, 4):
            yield {name: column[i : i + 4] for name, column in COLUMNS.items()}

    for data in (batches(), [COLUMNS], list(batches())):
        assert same(
            rows(write_tfrecords(data, tmp_path / "f", 2)), expected()[::2] + expected()[1::2]
        )
    parsed = TFRecordDataset(write_tfrecords(COLUMNS, tmp_path / "g")).parse(
        {
            "id": weft.io.FixedLenFeature([], weft.int64),
            "history": weft.io.RaggedFeature(weft.int64),
            "word": weft.io.FixedLenFeature([], weft.string),
            "score": weft.io.VarLenFeature(weft.float32),
        }
    )
    again = write_tfrecords(parsed.batch(3), tmp_path / "h")
    assert (tmp_path / "h").read_bytes() == (tmp_path / "g").read_bytes()
    assert again == [str(tmp_path / "h")]
    assert rows(write_tfrecords([], tmp_path / "nothing")) == []


def test_nothing_is_seen_of_a_failure(tmp_path):
    def batches():
        yield COLUMNS
        raise RuntimeError("stop")

    with TFRecordWriter(tmp_path / "f-00000-of-00002") as writer:
        writer.write(b"before")
    with pytest.raises(RuntimeError, match="stop"):
        write_tfrecords(batches(), tmp_path / "f", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["f-00000-of-00002"]
    assert list(TFRecordDataset(tmp_path / "f-00000-of-00002")) == [b"before"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (3, TypeError),
        ("text", TypeError),
        (["text"], TypeError),
        ([3], TypeError),
        ({"a": [1], "b": [1, 2]}, ValueError),
        ({"a": None}, TypeError),
        ({}, ValueError),
        ([COLUMNS, {}], ValueError),
    ],
)
def test_what_is_no_data(tmp_path, data, error):
    with pytest.raises(error):
        write_tfrecords(data, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_arguments(tmp_path):
    for wrong in (0, -1, 100_000):
        with pytest.raises(ValueError, match="num_shards"):
            write_tfrecords(COLUMNS, tmp_path / "f", wrong)
    for wrong in ("2", 2.0, True):
        with pytest.raises(TypeError, match="num_shards"):
            write_tfrecords(COLUMNS, tmp_path / "f", wrong)
    paths = write_tfrecords(COLUMNS, tmp_path / "f", np.int64(2))
    assert paths == [f"{tmp_path}/f-{i:05d}-of-00002" for i in range(2)]
    with pytest.raises(FileNotFoundError):
        write_tfrecords(COLUMNS, tmp_path / "no" / "folder")


def test_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS, index=[f"row {i}" for i in range(10)])
    assert same(rows(write_tfrecords(frame, tmp_path / "f")), expected())


def test_arrow(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table(COLUMNS)
    reader = arrow.RecordBatchReader.from_batches(table.schema, table.to_batches(3))
    for data in (table, table.to_batches()[0], reader, table.slice(0, 10).to_batches(4)):
        assert same(rows(write_tfrecords(data, tmp_path / "f")), expected())
