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


def test_a_sequence_example(tmp_path):
    # context {"a": int64 [5]}, feature_lists {"steps": [[1], []]}: bytes as protobuf writes them.
    feature = b"\x1a\x03\x0a\x01\x05"
    entry = b"\x0a\x01a\x12" + bytes([len(feature)]) + feature
    context = b"\x0a" + bytes([len(entry)]) + entry
    steps = b"\x0a\x05\x1a\x03\x0a\x01\x01" + b"\x0a\x02\x1a\x00"
    entry = b"\x0a\x05steps\x12" + bytes([len(steps)]) + steps
    lists = b"\x0a" + bytes([len(entry)]) + entry
    record = b"\x0a" + bytes([len(context)]) + context + b"\x12" + bytes([len(lists)]) + lists
    path = tmp_path / "s.tfrecord"
    with io.TFRecordWriter(str(path)) as writer:
        writer.write(record)
    [line] = run("head", path, "--json").output.splitlines()
    assert json.loads(line)["features"] == {"a": [5], "steps": [[1], []]}
    assert run("check", path).exit_code == 0


def test_module():
    done = subprocess.run(
        [sys.executable, "-m", "weft", "config"], capture_output=True, text=True, check=True
    )
    assert weft.__version__ in done.stdout
