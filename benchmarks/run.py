#!/usr/bin/env python3
"""Measures weft against TensorFlow, torch and protobuf: a process each, interleaved round by round.

    .venv/bench/bin/python benchmarks/run.py [--workloads NAME ...] [--peers NAME ...] [--rounds N]

Before a workload is timed, the peers' results are compared. A full run writes docs/benchmarks.json
and docs/benchmarks.md; a run of some workloads or peers only prints its table unless --out names a
folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import inputs
import machine
import numpy as np
import peers
import report
import startup

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TOLERANCE = 1e-5  # of the largest magnitude, for floats; everything else is equal or wrong


class Peer:
    """A worker process and the pipe to it."""

    def __init__(self, name: str, python: Path, threads: int, cache: Path):
        self.name = name
        command = [str(python), str(HERE / "worker.py"), name, str(threads), str(cache)]
        log = open(cache / f"{name}-{threads}.log", "w")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = (
            json.loads(line) if line else {"error": f"the process ended ({self.process.wait()})"}
        )
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}\n{answer.get('traceback', '')}")
        return answer

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def largest_difference(found: Path, reference: Path, first_rows_only: bool) -> float:
    """0 where all is equal; for floats relative to the largest magnitude. ValueError otherwise."""
    with np.load(found) as a, np.load(reference) as b:
        if sorted(a) != sorted(b):
            raise ValueError(f"has {sorted(a)}, not {sorted(b)}")
        worst = 0.0
        for key in b:
            x, y = a[key], b[key]
            if first_rows_only:
                rows = min(len(x), len(y))
                x, y = x[:rows], y[:rows]
            if x.shape != y.shape:
                raise ValueError(f"{key}: shape {x.shape}, not {y.shape}")
            if y.dtype.kind == "f":
                worst = max(
                    worst,
                    float(np.abs(x - y).max(initial=0) / max(np.abs(y).max(initial=0), 1e-30)),
                )
            elif not np.array_equal(x, y):
                raise ValueError(f"{key}: {int((x != y).sum())} of {y.size} values differ")
        return worst


def check_agreement(variants: dict[tuple[str, str], dict[str, Any]]) -> float:
    """Compares all with the first that is not weft's; returns the largest difference."""
    order = sorted(variants, key=lambda key: (key[0] == "weft", variants[key]["items"] is not None))
    reference, worst = order[0], 0.0
    for key in order[1:]:
        partial = variants[key]["items"] is not None or variants[reference]["items"] is not None
        try:
            difference = largest_difference(
                variants[key]["results"], variants[reference]["results"], partial
            )
        except ValueError as error:
            raise RuntimeError(
                f"{' / '.join(key)} disagrees with {' / '.join(reference)}: {error}"
            ) from None
        if difference > TOLERANCE:
            raise RuntimeError(
                f"{' / '.join(key)} is {difference:.1e} from {' / '.join(reference)}"
            )
        worst = max(worst, difference)
    return worst


def measure_workload(
    name: str, open_peers: list[Peer], rounds: int, seconds: float
) -> dict[str, Any]:
    """Prepares, compares and times one workload; each round asks each variant once."""
    variants, measured = {}, {}
    for peer in open_peers:
        for variant, answer in peer.ask(do="prepare", workload=name)["variants"].items():
            variants[peer.name, variant] = answer
            measured[peer.name, variant] = []
    difference = check_agreement(variants)
    by_name = {peer.name: peer for peer in open_peers}
    order = list(variants)
    for turn in range(rounds + 1):
        for key in order[turn % len(order) :] + order[: turn % len(order)]:
            answer = by_name[key[0]].ask(do="measure", variant=key[1], seconds=seconds)
            if turn:  # the first round only warms up
                measured[key].append(float(f"{answer['seconds']:.4g}"))
    found: dict[str, Any] = {}
    for (peer, variant), times in measured.items():
        found.setdefault(peer, {})[variant] = {
            "items": variants[peer, variant]["items"],
            "seconds": times,
        }
    return {"largest_difference": difference, "peers": found}


