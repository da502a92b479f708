"""The command line: what it prints, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import weft
from weft import io

pytest.importorskip("typer")

from typer.testing import CliRunner  # noqa: E402
from weft.cli.app import app  # noqa: E402


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.tfrecord"
    with io.TFRecordWriter(str(path)) as writer:
        for record in io.encode_examples(
            {"ids": [[1, 2, 3], [-4]], "score": [[0.5], [2.0]], "word": [["\u00fc"], [b"\xff"]]}
        ):
            writer.write(record)
    return path


def test_config():
    assert weft.__version__ in run("config").output
    assert json.loads(run("config", "--json").output)["version"] == weft.__version__


def test_head(file):
    lines = [json.loads(line) for line in run("head", file, "--json").output.splitlines()]
    assert lines[0] == {
        "file": str(file),
        "record": 0,
        "features": {"ids": [1, 2, 3], "score": [0.5], "word": ["\u00fc"]},
    }
    assert lines[1]["features"]["ids"] == [-4]
    assert lines[1]["features"]["word"] == ["\\xff"]
    assert len(run("head", file, "--json", "-n", 1).output.splitlines()) == 1
    shown = run("head", file).output
    for word in ("ids", "int64", "1, 2, 3", "record 1"):
        assert word in shown


def test_check(file, tmp_path):
    result = run("check", file)
    assert result.exit_code == 0
    assert "2 records" in result.output
    data = bytearray(file.read_bytes())
    data[20] ^= 1
    damaged = tmp_path / "b.tfrecord"
    damaged.write_bytes(data)
    result = run("check", damaged, file, "--json")
    assert result.exit_code == 1
    bad, good = (json.loads(line) for line in result.output.splitlines())
    assert (bad["records"], len(bad["errors"])) == (1, 1)
    assert "record 0" in bad["errors"][0]
    assert (good["records"], good["errors"]) == (2, [])
    assert run("check", tmp_path / "missing").exit_code == 1


def test_check_finds_records_unlike_the_first(tmp_path):
    path = tmp_path / "c.tfrecord"
    with io.TFRecordWriter(str(path)) as writer:
        writer.write(io.encode_example({"ids": [1]}))
        writer.write(io.encode_example({"ids": [1.5]}))
    result = run("check", path)
    assert result.exit_code == 1
    assert "ids" in result.output


# Each is a legal Example with field 1 of the message `features`, except what the name says.
def entry(key: bytes, feature: bytes) -> bytes:
    field = b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(feature)]) + feature
    return b"\x0a" + bytes([len(field)]) + field


def record_of(features: bytes) -> bytes:
    return b"\x0a" + bytes([len(features)]) + features


def written(tmp_path, *records):
    path = tmp_path / "r.tfrecord"
    with io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (record_of(entry(b"x", b"\x12\x08\x0a\x06" + bytes(6))), "no multiple of 4"),
        (record_of(b"\x0a\x03\x08\x01\x0f"), "byte"),
        (b"\xff", "byte"),
    ],
)
def test_records_that_are_no_example(tmp_path, record, words):
    path = written(tmp_path, record)
    result = run("check", path, "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert words in found["errors"][0], found
    assert (found["records"], found["features"]) == (1, [])
    done = subprocess.run(
        [sys.executable, "-m", "weft", "head", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("weft: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_records_as_protobuf_reads_them(tmp_path):
    group = b"\x1b\x08\x01\x1c"  # an unknown field
    twice = entry(b"x", b"\x1a\x03\x0a\x01\x01")[2:] + b"\x12\x05\x1a\x03\x0a\x01\x02"
    merged = record_of(b"\x0a" + bytes([len(twice)]) + twice)
    fixed = record_of(entry(b"x", b"\x1a\x08\x0a\x01\x07\x25" + bytes(4)))
    path = written(tmp_path, b"", merged + group, fixed)
    result = run("head", path, "--json")
    assert [json.loads(line)["features"] for line in result.output.splitlines()] == [
        {},
        {"x": [1, 2]},
        {"x": [7]},
    ]
    found = json.loads(run("check", path, "--json").output)
    assert (found["records"], found["features"], found["errors"]) == (3, ["x"], [])


def test_errors_are_one_line(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "weft", "head", str(path)], capture_output=True, text=True
        )
        assert done.returncode == 1
        assert done.stderr.startswith("weft: ")
        assert done.stderr.count("\n") == 1


def test_module():
    done = subprocess.run(
        [sys.executable, "-m", "weft", "config"], capture_output=True, text=True, check=True
    )
    assert weft.__version__ in done.stdout


@pytest.fixture
def sequence_file(tmp_path):
    path = tmp_path / "s.tfrecord"
    with io.TFRecordWriter(str(path)) as writer:
        for ids in ([[1], [2, 3], []], [[4]]):
            writer.write(io.encode_sequence_example({"user": [7]}, {"ids": ids}))
    return path


def test_head_of_sequence_examples(sequence_file):
    lines = [json.loads(line) for line in run("head", sequence_file, "--json").output.splitlines()]
    assert lines[0]["features"] == {"user": [7]}
    assert lines[0]["feature_lists"] == {"ids": [[1], [2, 3], []]}
    shown = run("head", sequence_file).output
    for word in ("ids", "int64", "3 in 3 steps", "[2, 3]"):
        assert word in shown


def test_check_of_sequence_examples(sequence_file):
    result = run("check", sequence_file)
    assert result.exit_code == 0
    assert "2 records" in result.output
    assert "1 feature lists" in result.output
    with io.TFRecordWriter(str(sequence_file)) as writer:
        writer.write(io.encode_sequence_example({}, {"ids": [[1]]}))
        writer.write(io.encode_sequence_example({}, {"ids": [["text"]]}))
    result = run("check", sequence_file)
    assert result.exit_code == 1
    assert "step 0" in result.output


def test_index(file, tmp_path):
    result = run("index", file, "--json")
    assert json.loads(result.output) == {
        "file": str(file),
        "index": f"{file}.idx",
        "records": 2,
    }
    assert len(io.RecordFile(file, f"{file}.idx")) == 2
    assert "2 records" in run("index", file).output
    with io.TFRecordWriter(tmp_path / "gz", "GZIP") as writer:
        writer.write(b"x")
    assert run("index", tmp_path / "gz", file).exit_code == 1


def test_check_of_vocabulary_tables(file, tmp_path):
    weft.vocabulary.build([["a", "b", "a"]]).save(tmp_path / "words")
    result = run("check", tmp_path / "words", file)
    assert result.exit_code == 0
    size = (tmp_path / "words").stat().st_size
    first, second = result.output.splitlines()
    words = f"vocabulary table, version 1: 2 entries, string, {size:,} bytes, with counts"
    assert first == f"{tmp_path / 'words'}: {words}"
    assert "2 records" in second
    assert words in run("vocab", "check", tmp_path / "words").output
    data = (tmp_path / "words").read_bytes()
    for place, words in (
        (8, "checksum of its header"),
        (200, "checksum of its contents"),
        (None, "it has "),
        (-1, "ends inside its header"),
    ):
        damaged = bytearray(data + b"x") if place is None else bytearray(data)
        if place == -1:
            del damaged[100:]
        elif place is not None:
            damaged[place] ^= 1
        (tmp_path / "damaged").write_bytes(damaged)
        result = run("check", tmp_path / "damaged")
        assert result.exit_code == 1
        assert result.output.startswith(f"{tmp_path / 'damaged'}: vocabulary with errors\n")
        assert words in result.output
        found = json.loads(run("check", "--json", tmp_path / "damaged").output)
        assert (found["kind"], found["entries"], len(found["errors"])) == ("vocabulary", None, 1)


def test_check_of_indexes(file, tmp_path):
    index = weft.io.build_index(file)
    assert run("check", index).output == f"{index}: index of 2 records\n"
    (tmp_path / "elsewhere").write_bytes((tmp_path / "a.tfrecord.idx").read_bytes())
    result = run("check", tmp_path / "elsewhere")
    assert result.exit_code == 1
    assert "must be called FILE.idx" in result.output
    data = bytearray(file.read_bytes())
    data[-6] ^= 1
    with open(file, "r+b") as opened:
        opened.write(data)
    weft_error = run("check", index)
    assert weft_error.exit_code == 1
    assert "another" in weft_error.output or "checksum" in weft_error.output
    file.unlink()
    assert run("check", index).exit_code == 1
