"""What functions check of their arguments; the errors name them."""

import numbers
import os
from typing import Any

import numpy as np

from weft.errors import OutOfRangeError, WrongTypeError


def integer(value: Any, argument: str, what: str = "an integer") -> int:
    """`value` as an int; TypeError for anything but integers."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise WrongTypeError(f"`{argument}` must be {what}, got {value!r}")
    return int(value)


def number(value: Any, argument: str) -> float:
    """`value` as a float; TypeError for anything but numbers, ValueError for too large ones."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise WrongTypeError(f"`{argument}` must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:
        raise OutOfRangeError(f"`{argument}` does not fit into float64") from None


def flag(value: Any, argument: str) -> bool:
    """`value` as a bool; TypeError for what only counts as one."""
    if not isinstance(value, bool | np.bool_):
        raise WrongTypeError(f"`{argument}` must be True or False, got {value!r}")
    return bool(value)


def path(value: Any, argument: str) -> str | bytes:
    """`value` as the file's name; TypeError for what is no path."""
    try:
        return os.fspath(value)
    except TypeError:
        raise WrongTypeError(f"{argument}: not a path: {value!r}") from None
