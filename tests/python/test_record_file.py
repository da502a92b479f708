"""weft.io.RecordFile, build_index and `weft index`."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import weft
from weft.io import RecordFile, TFRecordDataset, TFRecordWriter, build_index


@pytest.fixture
def path(tmp_path) -> Path:
    with TFRecordWriter(tmp_path / "a") as writer:
        for i in range(1000):
            writer.write(b"%d" % i * (i % 50))
    return tmp_path / "a"


def record(i: int) -> bytes:
    return b"%d" % i * (i % 50)


def test_access(path):
    for indexed in (False, True):
        if indexed:
            assert build_index(path) == f"{path}.idx"
        records = RecordFile(path)
        assert len(records) == 1000
        assert records[7] == record(7) and records[-1] == record(999)
        assert records[np.int64(3)] == record(3)
        assert records[10:13] == [record(i) for i in (10, 11, 12)]
        assert records[::-100] == [record(i) for i in range(999, -1, -100)]
        assert records[5:5] == []
        assert list(records) == list(TFRecordDataset(path))
        assert repr(records) == f"<weft.io.RecordFile '{path}' of 1000 records>"
        assert pickle.loads(pickle.dumps(records))[42] == record(42)
        for wrong in (1000, -1001):
            with pytest.raises(IndexError):
                records[wrong]
        for wrong in ("a", 1.0, None):
            with pytest.raises(TypeError):
                records[wrong]


def test_feeds_parse_example(tmp_path):
    with TFRecordWriter(tmp_path / "e") as writer:
        for i in range(9):
            writer.write(weft.io.encode_example({"i": [i]}))
    records = RecordFile(tmp_path / "e")
    parsed = weft.io.parse_example(records[2:5], {"i": weft.io.FixedLenFeature([], weft.int64)})
    assert parsed["i"].tolist() == [2, 3, 4]


def test_the_index_of_dali(path, tmp_path):
    lines, at = [], 0
    for i in range(1000):
        lines.append(f"{at} {len(record(i)) + 16}\n")
        at += len(record(i)) + 16
    (tmp_path / "text").write_text("".join(lines))
    assert RecordFile(path, tmp_path / "text")[500:502] == [record(500), record(501)]
    (tmp_path / "short").write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match="make it anew"):
        RecordFile(path, tmp_path / "short")


def test_stale_and_wrong(path, tmp_path):
    index = build_index(path, tmp_path / "elsewhere")
    assert index == str(tmp_path / "elsewhere")
    assert len(RecordFile(path, index)) == 1000
    os.utime(path, (1, 1))
    with pytest.raises(ValueError, match="written since"):
        RecordFile(path, index)
    (tmp_path / "a.idx").write_bytes(b"no index")
    with pytest.raises(weft.CorruptDataError, match="no index"):
        RecordFile(path)
    with pytest.raises(FileNotFoundError):
        RecordFile(tmp_path / "missing")
    with TFRecordWriter(tmp_path / "gz", "GZIP") as writer:
        writer.write(b"x")
    for use in (build_index, RecordFile):
        with pytest.raises(ValueError, match="compressed"):
            use(tmp_path / "gz")
        with pytest.raises(TypeError):
            use(3)


def test_damage(path):
    records = RecordFile(path)
    data = bytearray(path.read_bytes())
    data[16 + 12] ^= 1  # of record 1
    path.write_bytes(data)
    assert records[2] == record(2)
    with pytest.raises(weft.CorruptDataError) as info:
        records[1]
    assert (info.value.file, info.value.record, info.value.offset) == (str(path), 1, 16)
    with pytest.raises(weft.CorruptDataError):
        build_index(path)


def test_threads(path):
    records, wrong = RecordFile(path), []

    def work(seed: int) -> None:
        for i in np.random.default_rng(seed).integers(0, 1000, 2000):
            if records[i] != record(int(i)):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
