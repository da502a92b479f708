#!/usr/bin/env python3
"""Turns benchmarks.json into benchmarks.md; as a script, when only the form of the page changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import inputs
import numpy as np
import peers

ROOT = Path(__file__).resolve().parent.parent
NAMES = {
    "weft": "weft",
    "tf2.15": "TensorFlow 2.15",
    "tf2.21": "TensorFlow 2.21",
    "torch": "torch",
    "protobuf": "protobuf",
}
FAMILIES = {"tensorflow": "TensorFlow", "torch": "torch", "protobuf": "protobuf"}
# unit -> (seconds for one item -> the figure shown)
UNITS = {
    "us a record": lambda s: s * 1e6,
    "ns an id": lambda s: s * 1e9,
    "us a batch": lambda s: s * 1e6,
    "ns a token": lambda s: s * 1e9,
    "ns a key": lambda s: s * 1e9,
    "ms": lambda s: s * 1e3,
    "ns a value": lambda s: s * 1e9,
    "GB/s": lambda s: 1e-9 / s,
    "MB/s": lambda s: 1e-6 / s,
    "records/s": lambda s: 1 / s,
}

# The workloads that the README shows, on one thread.
README_WORKLOADS = (
    "parse_a",
    "parse_b",
    "parse_c",
    "parse_sequence_example",
    "read_plain",
    "read_gzip",
    "dataset",
    "vocabulary_string_1m",
    "hash_int64",
    "sequence_features_1",
    "rnn_gru_64",
    "rnn_lstm_64",
    "skewed_gru_64",
    "backward_gru_64",
    "backward_lstm_64",
    "training_step_100k",
    "sparse_adam_4m",
    "end_to_end",
)
README_MARKS = ("<!-- benchmarks -->", "<!-- end of benchmarks -->")

HOW = """\
- One process for each peer, asked in turn: {rounds} rounds of {seconds} s for each way to do a
  workload, after one round to warm up. Figures are medians; a peer's fastest way counts, and the
  faster TensorFlow. A ratio is the median over rounds of peer time / weft time, with its 10th and
  90th percentile.
- "Reached" says how much of the target: whole, half, or no. The target of an RNN is against the
  fastest of all peers.
- One thread: the process is bound to one core. Results were compared before anything was timed
  (integers and bytes equal, floats within 1e-5 of the largest magnitude). Machines are noisy: only
  ratios travel.
