"""What becomes of the numbers of a numeric column: declared normalizers, which can be saved.

Pass one, or a list of several that act in turn, as `normalizer_fn` of `numeric_column`,
`sequence_numeric_column` or `sequence_time_delta_column`. Any other callable works there too, but a
column that holds one cannot be saved for a server. They compute in double precision.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = ["Clip", "Log1p", "MinMax", "Normalizer", "ZScore"]


class Normalizer:
    """The base of the normalizers. Calling one applies it to an array, as a column would."""

    def __post_init__(self) -> None:
        """Raises TypeError for a parameter that is no number, ValueError for one out of range."""
        _core.check_normalizer([(type(self).__name__, self.get_config())])

    def get_config(self) -> dict[str, float]:
        """The parameters: `type(self)(**config)` is the same normalizer."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    def __call__(self, values: Any) -> np.ndarray:
        """The normalized values: float64, of the same shape."""
        try:
            return self._apply(np.asarray(values, np.float64))
        except (TypeError, ValueError):
            raise WrongTypeError(f"a normalizer takes numbers, got {values!r}") from None

    def _apply(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Log1p(Normalizer):
    """log(1 + x)."""

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return np.log1p(x)


@dataclasses.dataclass(frozen=True)
class ZScore(Normalizer):
    """(x - mean) / stddev; stddev > 0."""

    mean: float
    stddev: float

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean) / self.stddev


@dataclasses.dataclass(frozen=True)
class MinMax(Normalizer):
    """(x - min) / (max - min): [min, max] becomes [0, 1]; min < max."""

    min: float
    max: float

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return (x - self.min) / (self.max - self.min)


@dataclasses.dataclass(frozen=True)
class Clip(Normalizer):
    """x, but min where it is less and max where it is more; NaN stays."""

    min: float
    max: float

    def _apply(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, self.min, self.max)


def serialize(normalizer: Normalizer) -> dict[str, Any]:
    """{"class_name": ..., "config": ...}."""
    return {"class_name": type(normalizer).__name__, "config": normalizer.get_config()}


def deserialize(config: Mapping[str, Any]) -> Normalizer:
    """The normalizer that `serialize` describes. Raises ValueError for an unknown one."""
    known = {kind.__name__: kind for kind in (Clip, Log1p, MinMax, ZScore)}
    whole = config if isinstance(config, Mapping) else {}
    name, fields = whole.get("class_name"), whole.get("config")
    if not isinstance(name, str) or not isinstance(fields, Mapping):
        raise InvalidArgumentError(f"a normalizer has class_name and config, got {config!r}")
    if name not in known:
        raise InvalidArgumentError(f"Unknown normalizer {name!r}: it is one of {', '.join(known)}")
    _core.check_normalizer([(name, dict(fields))])
    return known[name](**fields)


def declared(normalizer_fn: Any) -> tuple[Normalizer, ...] | None:
    """The declared normalizers that `normalizer_fn` is; None if it is another callable or None."""
    if isinstance(normalizer_fn, Normalizer):
        return (normalizer_fn,)
    if not isinstance(normalizer_fn, list | tuple):
        return None
    for step in normalizer_fn:
        if not isinstance(step, Normalizer):
            raise InvalidArgumentError(
                f"a list of normalizers holds normalizers of weft.normalizers, not {step!r}; "
                "call them from one function instead"
            )
    return tuple(normalizer_fn)
