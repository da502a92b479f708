"""The benchmarks' own arithmetic, and that the published page is what its JSON says."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import weft

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import inputs  # noqa: E402
import report  # noqa: E402
from wire import read_records  # noqa: E402

CONFIG = inputs.load_workloads()
SMALL = {
    "name": "small",
    "kind": "parse",
    "records": 5,
    "batch": 2,
    "seed": 1,
    "order": "random",
    "features": [
        {
            "name": "i",
            "count": 1,
            "dtype": "int64",
            "lengths": {"low": 1, "mean": 2, "high": 4},
            "below": 300,
        },
        {"name": "f", "count": 2, "dtype": "float"},
        {"name": "s", "count": 1, "dtype": "string", "bytes": [3, 5]},
    ],
}


def results(weft_seconds, peer_seconds):
    return {
        "items": 100,
        "threads": {
            "1": {
                "peers": {
                    "weft": {"a": {"items": None, "seconds": weft_seconds}},
                    "tf2.15": {"slow": {"items": 50, "seconds": peer_seconds}},
                    "tf2.21": {"fast": {"items": None, "seconds": peer_seconds}},
                }
            }
        },
    }


def test_ratios_are_of_the_same_round_and_the_fastest_way():
    found = report.timings(results([1.0, 2.0, 4.0], [8.0, 8.0, 40.0]), 1)
    best = report.best(found, "tensorflow")
    assert best.variant == "fast"
    ratios = report.ratios(report.best(found, "weft"), best)
    assert ratios.tolist() == [8.0, 4.0, 10.0]
    assert report.best(found, "best") == best
    assert report.best(found, "torch") is None


@pytest.mark.parametrize(("ratio", "reached"), [(8.0, "whole"), (4.0, "half"), (3.9, "**no**")])
def test_half_of_a_target(ratio, reached):
    assert report.verdict(ratio, {"ratio": 8}) == ("8x", reached)


def test_the_page_lists_what_falls_short_and_what_bounds_it():
    def config(ratio):
        targets = [{"against": "tensorflow", "ratio": ratio}, {"against": "best"}]
        return {"workloads": {"w": {"title": "a", "targets": targets}}, "bounds": {"w": "memory"}}

    found = {"workloads": {"w": results([1.0], [8.0])}}
    assert report.shortfalls(found, config(9)) == [["a", "1", "8.0x of 9x", "memory"]]
    assert report.shortfalls(found, config(8)) == []


@pytest.mark.parametrize("name", CONFIG["workloads"])
def test_workloads_are_complete(name):
    workload = CONFIG["workloads"][name]
    assert workload["kind"] in {*inputs.MAKERS, *inputs.COPIERS}
    assert workload["unit"] in report.UNITS
    assert {target["against"] for target in workload["targets"]} <= {"tensorflow", "best"}


def test_the_records_made_by_hand_are_records_of_examples(tmp_path):
    inputs.make("small", {"small": SMALL}, tmp_path)
    folder = inputs.folder(SMALL, tmp_path)
    records = list(weft.io.TFRecordDataset(str(folder / "records.tfrecord")))
    assert records == read_records(folder / "records.tfrecord")
    spec = {
        "i_0": weft.io.VarLenFeature(weft.int64),
        "f_1": weft.io.FixedLenFeature((), weft.float32),
        "s_0": weft.io.FixedLenFeature((), weft.string),
    }
    parsed = weft.io.parse_example(records, spec)
    assert np.asarray(parsed["f_1"]).shape == (5,)
    assert all(3 <= len(s) <= 5 for s in np.asarray(parsed["s_0"], dtype=object))
    again = inputs.make("small", {"small": SMALL}, tmp_path / "again")
    assert (again / "records.tfrecord").read_bytes() == (folder / "records.tfrecord").read_bytes()


def test_the_page_is_what_the_measurements_say():
    measured = ROOT / "docs" / "benchmarks.json"
    if not measured.exists():
        pytest.skip("no measurements yet")
    results = json.loads(measured.read_text())
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert page == report.markdown(results, CONFIG)
    readme = (ROOT / "README.md").read_text()
    assert readme == report.with_table(readme, results, CONFIG)
