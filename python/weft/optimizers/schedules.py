"""Learning rates that change with the steps taken: `tf.keras.optimizers.schedules`.

A schedule is called with the number of steps taken so far. Any function of it will do as well.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from weft.arguments import number
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


class LearningRateSchedule:
    """The base of the schedules; a subclass defines `__call__(step)`."""

    def __call__(self, step: int) -> float:
        """The learning rate of the step after `step` steps."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return dict(self._config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """Makes the schedule that `get_config` describes."""
        return cls(**config)

    _config: dict[str, Any]

    def _declare(self, fields: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`: numbers but for flags, lists and the name."""
        self._config = {k: v for k, v in fields.items() if k not in ("self", "__class__")}
        for key, value in self._config.items():
            if key != "name" and value is not None and not isinstance(value, bool | list | tuple):
                number(value, key)
        for key in ("decay_steps", "first_decay_steps"):
            if key in self._config and self._config[key] <= 0:
                raise InvalidArgumentError(
                    f"`{key}` must be greater than 0, got {self._config[key]}"
                )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._config:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._config[name]


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate^(step / decay_steps); `staircase`: of whole multiples."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        self._declare(locals())

    def __call__(self, step: int) -> float:
        """The learning rate after `step` steps."""
        part = step / self.decay_steps
        part = math.floor(part) if self.staircase else part
        return self.initial_learning_rate * self.decay_rate**part


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and with step boundaries[i], the last value after all boundaries."""

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str | None = None
    ):
        boundaries, values = list(boundaries), list(values)
        if len(values) != len(boundaries) + 1:
            raise InvalidArgumentError(
                "The length of boundaries should be 1 less than the length of values, got "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        self._declare(locals())

    def __call__(self, step: int) -> float:
        """The learning rate after `step` steps."""
        return self.values[bisect_left(self.boundaries, step)]


class PolynomialDecay(LearningRateSchedule):
    """From initial_learning_rate to end_learning_rate by (1 - step / decay_steps)^power.

    `cycle`: decay_steps is the first multiple of itself that is not less than the step, and not the
    end of the decay.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ):
        self._declare(locals())

    def __call__(self, step: int) -> float:
        """The learning rate after `step` steps."""
        whole = self.decay_steps * (max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1)
        left = 1 - min(step, whole) / whole
        begin, end = self.initial_learning_rate, self.end_learning_rate
        return (begin - end) * left**self.power + end


class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps); `staircase` as above."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ):
        self._declare(locals())

    def __call__(self, step: int) -> float:
        """The learning rate after `step` steps."""
        part = step / self.decay_steps
        part = math.floor(part) if self.staircase else part
        return self.initial_learning_rate / (1 + self.decay_rate * part)


class CosineDecay(LearningRateSchedule):
    """Half a cosine from initial_learning_rate to alpha times it, over decay_steps.

    With `warmup_target` a line leads there first, in `warmup_steps`, and the decay begins at the
    target.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        self._declare(locals())

    def __call__(self, step: int) -> float:
        """The learning rate after `step` steps."""
        begin = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return begin + (self.warmup_target - begin) * step / self.warmup_steps
            begin, step = self.warmup_target, step - self.warmup_steps
        cosine = (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps)) / 2
        return begin * ((1 - self.alpha) * cosine + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """`CosineDecay` again and again: each period is t_mul as long, and m_mul as high, as the last.

    Stochastic gradient descent with warm restarts (Loshchilov and Hutter, 2016).
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ):
        self._declare(locals())

    def __call__(self, step: int) -> float:
        """The learning rate after `step` steps."""
        done, t = step / self.first_decay_steps, self.t_mul
        if t == 1:
            restarts = math.floor(done)
            done -= restarts
        else:
            restarts = math.floor(math.log(1 - done * (1 - t)) / math.log(t))
            done = (done - (1 - t**restarts) / (1 - t)) / t**restarts
        cosine = self.m_mul**restarts * (1 + math.cos(math.pi * done)) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)


_CLASSES = {
    cls.__name__: cls
    for cls in (
        ExponentialDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        InverseTimeDecay,
        CosineDecay,
        CosineDecayRestarts,
    )
}


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """{"class_name": ..., "config": ...}. Raises TypeError for a schedule of another class."""
    name = type(schedule).__name__
    if _CLASSES.get(name) is not type(schedule):
        raise WrongTypeError(f"only the schedules of this module can be saved, not {schedule!r}")
    return {"class_name": name, "config": schedule.get_config()}


def deserialize(config: Mapping[str, Any]) -> LearningRateSchedule:
    """Makes the schedule of what `serialize`, or Keras's, gives."""
    name = config.get("class_name")
    if name not in _CLASSES:
        raise InvalidArgumentError(f"unknown schedule {name!r}; known are {', '.join(_CLASSES)}")
    return _CLASSES[name].from_config(config.get("config", {}))
