"""Fit: the loop of a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from weft.arguments import integer
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.model import checkpoint
from weft.model.callbacks import Callback
from weft.model.checkpoint import Checkpoint
from weft.model.feed import Feed
from weft.model.goals import Goals
from weft.model.history import History
from weft.model.progress import Progress


class Fit:
    """One call of `Model.fit`: where it stands, and how it goes on.

    `validation` gives losses and metrics of the validation data.
    """

    steps_per_epoch: int | None = None
    class_weight: Mapping[int, float] | None = None

    def __init__(
        self,
        model: Any,
        goals: Goals,
        feed: Feed,
        callbacks: Any,
        validation: Callable[[], dict[str, float]] | None,
        epochs: int,
        initial_epoch: int,
    ):
        self._model, self._goals, self._feed, self._validation = model, goals, feed, validation
        self._history = History()
        given = [callbacks] if isinstance(callbacks, Callback) else callbacks or ()
        self._callbacks: list[Any] = [*given, self._history]  # which sees what others add to logs
        for callback in self._callbacks:
            if not isinstance(callback, Callback):
                raise WrongTypeError(f"a weft.callbacks.Callback is expected, got {callback!r}")
        self._checkpoints = [c for c in self._callbacks if isinstance(c, Checkpoint)]
        self._of_batches = [c for c in self._callbacks if _looks_at_batches(c)]
        self._epochs = integer(epochs, "epochs")
        self._epoch = integer(initial_epoch, "initial_epoch")
        self._batch = 0  # of the epoch under way: how many are done
        self._batches: int | None = None  # of the epoch before

    def run(self, resume: Any, verbose: Any) -> History:
        """Trains."""
        self._model.stop_training = False
        self._goals.reset()
        progress = Progress(verbose, self._epochs, self._goals)
        params = {"epochs": self._epochs, "steps": self.steps_per_epoch, "verbose": verbose}
        for callback in self._callbacks:
            callback.set_model(self._model)
            callback.set_params(params)
        self._call("on_train_begin")
        path = checkpoint.resume_path(resume, self._checkpoints)
        if path is not None:
            self._resume(path)
        logs: dict[str, float] = {}
        try:
            while self._epoch < self._epochs and not self._model.stop_training:
                logs = self._run_epoch(progress)
        finally:
            progress.stop()
        self._call("on_train_end", logs)
        return self._history

    def _run_epoch(self, progress: Progress) -> dict[str, float]:
        epoch = self._epoch
        if self._batch == 0:
            self._goals.reset()
            self._call("on_epoch_begin", epoch)
        progress.begin(epoch, self._batch, self.steps_per_epoch or self._batches)
        for batch in self._rest_of_epoch():
            if self._of_batches:
                self._train_watched(batch)
            else:
                self._model.train_step(batch, self._goals, self.class_weight, self._feed)
                self._batch += 1
            progress.step(self._batch)
            for one in self._checkpoints:
                if one.due(self._model.optimizer.iterations):
                    one.write(self._state())
        progress.trained()
        logs = self._goals.logs()
        if self._validation is not None:
            self._call("on_test_begin")
            logs |= {f"val_{name}": value for name, value in self._validation().items()}
            self._call("on_test_end")
        self._call("on_epoch_end", epoch, logs)
        self._epoch, self._batch, self._batches = epoch + 1, 0, self._batch
        for one in self._checkpoints:
            one.write(self._state())
        progress.end(epoch, logs)
        return logs

    def _rest_of_epoch(self) -> Iterator[Any]:
        """The batches that the epoch still has."""
        while not self._model.stop_training:
            if self.steps_per_epoch is not None and self._batch >= self.steps_per_epoch:
                return
            batch = self._feed.next()
            if batch is None and self.steps_per_epoch is not None and self._feed.taken > 0:
                batch = self._feed.next()
            if batch is None:
                if self._feed.taken == 0:
                    raise InvalidArgumentError(
                        f"epoch {self._epoch + 1}: the dataset has no batches, or none any more: "
                        "it must be one that can be iterated again"
                    )
                return
            yield batch

    def _train_watched(self, batch: Any) -> None:
        for callback in self._of_batches:
            callback.on_train_batch_begin(self._batch, {})
        self._model.train_step(batch, self._goals, self.class_weight, self._feed)
        self._batch += 1
        logs = _BatchLogs(self._goals)
        for callback in self._of_batches:
            callback.on_train_batch_end(self._batch - 1, logs)

    def _call(self, method: str, *arguments: Any) -> None:
        for callback in self._callbacks:
            getattr(callback, method)(*arguments)

    def _state(self) -> dict[str, Any]:
        """Everything, for a checkpoint between two steps."""
        return {
            **checkpoint.model_state(self._model),
            "epoch": self._epoch,
            "batch": self._batch,
            "batches": self._batches,
            "stopped": self._model.stop_training,
            "feed": self._feed.state(),
            "goals": self._goals.state(),
            "callbacks": [
                {"class_name": type(c).__name__, "state": c.state_dict()} for c in self._callbacks
            ],
        }

    def _resume(self, path: str) -> None:
        state = checkpoint.read(path)
        checkpoint.check_model(path, self._model, state)
        names = [type(c).__name__ for c in self._callbacks]
        kept = [c["class_name"] for c in state["callbacks"]]
        if names != kept:
            raise InvalidArgumentError(
                f"{path}: was written with the callbacks {kept[:-1]}, not {names[:-1]}", file=path
            )
        try:
            self._goals.load_state(state["goals"])
            self._feed.load(state["feed"])
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{path}: {error}", file=path) from None
        checkpoint.load_model(self._model, state)
        self._epoch, self._batch = state["epoch"], state["batch"]
        self._batches = state["batches"]
        self._model.stop_training = state["stopped"]
        for callback, one in zip(self._callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(one["state"])


class _BatchLogs(Mapping[str, float]):
    """Losses and metrics so far, each computed when it is read."""

    def __init__(self, goals: Goals):
        self._goals = goals
        self._names = {"loss": (None, None), **goals.names()}

    def __getitem__(self, name: str) -> float:
        return self._goals.log(*self._names[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))


def _looks_at_batches(callback: Any) -> bool:
    return any(
        name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name)
        for name in ("on_train_batch_begin", "on_train_batch_end")
    )