- Every number of every workload is in [workloads.json](../benchmarks/workloads.json); every
  measurement of this run, with the ways that lost, in [benchmarks.json](benchmarks.json)."""


class Timing(NamedTuple):
    """Seconds for one item, round by round."""

    peer: str
    variant: str
    rounds: np.ndarray

    @property
    def median(self) -> float:
        return float(np.median(self.rounds))


def timings(entry: dict[str, Any], threads: int) -> list[Timing]:
    measured = entry["threads"].get(str(threads), {"peers": {}})["peers"]
    return [
        Timing(peer, variant, np.array(times["seconds"]) / (times["items"] or entry["items"]))
        for peer, variants in measured.items()
        for variant, times in variants.items()
    ]


def best(
    found: list[Timing], family: str | None = None, variant: str | None = None
) -> Timing | None:
    """The fastest timing of a family ('best': of anybody but weft), or of its variant."""
    others = [
        t
        for t in found
        if (peers.FAMILY[t.peer] == family or (family == "best" and t.peer != "weft"))
        and (variant is None or t.variant == variant)
    ]
    return min(others, key=lambda t: t.median, default=None)


def figure(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def shown(timing: Timing | None, unit: str) -> str:
    return figure(UNITS[unit](timing.median)) if timing else ""


def ratios(weft: Timing, peer: Timing) -> np.ndarray:
    """How many times as long the peer took, round by round: both ran at nearly one time."""
    rounds = min(len(weft.rounds), len(peer.rounds))
    return peer.rounds[:rounds] / weft.rounds[:rounds]


def line(
    name: str, workload: dict[str, Any], entry: dict[str, Any], threads: int, failures: list[str]
) -> str:
    """One line for the terminal, as soon as a workload is measured."""
    found = timings(entry, threads)
    if not found:
        return f"{name:22} {threads}  FAILED  {failures[-1].splitlines()[0] if failures else ''}"
    unit = workload["unit"]
    parts = [
        f"{peer} {shown(best([t for t in found if t.peer == peer], peers.FAMILY[peer]), unit)}"
        for peer in dict.fromkeys(t.peer for t in found)
    ]
    weft = best(found, "weft")
    for target in workload["targets"] if weft else []:
        peer = best(found, target["against"], target.get("variant"))
        if peer:
            of = f" of {target['ratio']}x" if "ratio" in target else ""
            parts.append(f"{np.median(ratios(weft, peer)):.1f}x{of}")
    return f"{name:22} {threads}  {unit:11}  " + "  ".join(parts)


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def verdict(ratio: float | None, target: dict[str, Any]) -> tuple[str, str]:
    """(the target, how much of it was reached); nothing for a row that only compares."""
    if "ratio" not in target:
        return "", ""
    reached = ""
    if ratio is not None:
        reached = (
            "whole"
            if ratio >= target["ratio"]
            else "half"
            if ratio >= target["ratio"] / 2
            else "**no**"
        )
    return f"{target['ratio']}x", reached


def workload_rows(
    name: str, workload: dict[str, Any], entry: dict[str, Any], threads: int
) -> list[list[str]]:
    """One row for each target of a workload."""
    found, unit = timings(entry, threads), workload["unit"]
    weft, rows = best(found, "weft"), []
    for target in workload["targets"]:
        against = best(found, target["against"], target.get("variant"))
        title = workload["title"] + (f" ({target['variant']})" if "variant" in target else "")
        cells = [title, unit, shown(weft, unit)]
        for family in FAMILIES:
            variant = target.get("variant") if family == target["against"] else None
            cells.append(shown(best(found, family, variant), unit))
        if weft and against:
            ratio = ratios(weft, against)
            middle = float(np.median(ratio))
            spread = f"{np.percentile(ratio, 10):.1f}-{np.percentile(ratio, 90):.1f}"
            who = f"{NAMES[against.peer]}, {against.variant}"
            cells += [f"**{middle:.1f}x**", spread, who, *verdict(middle, target)]
        else:
            cells += ["", "", "", *verdict(None, target)]
        if threads > 1:
            alone = best(timings(entry, 1), "weft")
            cells.append(f"{alone.median / weft.median:.2f}x" if weft and alone else "")
        rows.append(cells)
    return rows


def workload_table(results: dict[str, Any], config: dict[str, Any], threads: int) -> str:
    header = [
        "workload",
        "unit",
        "weft",
        *FAMILIES.values(),
        "ratio",
        "p10-p90",
        "against",
        "target",
        "reached",
    ]
    if threads > 1:
        header.append("weft, of one thread")
    rows = []
    for name, entry in results["workloads"].items():
        rows += workload_rows(name, config["workloads"][name], entry, threads)
    return table(header, rows)


def shortfalls(results: dict[str, Any], config: dict[str, Any]) -> list[list[str]]:
    """One row for each target that was not reached: what, by how much, and what bounds it."""
    rows = []
    for name, entry in results["workloads"].items():
        workload = config["workloads"][name]
        for threads in map(int, entry["threads"]):
            found = timings(entry, threads)
            weft = best(found, "weft")
            for target in workload["targets"]:
                against = best(found, target["against"], target.get("variant"))
                if not (weft and against and "ratio" in target):
                    continue
                ratio = float(np.median(ratios(weft, against)))
                if ratio < target["ratio"]:
                    reason = config["bounds"].get(name, "")
                    reached = f"{ratio:.1f}x of {target['ratio']}x"
                    rows.append([workload["title"], str(threads), reached, reason])
    return rows


def startup_table(results: dict[str, Any], config: dict[str, Any]) -> str:
    titles = {
        "first_batch_seconds": "start to first batch, seconds",
        "first_batch_megabytes": "start to first batch, peak MB",
        "import_seconds_beyond_numpy": "import after numpy, seconds",
        "installed_megabytes_beyond_numpy": "installed with dependencies, MB beyond numpy",
    }
    found = list(results["startup"])
    rows = []
    for key, target in config["startup"]["targets"].items():
        cells = [titles[key]]
        for peer in found:
            if key.startswith("installed"):
                size = results["installed"][peer]["beyond_numpy"]
                cells.append(figure(size) if size else "")
            elif key not in results["startup"][peer]:
                cells.append("")
            else:
                spread = results["startup"][peer][key]
                cells.append(
                    f"{figure(spread['median'])} ({figure(spread['low'])}-{figure(spread['high'])})"
                )
        rows.append([*cells, f"< {target}"])
    return table(["", *(NAMES[peer] for peer in found), "target"], rows)


def about(results: dict[str, Any]) -> str:
    """The machine, the versions, and how the figures were made."""
    facts = results["machine"]
    versions = "; ".join(
        f"{NAMES[peer]}: " + ", ".join(f"{name} {v}" for name, v in found.items())
        for peer, found in results["versions"].items()
    )
    machine = [
        facts["cpu"] + (", virtual" if facts["virtual"] else ""),
        f"{facts['cores']} cores",
        f"{facts['memory_gb']} GB",
        facts["system"],
        f"kernel {facts['kernel']}",
        " ".join(facts["extensions"]),
        f"load before the run {facts['load_before']}",
    ]
    how = HOW.format(rounds=results["rounds"], seconds=results["seconds"])
    return f"- Machine: {', '.join(machine)}.\n- Versions: {versions}.\n{how}"


def markdown(results: dict[str, Any], config: dict[str, Any]) -> str:
    """The page."""
    parts = [
        "# Benchmarks",
        f"Made by `{results['command']}` on {results['date']} ({results['minutes']} minutes).",
        about(results),
    ]
    counts = sorted({int(t) for entry in results["workloads"].values() for t in entry["threads"]})
    for threads in counts:
        parts += [
            f"## {'One thread' if threads == 1 else f'{threads} threads'}",
            workload_table(results, config, threads),
        ]
    if "startup" in results:
        parts += [
            "## Starting",
            "In parentheses the lowest and highest of all rounds.",
            startup_table(results, config),
        ]
    short = shortfalls(results, config)
    if short:
        parts += [
            "## What falls short",
            "Every target that was not reached, and what bounds it: shares are of `perf record`.",
            table(["workload", "threads", "reached", "what bounds it"], short),
        ]
    if results["failures"]:
        parts += [
            "## Failed",
            "\n".join(f"- {failure.splitlines()[0]}" for failure in results["failures"]),
        ]
    return "\n\n".join(parts) + "\n"


def readme_table(results: dict[str, Any], config: dict[str, Any]) -> str:
    """What of the page stands in the README."""
    rows = []
    for name in README_WORKLOADS:
        if name not in results["workloads"]:
            continue
        workload, entry = config["workloads"][name], results["workloads"][name]
        found = timings(entry, 1)
        weft = best(found, "weft")
        for target in workload["targets"]:
            variant = target.get("variant")
            against = best(found, target["against"], variant)
            if weft is None or against is None:
                continue
            way = variant or ("its fastest way" if len(workload["targets"]) > 1 else "")
            title = workload["title"] + (f" ({way})" if way else "")
            unit = workload["unit"]
            middle = float(np.median(ratios(weft, against)))
            peer = f"{shown(against, unit)} ({NAMES[against.peer]})"
            rows.append([title, unit, shown(weft, unit), peer, f"**{middle:.1f}x**"])
    return table(["one thread", "unit", "weft", "fastest peer", "weft is"], rows)


def with_table(readme: str, results: dict[str, Any], config: dict[str, Any]) -> str:
    """The README with the table of these results between its marks."""
    begin, end = README_MARKS
    before, _, rest = readme.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{readme_table(results, config)}\n\n{end}{after}"


def write(docs: Path, results: dict[str, Any], config: dict[str, Any]) -> None:
    """benchmarks.md in `docs`, and the README's table if that is the project's own folder."""
    (docs / "benchmarks.md").write_text(markdown(results, config))
    if docs.resolve() == ROOT / "docs":
        readme = ROOT / "README.md"
        readme.write_text(with_table(readme.read_text(), results, config))


def dumps(results: dict[str, Any]) -> str:
    """JSON that reads and diffs well: a list of numbers stays on one line."""
    flat: list[str] = []

    def mark(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mark(v) for key, v in value.items()}
        if isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value):
            flat.append(json.dumps(value))
            return f"@{len(flat) - 1}@"
        return [mark(v) for v in value] if isinstance(value, list) else value

    text = json.dumps(mark(results), indent=1)
    for i, item in enumerate(flat):
        text = text.replace(f'"@{i}@"', item)
    return text + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    write(folder, json.loads((folder / "benchmarks.json").read_text()), inputs.load_workloads())
