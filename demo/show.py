"""What the demo prints: fits 80 columns, and reads well where the output is not a terminal."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import weft
from comparison import Comparison
from histories import Prepared
from pipeline import Batch
from records import Shard
from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, soft_wrap=False)
WIDTH = min(console.width, 100)
console.width = WIDTH
BAR = "━"


def section(number: int, title: str) -> None:
    """The heading of a step."""
    console.print()
    console.rule(f"[bold]{number}  {title}", align="left", style="cyan")


def say(text: str) -> None:
    """One line of text."""
    console.print(text)


def progress(total: int, title: str) -> Progress:
    """A progress bar; one line at the end where the output is not a terminal."""
    columns = [
        TextColumn(title),
        BarColumn(None),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeElapsedColumn(),
    ]
    bar = Progress(*columns, console=console, expand=True)
    bar.add_task(title, total=total)
    return bar


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """A table of names and figures."""
    table = Table(box=box.SIMPLE_HEAD, show_header=False, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


class Epochs(weft.callbacks.Callback):
    """A line an epoch, within 80 columns."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Shows losses and metrics; those of examples judged behind a bar."""
        seen = "  ".join(f"{k} {v:.4f}" for k, v in logs.items() if not k.startswith("val_"))
        judged = "  ".join(f"{k[4:]} {v:.4f}" for k, v in logs.items() if k.startswith("val_"))
        seconds = f"{time.perf_counter() - self._start:.1f} s"
        say(f"epoch {epoch + 1}  {seconds}  {seen}" + (f"  | judged: {judged}" if judged else ""))


def recall(ways: list[tuple[str, float]]) -> None:
    """How many of the next basket's items are among 20 guesses."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("20 guesses at the next basket")
    table.add_column("recall", justify="right")
    best = max(value for _, value in ways)
    for name, value in ways:
        table.add_row(name, f"{value:.4f}", style="bold" if value == best else "")
    console.print(table)


def count(n: int, of: int | None = None) -> str:
    """A count, and its share of the whole."""
    return f"{n:,}" if of is None else f"{n:,} ({n / max(of, 1):.1%})"


def megabytes(n: float) -> str:
    """Bytes as MB."""
    return f"{n / 1e6:,.1f} MB"


def files(shards: list[Shard]) -> None:
    """The files that were written."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("file", no_wrap=True)
    for title in ("records", "Examples", "on disk"):
        table.add_column(title, justify="right")
    for shard in shards:
        table.add_row(
            shard.path.name,
            count(shard.records),
            megabytes(shard.record_bytes),
            megabytes(shard.file_bytes),
        )
    table.add_section()
    totals = [sum(column) for column in list(zip(*shards, strict=True))[1:]]
    table.add_row(
        f"{len(shards)} files",
        count(totals[0]),
        megabytes(totals[1]),
        megabytes(totals[2]),
        style="bold",
    )
    console.print(table)


def fitted(line: str) -> str:
    """A line of source, broken after its last comma where it is too wide."""
    if len(line) < WIDTH:
        return line
    head, tail = line.rsplit(", ", 1)
    return f"{head},\n{' ' * (len(line) - len(line.lstrip()) + 8)}{tail}"


def source(function: Any, mark: str) -> None:
    """The lines of `function` between its marks, as they are about to run."""
    text = inspect.getsource(function)
    lines = re.search(rf"# \[{mark}\]\n(.*?) *# \[/{mark}\]", text, re.S).group(1)
    shown = [fitted(line[4:]) for line in lines.splitlines() if "made(" not in line]
    console.print(
        Syntax(
            "\n".join(shown),
            "python",
            theme="ansi_dark",
            background_color="default",
            word_wrap=True,
        )
    )


