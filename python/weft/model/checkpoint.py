"""Checkpoints: everything that a training needs to go on exactly where it was."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from weft.arguments import integer, number
from weft.errors import InvalidArgumentError
from weft.model import archive
from weft.model.callbacks import Callback, Logs

__all__ = ["Checkpoint"]

_VERSION = 1
_DRAWING = ("dropout", "recurrent_dropout", "rate", "num_sampled")  # in configs of what draws


class Checkpoint(Callback):
    """Writes checkpoints that survive a kill at any moment: `fit(..., resume=True)` goes on there.

    One file: weights, the optimizer's state, the place in the dataset, the step, the metrics of the
    epoch under way, the history, and what callbacks keep. It is written without its name, made
    durable and then takes the name: there is the last one or the one before, always complete.

    Args:
        path: of the file. It is written after each epoch, and
        every_steps: after so many steps,
        every_seconds: after the first step that ends so long after the last file.
        keep: of so many files the older ones stay as `path`.1, `path`.2, ...
    """

    def __init__(
        self,
        path: archive.Path,
        every_steps: int | None = None,
        every_seconds: float | None = None,
        keep: int = 1,
    ):
        super().__init__()
        self.path = archive.path_of(path)
        self.every_steps = None if every_steps is None else integer(every_steps, "every_steps")
        self.every_seconds = (
            None if every_seconds is None else number(every_seconds, "every_seconds")
        )
        self.keep = integer(keep, "keep")
        if self.keep < 1 or (self.every_steps is not None and self.every_steps < 1):
            raise InvalidArgumentError("`keep` and `every_steps` are 1 at least")
        self._written = 0.0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Cleans up after processes that were killed."""
        archive.sweep(self.path)
        self._written = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether a file is to be written after `step` steps of the training."""
        if self.every_steps is not None and step % self.every_steps == 0:
            return True
        passed = time.monotonic() - self._written
        return self.every_seconds is not None and passed >= self.every_seconds

    def write(self, state: Mapping[str, Any]) -> None:
        """Writes the file. Raises OSError naming it."""
        archive.write(self.path, archive.CHECKPOINT, {"version": _VERSION, **state}, self.keep)
        self._written = time.monotonic()


def model_state(model: Any) -> dict[str, Any]:
    """Weights and optimizer, and what they are of."""
    rate = model.optimizer.learning_rate
    return {
        "model": _described(model),
        "weights": dict(model.weights),
        "states": [getattr(layer, "states", None) for layer in model.layers],  # of stateful ones
        "optimizer": {
            "learning_rate": None if callable(rate) else rate,
            "state": model.optimizer.state(),
        },
    }


def check_model(path: str, model: Any, state: Mapping[str, Any]) -> None:
    """Raises ValueError naming the file if it is of another model, optimizer or loss."""
    model.require_weights()
    here = _described(model)
    if _optimizer(state["model"])["learning_rate"] is None:  # `load_model` sets that of the file
        _optimizer(here)["learning_rate"] = None
    difference = _difference(state["model"], here, "")
    if difference:
        raise InvalidArgumentError(f"{path}: is of another training: {difference}", file=path)
    archive.check_arrays(path, list(state["weights"].values()), model.weights)


def load_model(model: Any, state: Mapping[str, Any]) -> None:
    """Gives the model the weights and the optimizer the state, which `check_model` has seen."""
    own, kept = model.weights, state["optimizer"]
    model.set_weights(list(state["weights"].values()))
    # The names of layers without one of their own count up in a process.
    renamed = dict(zip(state["weights"], own, strict=True))
    optimizer = {}
    for key, array in kept["state"].items():
        weight, _, slot = key.rpartition("/")
        optimizer[f"{renamed.get(weight, weight)}/{slot}" if weight else key] = array
    model.optimizer.load_state(optimizer)
    for layer, states in zip(model.layers, state["states"], strict=True):
        if hasattr(layer, "states"):
            layer.reset_states(states)
    if kept["learning_rate"] is not None:
        model.optimizer.learning_rate = kept["learning_rate"]


def read(path: str) -> dict[str, Any]:
    """The state that `Checkpoint.write` wrote; errors as `archive.read`."""
    state = archive.read(path, archive.CHECKPOINT)
    if state.get("version") != _VERSION:
        raise InvalidArgumentError(
            f"{path}: is a checkpoint of version {state.get('version')}, which this version of "
            "weft does not know",
            file=path,
        )
    return state


def resume_path(resume: Any, checkpoints: list[Checkpoint]) -> str | None:
    """The file to go on from: None if there is none yet."""
    if resume is False or resume is None:
        return None
    if resume is not True:
        return archive.path_of(resume, "resume")
    if not checkpoints:
        raise InvalidArgumentError("resume=True needs a weft.callbacks.Checkpoint among callbacks")
    return checkpoints[0].path if os.path.exists(checkpoints[0].path) else None


def _described(model: Any) -> Any:
    """The layers and the `compile` of a model as JSON, without names that decide nothing.

    Nor is the learning rate there, if it is a number: callbacks change it.
    """
    config = json.loads(json.dumps(model.get_config()))
    optimizer = _optimizer(config)
    if not isinstance(optimizer["learning_rate"], dict):
        optimizer["learning_rate"] = None
    return _nameless(config)


def _optimizer(described: Any) -> dict[str, Any]:
    return described["compile"]["optimizer"]["config"]


def _nameless(config: Any) -> Any:
    if isinstance(config, list):
        return [_nameless(v) for v in config]
    if not isinstance(config, dict):
        return config
    made = {k: _nameless(v) for k, v in config.items() if k != "name"}
    if any(config.get(key) for key in _DRAWING):
        made["name, which decides what is drawn,"] = config.get("name")
    return made


def _difference(there: Any, here: Any, at: str) -> str:
    """The first difference of two configs in words; "" if there is none."""
    if isinstance(there, dict) and isinstance(here, dict) and there.keys() == here.keys():
        pairs = [(f"{at}.{k}" if at else k, there[k], here[k]) for k in there]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = [(f"{at}[{i}]", a, b) for i, (a, b) in enumerate(zip(there, here, strict=True))]
    else:
        return "" if there == here else f"{at} is {_text(there)} there and {_text(here)} here"
    return next((text for name, a, b in pairs if (text := _difference(a, b, name))), "")


def _text(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
