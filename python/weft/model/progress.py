"""What a training shows while it runs: a bar on a terminal, or a line an epoch."""

from __future__ import annotations

import sys
import time
from typing import Any

from weft.errors import InvalidArgumentError
from weft.model.goals import Goals

_SECONDS = 0.25  # between two looks of the bar


class Progress:
    """Nothing (verbose=0), a bar (1, if rich is installed) or a line an epoch (2)."""

    def __init__(self, verbose: Any, epochs: int, goals: Goals):
        if verbose not in ("auto", 0, 1, 2):
            raise InvalidArgumentError(f'`verbose` must be 0, 1, 2 or "auto", got {verbose!r}')
        if verbose == "auto":
            verbose = 1 if sys.stdout.isatty() else 2
        self._lines = verbose > 0
        self._bar = _bar() if verbose == 1 else None
        self._epochs = epochs
        self._goals = goals

    def begin(self, epoch: int, batch: int, batches: int | None) -> None:
        """An epoch begins, or goes on behind some batches; how many it has may be known."""
        self._start = time.perf_counter()
        self._before = (self._goals.rows, self._goals.steps)
        self._due = self._start
        if self._bar is not None:
            title = f"epoch {epoch + 1}/{self._epochs}"
            self._task = self._bar.add_task(title, total=batches, completed=batch, logs="")
            self._bar.start()

    def step(self, batch: int) -> None:
        """`batch` batches of the epoch are done."""
        if self._bar is None or (now := time.perf_counter()) < self._due:
            return
        shown = f"{self._rates(now)}  {_numbers(self._goals.logs())}"
        self._bar.update(self._task, completed=batch, logs=shown, refresh=True)
        spent = time.perf_counter() - now  # metrics may take long: exact AUC sorts
        self._due = now + max(_SECONDS, 20 * spent)

    def end(self, epoch: int, logs: dict[str, float]) -> None:
        """The epoch and its validation are over."""
        now = time.perf_counter()
        self.stop()
        if self._lines:
            seconds = f"{now - self._start:.1f} s"
            line = f"epoch {epoch + 1}/{self._epochs}  {seconds}  {_numbers(logs)}"
            print(f"{line}  {self._rates(self._trained)}", flush=True)

    def trained(self) -> None:
        """The steps of the epoch are done, but not its validation."""
        self._trained = time.perf_counter()

    def stop(self) -> None:
        """Removes the bar."""
        if self._bar is not None and self._bar.task_ids:
            self._bar.remove_task(self._task)
            self._bar.stop()

    def _rates(self, now: float) -> str:
        seconds = max(now - self._start, 1e-9)
        rows, steps = self._goals.rows - self._before[0], self._goals.steps - self._before[1]
        tokens = f"{_short(steps / seconds)} tokens/s  " if steps else ""
        return f"{tokens}{_short(rows / seconds)} records/s"


def _bar() -> Any:
    """A progress bar of rich's; None without rich."""
    try:
        from rich import progress, table
    except ImportError:
        return None
    rest = table.Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return progress.Progress(
        progress.TextColumn("{task.description}", table_column=table.Column(no_wrap=True)),
        progress.BarColumn(bar_width=12),
        progress.MofNCompleteColumn(table_column=table.Column(no_wrap=True)),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
        progress.TextColumn("{task.fields[logs]}", table_column=rest),
        expand=True,
        transient=True,
        auto_refresh=False,
    )


def _numbers(logs: dict[str, float]) -> str:
    shown = {k: f"{v:.4f}" if v == 0 or abs(v) >= 1e-3 else f"{v:.2e}" for k, v in logs.items()}
    return "  ".join(f"{name} {value}" for name, value in shown.items())


def _short(number: float) -> str:
    """1234567 as 1.23M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"