def run(options: argparse.Namespace, config: dict[str, Any]) -> dict[str, Any]:
    """All workloads at all numbers of threads."""
    results: dict[str, Any] = {"versions": {}, "installed": {}, "workloads": {}, "failures": []}
    for threads in options.threads:
        open_peers = [
            Peer(name, options.python[name], threads, options.cache) for name in options.peers
        ]
        for peer in open_peers:
            answer = peer.ask(do="versions")
            results["versions"][peer.name] = answer["versions"]
            results["installed"][peer.name] = answer["installed_megabytes"]
        for name in options.workloads:
            workload = config["workloads"][name]
            path = inputs.make(name, config["workloads"], options.cache)
            entry = results["workloads"].setdefault(
                name, {"items": inputs.items(workload, path), "threads": {}}
            )
            try:
                entry["threads"][str(threads)] = measure_workload(
                    name, open_peers, options.rounds, options.seconds
                )
            except RuntimeError as error:
                results["failures"].append(f"{name}, {threads} thread(s): {error}".strip())
            print(report.line(name, workload, entry, threads, results["failures"]), flush=True)
        for peer in open_peers:
            peer.close()
    return results


def python_of(name: str) -> Path:
    return ROOT / ".venv" / peers.ENVIRONMENTS[name] / "bin" / "python"


def shown(words: list[str]) -> list[str]:
    """The command line without the paths of one machine."""
    kept, skip = [], False
    for word in words:
        if word.startswith("--"):
            skip = word.split("=")[0] in ("--python", "--cache", "--out")
        if not skip:
            kept.append(word)
    return kept


def arguments(config: dict[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(config["workloads"])
    parser.add_argument(
        "--workloads", nargs="+", metavar="NAME", choices=[*names, "startup"], help=", ".join(names)
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        metavar="NAME",
        choices=list(peers.MODULES),
        default=list(peers.MODULES),
    )
    parser.add_argument(
        "--rounds", type=int, default=11, help="rounds that count, after one to warm up (11)"
    )
    parser.add_argument(
        "--seconds", type=float, default=0.2, help="time for each measurement (0.2)"
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--out", type=Path, help="folder of benchmarks.json and benchmarks.md (docs for a full run)"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "build" / "bench", help="folder of the inputs"
    )
    parser.add_argument(
        "--python", nargs="+", default=[], metavar="PEER=PATH", help="another Python for a peer"
    )
    options = parser.parse_args()
    options.command = shlex.join(["benchmarks/run.py", *shown(sys.argv[1:])])
    whole = options.workloads is None and set(options.peers) == set(peers.MODULES)
    options.startup = options.workloads is None or "startup" in options.workloads
    options.workloads = [name for name in options.workloads or names if name != "startup"]
    options.out = options.out or (ROOT / "docs" if whole else None)
    chosen = dict(item.split("=", 1) for item in options.python)
    options.python = {name: Path(chosen.get(name, python_of(name))) for name in options.peers}
    missing = [f"{name} ({path})" for name, path in options.python.items() if not path.exists()]
    if missing:
        parser.error(f"no environment for {', '.join(missing)}: `make bench` makes them")
    options.cache.mkdir(parents=True, exist_ok=True)
    return options


def main() -> int:
    config = inputs.load_workloads()
    options = arguments(config)
    begun = time.time()
    before = machine.facts()
    results = run(options, config)
    if options.startup:
        path = inputs.make(config["startup"]["workload"], config["workloads"], options.cache)
        results["startup"] = startup.measure(options.python, path, options.rounds)
    results |= {
        "machine": before,
        "date": time.strftime("%Y-%m-%d"),
        "minutes": round((time.time() - begun) / 60, 1),
        "command": options.command,
        "rounds": options.rounds,
        "seconds": options.seconds,
    }
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "benchmarks.json").write_text(report.dumps(results))
        report.write(options.out, results, config)
    else:
        print("\n" + report.markdown(results, config))
    for failure in results["failures"]:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if results["failures"] else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
