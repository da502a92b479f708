"""weft.io.TFRecordWriter, and one file through TFRecordDataset."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest
import weft
from weft.io import TFRecordDataset, TFRecordOptions, TFRecordWriter

RECORDS = [b"", b"first", bytes(1000), b"last"]


def write(path: Path, records: list[bytes], options: object = None) -> Path:
    with TFRecordWriter(path, options) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.parametrize(
    ("options", "inflate"),
    [
        (None, bytes),
        ("", bytes),
        ("GZIP", gzip.decompress),
        ("ZLIB", zlib.decompress),
        (TFRecordOptions(), bytes),
        (TFRecordOptions("GZIP", compression_level=1), gzip.decompress),
    ],
)
def test_writes_and_reads(tmp_path, options, inflate):
    plain = write(tmp_path / "plain", RECORDS).read_bytes()
    path = write(tmp_path / "file", RECORDS, options)
    assert inflate(path.read_bytes()) == plain
    assert list(TFRecordDataset(path)) == RECORDS


def test_takes_what_is_bytes(tmp_path):
    with TFRecordWriter(str(tmp_path / "f")) as writer:
        for record in (b"a", bytearray(b"b"), memoryview(b"c"), "d"):
            writer.write(record)
        with pytest.raises(weft.errors.WrongTypeError):
            writer.write(3)
        assert writer.counters() == {"records": 4, "bytes": 4}
    assert list(TFRecordDataset(os.fsencode(tmp_path / "f"))) == [b"a", b"b", b"c", b"d"]


def test_a_file_is_seen_when_it_is_whole(tmp_path):
    path = tmp_path / "f"
    writer = TFRecordWriter(path)
    writer.write(b"x")
    writer.flush()
    assert os.listdir(tmp_path) == []
    writer.close()
    writer.close()
    assert os.listdir(tmp_path) == ["f"]
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"y")
    with pytest.raises(RuntimeError), TFRecordWriter(path) as again:
        again.write(b"z")
        raise RuntimeError
    assert list(TFRecordDataset(path)) == [b"x"]
    assert os.listdir(tmp_path) == ["f"]


def test_a_writer_that_is_not_closed_warns(tmp_path):
    writer = TFRecordWriter(tmp_path / "f")
    with pytest.warns(UserWarning, match="not closed"):
        del writer
    assert os.listdir(tmp_path) == []


def test_a_killed_writer_leaves_nothing(tmp_path):
    code = (
        "import os, sys, weft\n"
        "w = weft.io.TFRecordWriter(sys.argv[1])\n"
        "for _ in range(10000): w.write(bytes(100))\n"
        "w.flush()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "f")], check=False)
    assert run.returncode == -9
    assert [name for name in os.listdir(tmp_path) if not name.startswith(".")] == []


def test_writer_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        TFRecordWriter(tmp_path / "no" / "f")
    with pytest.raises(ValueError, match="folder"):
        TFRecordWriter(tmp_path)
    with pytest.raises(ValueError, match='"gzip"'):
        TFRecordWriter(tmp_path / "f", "gzip")
    with pytest.raises(ValueError, match="level"):
        TFRecordWriter(tmp_path / "f", TFRecordOptions("GZIP", compression_level=11))
    with pytest.raises(TypeError):
        TFRecordWriter(3)


def test_one_writer_and_many_threads(tmp_path):
    with TFRecordWriter(tmp_path / "f", "GZIP") as writer:

        def work(name: bytes) -> None:
            for _ in range(500):
                writer.write(name * 50)

        threads = [threading.Thread(target=work, args=(bytes([65 + i]),)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(TFRecordDataset(tmp_path / "f")) == sorted(
        bytes([65 + i]) * 50 for i in range(4) for _ in range(500)
    )


def damaged(tmp_path: Path, at: int) -> Path:
    path = write(tmp_path / "damaged", [b"one", b"two", b"three"])
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    return path


def test_damage_says_where(tmp_path):
    path = damaged(tmp_path, 19 + 12)
    got = []
    with pytest.raises(weft.CorruptDataError, match="checksum") as info:
        for record in TFRecordDataset(path):
            got.append(record)
    assert got == [b"one"]
    assert (info.value.file, info.value.record, info.value.offset) == (str(path), 1, 19)


@pytest.mark.parametrize(("at", "lost"), [(19 + 12, 19), (19, 19), (19 + 8, 19)])
def test_damage_is_skipped_and_counted(tmp_path, at, lost):
    path = damaged(tmp_path, at)
    dataset = TFRecordDataset(path, on_error="skip")
    assert list(dataset) == [b"one", b"three"]
    assert dataset.counters() == {"records": 2, "bytes": 8, "skipped": 1, "skipped_bytes": lost}
    errors: list[Exception] = []
    assert list(TFRecordDataset(path, on_error=errors.append)) == [b"one", b"three"]
    assert [(type(e), e.record) for e in errors] == [(weft.CorruptDataError, 1)]


def test_what_on_error_raises_is_raised(tmp_path):
    def give_up(error: Exception) -> None:
        raise KeyError(error.record)

    with pytest.raises(KeyError, match="1"):
        list(TFRecordDataset(damaged(tmp_path, 31), on_error=give_up))


def test_verify_crc(tmp_path):
    assert list(TFRecordDataset(damaged(tmp_path, 31), verify_crc=False))[1] != b"two"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        (b"PAR1\x15\x00\x15\x00", "Parquet"),
        (b"a,b\n1,2\n", "text"),
        (gzip.compress(gzip.compress(b"x")), "gzip"),
    ],
)
def test_other_files_are_named(tmp_path, data, kind):
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(weft.CorruptDataError, match=kind):
        list(TFRecordDataset(tmp_path / "f"))


def test_paths_that_no_file_can_have(tmp_path):
    kept = write(tmp_path / "a", [b"important"])
    for use in (TFRecordWriter, lambda path: list(TFRecordDataset(path))):
        with pytest.raises(ValueError, match="NUL"):
            use(f"{kept}\0b")
        with pytest.raises(ValueError, match="empty"):
            use("")
    assert list(TFRecordDataset(kept)) == [b"important"]
    with pytest.raises(OSError, match="name too long"):
        TFRecordWriter(tmp_path / ("c" * 256))
    longest = write(tmp_path / ("c" * 255), RECORDS)
    assert list(TFRecordDataset(longest)) == RECORDS


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = write(tmp_path / "f", [b"old"])
    path.chmod(0o640)
    write(path, [b"new"])
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(TFRecordDataset(path)) == [b"new"]


def test_an_exception_ends_the_writing(tmp_path):
    with pytest.raises(KeyError, match="mine"), TFRecordWriter(tmp_path / "f") as writer:
        try:
            writer.write(b"x")
            raise KeyError("mine")
        finally:
            outer = writer
    assert os.listdir(tmp_path) == []
    outer.close()
    with pytest.raises(ValueError, match="closed"):
        outer.write(b"y")
    assert os.listdir(tmp_path) == []


def test_options():
    assert TFRecordOptions("ZLIB", None, None, None, None, 3).compression_level == 3
    with pytest.raises(TypeError, match="compression_levels"):
        TFRecordOptions("GZIP", compression_levels=3)


@pytest.mark.parametrize("level", ["a", 2.5, 10, 2**70])
def test_levels_that_cannot_be(tmp_path, level):
    with pytest.raises((ValueError, TypeError), match="level"):
        TFRecordWriter(tmp_path / "f", TFRecordOptions("GZIP", compression_level=level))


@pytest.mark.parametrize(
    ("head", "compression", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "GZIP", "a Git LFS pointer"),
        (b"PAR1" + bytes(60), "ZLIB", "a Parquet file, not zlib data"),
        (b"just some text", "GZIP", "a text file, not gzip data"),
        (gzip.compress(b"x" * 100), "ZLIB", "gzip data, not zlib data .without a compression"),
        (zlib.compress(b"x" * 100), "GZIP", "zlib data, not gzip data .without a compression"),
    ],
)
def test_a_compression_that_cannot_be(tmp_path, head, compression, words):
    path = tmp_path / "f"
    path.write_bytes(head)
    with pytest.raises(weft.CorruptDataError, match=words):
        list(TFRecordDataset(path, compression))


def test_zlib_of_any_window(tmp_path):
    plain = write(tmp_path / "plain", RECORDS).read_bytes()
    for window in range(9, 16):
        deflate = zlib.compressobj(wbits=window)
        path = tmp_path / "f"
        path.write_bytes(deflate.compress(plain) + deflate.flush())
        assert list(TFRecordDataset(path)) == RECORDS


def test_a_signal_while_a_pipe_has_no_writer(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    plain = write(tmp_path / "plain", RECORDS).read_bytes()
    late = threading.Timer(0.3, path.write_bytes, [plain])
    late.start()
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        assert list(TFRecordDataset(path)) == RECORDS
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        late.join()


def test_limits(tmp_path):
    path = write(tmp_path / "f", RECORDS)
    with pytest.raises(weft.LimitExceededError, match="max_record_bytes"):
        list(TFRecordDataset(path, limits=weft.Limits(max_record_bytes=999)))
    assert list(TFRecordDataset(path, limits=weft.Limits(max_record_bytes=1000))) == RECORDS
    with pytest.raises(TypeError, match="'limits' must be a weft.Limits"):
        TFRecordDataset(path, limits=3)


@pytest.mark.parametrize("level", [99, -2, 10**30])
def test_a_compression_level_out_of_range(level):
    with pytest.raises(ValueError, match=f"`compression_level` must be 0 to 9, got {level}"):
        weft.io.TFRecordOptions("GZIP", compression_level=level)


@pytest.mark.parametrize("level", ["9", 2.5, True])
def test_a_compression_level_is_an_integer(level):
    with pytest.raises(weft.WrongTypeError, match="`compression_level` must be an integer"):
        weft.io.TFRecordOptions("GZIP", compression_level=level)


@pytest.mark.parametrize("verify", [None, 0, "no"])
def test_verify_crc_is_true_or_false(tmp_path, verify):
    path = tmp_path / "a.tfrecord"
    with weft.io.TFRecordWriter(path) as writer:
        writer.write(b"a")
    for reader in (weft.io.TFRecordDataset, weft.io.RecordFile):
        with pytest.raises(weft.WrongTypeError, match="`verify_crc` must be True or False"):
            reader(path, verify_crc=verify)
