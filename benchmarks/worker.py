"""One peer in one process: answers JSON lines on its standard input until that closes.

    worker.py PEER THREADS CACHE

    {"do": "prepare", "workload": NAME}            makes ready, runs once, saves results to compare
        -> {"variants": {VARIANT: {"items": N, "results": FILE}}}
    {"do": "measure", "variant": V, "seconds": S}  runs V for about S seconds
        -> {"seconds": mean seconds a run, "calls": runs}
    {"do": "versions"} -> {"versions": {...}, "installed_megabytes": {...}}

A peer's modules have one function for each kind of workload it can do; it takes (workload, folder
of inputs) and gives {variant: Case}. Whatever the peer's libraries print goes to standard error.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import inputs  # noqa: E402
import peers  # noqa: E402


class Worker:
    def __init__(self, peer: str, threads: int, cache: Path):
        self.peer, self.threads, self.cache = peer, threads, cache
        self.workloads = inputs.load_workloads()["workloads"]
        self.modules = [importlib.import_module(name) for name in peers.MODULES[peer]]
        self.modules[0].set_threads(threads)
        self.cases: dict[str, peers.Case] = {}
        self.calls: dict[str, float] = {}

    def prepare(self, workload: str) -> dict[str, Any]:
        self.cases, self.calls = {}, {}
        gc.collect()
        numbers = self.workloads[workload]
        path = inputs.make(workload, self.workloads, self.cache)
        kind = numbers["kind"]
        makers = [getattr(module, kind) for module in self.modules if hasattr(module, kind)]
        self.cases = makers[0](numbers, path) if makers else {}
        answer = {}
        for variant, case in self.cases.items():
            results = path / f"result-{self.peer}-{variant.replace(' ', '_')}-{self.threads}.npz"
            peers.save_result(results, case.result())
            start = time.perf_counter()
            case.run()
            self.calls[variant] = time.perf_counter() - start
            answer[variant] = {"items": case.items, "results": str(results)}
        return {"variants": answer}

    def measure(self, variant: str, seconds: float) -> dict[str, Any]:
        run = self.cases[variant].run
        calls = max(1, round(seconds / self.calls[variant]))
        gc.collect()
        gc.disable()
        start = time.perf_counter()
        for _ in range(calls):
            run()
        mean = (time.perf_counter() - start) / calls
        gc.enable()
        self.calls[variant] = mean
        return {"seconds": mean, "calls": calls}

    def versions(self) -> dict[str, Any]:
        return {
            "versions": peers.versions(self.modules[0].DISTRIBUTIONS),
            "installed_megabytes": peers.installed_megabytes(self.modules[0].DISTRIBUTIONS),
        }


def main() -> None:
    peer, threads, cache = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            worker = worker or Worker(peer, threads, cache)
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            answer = {
                "error": f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc(),
            }
        print(json.dumps(answer), file=replies, flush=True)


if __name__ == "__main__":
    main()
