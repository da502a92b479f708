"""Callbacks: what `fit` calls as it goes, with Keras's names and arguments."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import numpy as np

from weft.arguments import integer, number
from weft.errors import InvalidArgumentError
from weft.model.archive import Path, path_of

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ReduceLROnPlateau",
]

Logs = MutableMapping[str, float] | None


class Callback:
    """The base of callbacks: each method does nothing.

    `model` is the model, `params` has "epochs" and "steps" (None until an epoch has shown it).
    `logs` are losses and metrics; those of `on_train_batch_end` are means over the epoch so far,
    and are computed as they are read. What is added to those of `on_epoch_end` is in the history.
    `self.model.stop_training = True` ends the training.

    `state_dict` and `load_state_dict` are what a checkpoint keeps of a callback: a dict of numbers,
    strings, lists, dicts and arrays.
    """

    model: Any = None
    params: dict[str, Any]

    def __init__(self) -> None:
        self.params = {}

    def set_model(self, model: Any) -> None:
        """Called before anything else."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before anything else."""
        self.params = params

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last epoch; not when training ends with an error."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before epoch `epoch`, counted from 0; not again when a training resumes inside of it."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a step; `batch` counts from 0 in each epoch."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a step."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before a validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After a validation."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where the callback stood whose state this is."""


class EarlyStopping(Callback):
    """Ends the training when a number no longer gets better, as Keras's.

    Args:
        monitor: which one: "val_loss", "loss", "val_auc", ...
        min_delta: by how much at least it must get better to count.
        patience: after how many epochs without that the training ends.
        verbose: 1: says so.
        mode: "min", "max", or "auto": the larger is better if the name ends in auc, accuracy,
            recall_at_... or ndcg_at_....
        baseline: what the number must be better than to begin with.
        restore_best_weights: whether the model that is stopped gets the weights of its best epoch.
        start_from_epoch: epochs before this one do not count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        self.monitor = monitor
        self.min_delta = abs(number(min_delta, "min_delta"))
        self.patience = _not_negative(patience, "patience")
        self.verbose = verbose
        self.mode = _mode(mode, monitor)
        self.baseline = None if baseline is None else number(baseline, "baseline")
        self.restore_best_weights = bool(restore_best_weights)
        self.start_from_epoch = integer(start_from_epoch, "start_from_epoch")
        self.on_train_begin()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets earlier trainings."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = -math.inf if self.mode == "max" else math.inf
        self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Looks at the number."""
        current = _watched(self, logs)
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._better(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self._better(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.best_weights is not None:
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Logs = None) -> None:
        """Says that it has stopped."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")

    def _better(self, value: float, reference: float) -> bool:
        if self.mode == "max":
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def state_dict(self) -> dict[str, Any]:
        """What it has seen, the best weights included."""
        kept = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")
        return {key: getattr(self, key) for key in kept}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from there."""
        self.__dict__.update(state)


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by `factor` when a number no longer gets better, as Keras's.

    Args:
        monitor, mode: as `EarlyStopping`.
        factor: less than 1.
        patience: after how many epochs that are not better.
        verbose: 1: says so.
        min_delta: by how much at least a number must get better to count.
        cooldown: so many epochs do not count after the rate was changed.
        min_lr: the least rate.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__()
        self.monitor, self.mode = monitor, _mode(mode, monitor)
        self.factor = number(factor, "factor")
        if not 0 <= self.factor < 1:
            raise InvalidArgumentError(f"`factor` must be in [0, 1), got {factor}")
        self.patience = _not_negative(patience, "patience")
        self.verbose = verbose
        self.min_delta, self.min_lr = number(min_delta, "min_delta"), number(min_lr, "min_lr")
        self.cooldown = _not_negative(cooldown, "cooldown")
        self.on_train_begin()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets earlier trainings."""
        self.wait = self.cooling = 0
        self.best = -math.inf if self.mode == "max" else math.inf

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Looks at the number, and adds the rate of the epoch to `logs` as "lr"."""
        current, optimizer = _watched(self, logs), self.model.optimizer
        rate = logs["lr"] = optimizer.current_learning_rate
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        gain = current - self.best if self.mode == "max" else self.best - current
        if gain > self.min_delta:
            self.best, self.wait = current, 0
        elif self.cooling == 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                if self.verbose:
                    print(f"Epoch {epoch + 1}: learning rate {optimizer.learning_rate:g}")
                self.cooling, self.wait = self.cooldown, 0

    def state_dict(self) -> dict[str, Any]:
        """What it has seen."""
        return {key: getattr(self, key) for key in ("wait", "cooling", "best")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from there."""
        self.__dict__.update(state)


def _mode(mode: str, monitor: str) -> str:
    """Whether the larger or the smaller number is better."""
    if mode not in ("auto", "min", "max"):
        raise InvalidArgumentError(f"`mode` must be auto, min or max, got {mode!r}")
    name = monitor.lower()
    rises = name.endswith(("auc", "accuracy", "acc")) or "recall" in name or "ndcg" in name
    return ("max" if rises else "min") if mode == "auto" else mode


def _watched(callback: Any, logs: Logs) -> float:
    """The number that a callback looks at. Raises ValueError if there is none."""
    if not logs or callback.monitor not in logs:
        raise InvalidArgumentError(
            f"{type(callback).__name__} watches {callback.monitor!r}, which is not among "
            f"{sorted(logs or {})}"
        )
    return logs[callback.monitor]


def _not_negative(value: Any, argument: str) -> int:
    if integer(value, argument) < 0:
        raise InvalidArgumentError(f"`{argument}` must not be negative, got {value}")
    return int(value)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch: to `schedule(epoch, learning_rate)`.

    Or to `schedule(epoch)`, if that is what it takes.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Sets it."""
        try:
            made = self.schedule(epoch, self.model.optimizer.current_learning_rate)
        except TypeError:  # as Keras: an older form
            made = self.schedule(epoch)
        rate = number(made, "what the schedule gives")
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Adds the rate to `logs` as "lr"."""
        if logs is not None:
            logs["lr"] = self.model.optimizer.current_learning_rate


class CSVLogger(Callback):
    """Writes losses and metrics into a CSV file, a row an epoch; resumes with the training.

    `append`: rows that are there stay.
    """

    def __init__(self, filename: Path, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = path_of(filename, "filename")
        self.separator = separator
        self.append = bool(append)
        self._before = ""
        self._rows: list[dict[str, Any]] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Reads what is there, if rows are appended."""
        self._before, self._rows = "", []
        if self.append:
            try:
                with open(self.filename, newline="") as file:
                    self._before = file.read()
            except FileNotFoundError:
                pass

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes the file with this row too."""
        self._rows.append({"epoch": epoch, **(logs or {})})
        keys = list(dict.fromkeys(key for row in self._rows for key in row))
        with open(self.filename, "w", newline="") as file:
            file.write(self._before)
            rows = csv.DictWriter(file, keys, restval="NA", delimiter=self.separator)
            if not self._before:
                rows.writeheader()
            rows.writerows(self._rows)

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"before": self._before, "rows": self._rows}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from there."""
        self._before, self._rows = state["before"], list(state["rows"])


class LambdaCallback(Callback):
    """Calls functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))`.

    Any method of `Callback` that begins with `on_` can be given.
    """

    def __init__(self, **functions: Callable[..., Any] | None):
        super().__init__()
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise InvalidArgumentError(f"LambdaCallback: there is no {name!r}")
            if function is not None:
                setattr(self, name, function)
