"""Numbers."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from weft import _core, dtypes
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.feature_column.base import DenseColumn, io, key_of

__all__ = [
    "NumericColumn",
    "SequenceNumericColumn",
    "numeric_column",
    "sequence_numeric_column",
]

Function = Callable[[np.ndarray], np.ndarray]


class NumericColumn(DenseColumn):
    """Numbers of one row. See `numeric_column`."""

    _FIELDS = ("key", "shape", "default_value", "dtype", "normalizer_fn")

    def __init__(
        self,
        key: str,
        shape: int | Iterable[int] = (1,),
        default_value: Any = None,
        dtype: Any = dtypes.float32,
        normalizer_fn: Function | None = None,
    ):
        shape, dtype = _shape(shape, key), dtypes.as_dtype(dtype)
        default_value = _default(shape, default_value, dtype, key)
        whole = default_value is None or all(isinstance(v, int) for v in _flat(default_value))
        given = None if default_value is None else np.array(default_value, "i8" if whole else "f8")
        core = _core.numeric_column(key_of(key), shape, given, dtype, normalizer_fn)
        self._declare(
            core,
            key=key,
            shape=shape,
            default_value=default_value,
            dtype=dtype,
            normalizer_fn=normalizer_fn,
        )

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        return self.shape

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """One FixedLenFeature."""
        return {self.key: io().FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def get_config(self) -> dict[str, Any]:
        """The fields; of a function its name."""
        return {**super().get_config(), "normalizer_fn": _function_name(self.normalizer_fn)}


class SequenceNumericColumn(DenseColumn):
    """Numbers of each step. See `sequence_numeric_column`."""

    _FIELDS = ("key", "shape", "default_value", "dtype", "normalizer_fn")

    def __init__(
        self,
        key: str,
        shape: int | Iterable[int] = (1,),
        default_value: float = 0.0,
        dtype: Any = dtypes.float32,
        normalizer_fn: Function | None = None,
    ):
        shape, dtype = _shape(shape, key), dtypes.as_dtype(dtype)
        if isinstance(default_value, bool) or not isinstance(default_value, numbers.Real):
            raise WrongTypeError(
                f"default_value must be a number. default_value: {default_value!r}, key: {key}"
            )
        core = _core.sequence_numeric_column(
            key_of(key), shape, float(default_value), dtype, normalizer_fn
        )
        self._declare(
            core,
            key=key,
            shape=shape,
            default_value=default_value,
            dtype=dtype,
            normalizer_fn=normalizer_fn,
        )

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one step."""
        return self.shape

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """One VarLenFeature."""
        return {self.key: io().VarLenFeature(self.dtype)}


def numeric_column(
    key: str,
    shape: int | Iterable[int] = (1,),
    default_value: Any = None,
    dtype: Any = dtypes.float32,
    normalizer_fn: Function | None = None,
) -> NumericColumn:
    """Numbers of one row, as floats.

    Args:
        key: the feature's name, and the column's.
        shape: of one row.
        default_value: for records without the feature: a number, or numbers nested as `shape`.
            Parsing fails on such a record when it is None.
        dtype: what is parsed: an integer or floating type.
        normalizer_fn: is given the 1-D array of all values of a batch, and returns as many.

    Raises TypeError if a dimension is no integer, a default does not fit `dtype` or `normalizer_fn`
    is not callable; ValueError if a dimension is not greater than 0 or a default has another shape.
    """
    return NumericColumn(key, shape, default_value, dtype, normalizer_fn)


def sequence_numeric_column(
    key: str,
    shape: int | Iterable[int] = (1,),
    default_value: float = 0.0,
    dtype: Any = dtypes.float32,
    normalizer_fn: Function | None = None,
) -> SequenceNumericColumn:
    """Numbers of each step: every size(shape) values of a row are a step.

    `default_value` is what padding and holes hold. `normalizer_fn` is given the 1-D array of the
    values that are there, and not the padding. Raises as `numeric_column`.
    """
    return SequenceNumericColumn(key, shape, default_value, dtype, normalizer_fn)


def _shape(shape: Any, key: Any) -> tuple[int, ...]:
    dims = tuple(shape) if isinstance(shape, Iterable) and not isinstance(shape, str) else (shape,)
    for dim in dims:
        if isinstance(dim, bool) or not isinstance(dim, numbers.Integral):
            raise WrongTypeError(f"shape dimensions must be integer. shape: {shape!r}, key: {key}")
        if dim < 1:
            raise InvalidArgumentError(
                f"shape dimensions must be greater than 0. shape: {shape!r}, key: {key}"
            )
    return tuple(int(dim) for dim in dims)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _spread(shape: tuple[int, ...], value: float) -> Any:
    return tuple(_spread(shape[1:], value) for _ in range(shape[0])) if shape else value


def _tuple(value: Any) -> Any:
    return tuple(_tuple(v) for v in value) if isinstance(value, list | tuple) else value


def _has_shape(value: Any, shape: tuple[int, ...]) -> bool:
    if not shape:
        return not isinstance(value, tuple)
    if not isinstance(value, tuple) or len(value) != shape[0]:
        return False
    return all(_has_shape(part, shape[1:]) for part in value)


def _default(shape: tuple[int, ...], value: Any, dtype: dtypes.DType, key: Any) -> Any:
    """The default as TensorFlow keeps it: Python's numbers in tuples nested as `shape`."""
    if value is None:
        return None
    if callable(getattr(value, "tolist", None)):
        value = value.tolist()
    value = _tuple(value)
    kinds = {type(v) for v in _flat(value)}
    if not kinds <= ({int, bool, float} if dtype.is_floating else {int, bool}):
        raise WrongTypeError(
            "default_value must be compatible with dtype. "
            f"default_value: {value!r}, dtype: {dtype.name}, key: {key}"
        )
    if not isinstance(value, tuple):
        return _spread(shape, value)
    if not _has_shape(value, shape):
        raise InvalidArgumentError(
            "The shape of default_value must be equal to given shape. "
            f"default_value: {value!r}, shape: {shape}, key: {key}"
        )
    return value


def _function_name(function: Any) -> str | None:
    return None if function is None else getattr(function, "__name__", str(function))