def histogram(lengths: np.ndarray, bins: int = 10) -> None:
    """How long the histories are, a bar each ten-th of the range; the full ones apart."""
    longest = int(lengths.max())
    edges = np.unique(np.linspace(1, longest, bins + 1).round().astype(np.int64))
    ranges = [(low, high - 1) for low, high in zip(edges[:-1], edges[1:], strict=True)] + [
        (longest, longest)
    ]
    counts = [int(((lengths >= low) & (lengths <= high)).sum()) for low, high in ranges]
    room = WIDTH - 30
    table = Table(box=None, show_header=False, padding=(0, 1))
    for justify in ("right", "left", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for (low, high), n in zip(ranges, counts, strict=True):
        name = f"{low}-{high}" if low < high else f"{low}"
        table.add_row(
            f"{name} events",
            Text(BAR * max(round(n / max(counts) * room), n > 0), style="cyan"),
            count(n),
        )
    console.print(table)


def vector(values: np.ndarray, per_line: int = 8) -> str:
    """Numbers in a few lines."""
    rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    return "\n".join(" ".join(f"{v:+.3f}" for v in row) for row in rows)


def household(made: Prepared, row: int, ids: np.ndarray, batch: Batch) -> None:
    """One example, from receipt to state: the first of `batch`; `ids` is what was looked up."""
    receipts, events, examples = made.receipts, made.events, made.examples
    begin, end = int(examples.begin[row]), int(examples.end[row])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for title, justify in (
        ("bought", "left"),
        ("category", "left"),
        ("n", "right"),
        ("paid", "right"),
        ("product", "right"),
        ("id", "right"),
    ):
        table.add_column(title, justify=justify, no_wrap=True)
    for i in range(begin, end):
        same = i > begin and events.basket[i] == events.basket[i - 1]
        bought = (
            "" if same else str(np.datetime64(int(events.seconds[i]), "s")).replace("T", " ")[:16]
        )
        product, looked_up = int(events.product[i]), int(ids[i - begin])
        shown = str(looked_up) if product == looked_up else f"[bold yellow]{looked_up}[/]"
        table.add_row(
            bought,
            receipts.category_names[events.category[i]].decode()[:24].lower(),
            str(int(events.quantity[i])),
            f"{events.value[i]:.2f}",
            str(product),
            shown,
        )
    mask = batch.mask[0]
    bits = "".join("1" if m else "·" for m in mask[: WIDTH - 46])
    moment = str(np.datetime64(int(examples.seconds[row]), "s")).replace("T", " ")[:16]
    again = "yes" if examples.buys_again[row] else "no"
    below = Table(box=None, show_header=False, padding=(0, 1))
    below.add_column(style="dim", no_wrap=True, min_width=5)
    below.add_column(no_wrap=True)
    below.add_row("mask", f"{bits}… {int(mask.sum())} of {len(mask)} steps")
    below.add_row("state", vector(batch.state[0]))
    below.add_row("label", f"buys again within 7 days of the basket of {moment}: {again}")
    title = f"household {int(examples.household[row])}: receipt -> ids -> mask -> state"
    console.print(
        Panel(
            Group(table, below), title=title, title_align="left", border_style="cyan", expand=False
        )
    )


def golden(comparison: Comparison, same_records: bool | None) -> None:
    """How far weft is from TensorFlow."""
    if same_records is not None:
        console.print(
            "The 64 records made now are the golden file's, byte for byte."
            if same_records
            else "[yellow]The 64 records made now are not the golden file's: other data?"
        )
    facts(
        [
            ("golden file", f"64 records, weights included, TensorFlow {comparison.tensorflow}"),
            ("lengths", "equal" if comparison.lengths_equal else "[red]DIFFERENT"),
            ("largest difference, inputs", f"{comparison.largest_input:.1e}"),
            (
                "largest difference, outputs",
                f"[bold]{comparison.largest_output:.1e}[/] of {comparison.magnitude:.2f}",
            ),
            ("largest difference, states", f"{comparison.largest_state:.1e}"),
        ]
    )


def counters(layer: Any) -> dict[str, int]:
    """What a layer's only column has seen."""
    (found,) = layer.counters().values()
    return found


def columns(layers: Any) -> None:
    """The columns of two layers: how wide each is, and what it met."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("column", no_wrap=True)
    for title in ("numbers", "ids seen", "unknown"):
        table.add_column(title, justify="right")
    for layer in layers:
        met = layer.counters()
        for column in layer._feature_columns:
            categorical = getattr(column, "categorical_column", column)
            found = met.get(column.name) or met.get(categorical.name) or {}
            table.add_row(
                column.name,
                str(int(np.prod(column.variable_shape))),
                count(found["seen"]) if found else "",
                count(found["replaced"], found["seen"]) if found.get("replaced") else "",
            )
        table.add_section()
    console.print(table)


def explanation(lines: Any, steps: int) -> None:
    """The last steps of each column, value by value."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), title="weft.explain", title_justify="left")
    for title in ("column", "step", "value", "result", "meaning"):
        table.add_column(title, no_wrap=True)
    for column in sorted({line.column for line in lines}):
        for line in [line for line in lines if line.column == column][-steps:]:
            value = line.value.decode() if isinstance(line.value, bytes) else str(line.value)
            result = f"{line.result:.4g}" if isinstance(line.result, float) else str(line.result)
            table.add_row(column, str(line.step), value, result, line.meaning)
        table.add_section()
    console.print(table)
