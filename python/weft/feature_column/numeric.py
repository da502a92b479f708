"""Numbers."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from weft import dtypes, normalizers
from weft.errors import InvalidArgumentError, OutOfRangeError, WrongTypeError
from weft.feature_column.base import DenseColumn, column_class, io

__all__ = [
    "NumberColumn",
    "NumericColumn",
    "SequenceNumericColumn",
    "numeric_column",
    "sequence_numeric_column",
]

Function = Callable[[np.ndarray], np.ndarray] | Sequence[normalizers.Normalizer]


class NumberColumn(DenseColumn):
    """A column of the numbers of one feature: what a `bucketized_column` cuts into buckets."""

    normalizer_fn: Function | None

    def __post_init__(self, **changed: Any) -> None:
        """Takes a normalizer, several in a list, or any callable."""
        steps = normalizers.declared(self.normalizer_fn)
        if steps is None:
            super().__post_init__(**changed)
            return
        given = steps[0] if isinstance(self.normalizer_fn, normalizers.Normalizer) else steps
        made = [(type(step).__name__, step.get_config()) for step in steps]
        super().__post_init__(**changed, normalizer_fn=made)
        self.__dict__["normalizer_fn"] = given


@column_class
class NumericColumn(NumberColumn):
    """Numbers of one row. See `numeric_column`."""

    key: str
    shape: int | Iterable[int] = (1,)
    default_value: Any = None
    dtype: Any = dtypes.float32
    normalizer_fn: Function | None = None

    def __post_init__(self) -> None:
        """Takes shape, dtype and default in all their forms."""
        dtype = dtypes.as_dtype(self.dtype)
        default_value = self.default_value
        if default_value is not None:
            default_value = _default(default_value, dtype, self.key)
        shape = _shape(self.shape, self.key)
        super().__post_init__(shape=shape, dtype=dtype, default_value=default_value)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """One FixedLenFeature; its default not yet rounded to `dtype`."""
        return {self.key: io().FixedLenFeature(self.shape, self.dtype, self.default_value)}


@column_class
class SequenceNumericColumn(NumberColumn):
    """Numbers of each step. See `sequence_numeric_column`."""

    key: str
    shape: int | Iterable[int] = (1,)
    default_value: float = 0.0
    dtype: Any = dtypes.float32
    normalizer_fn: Function | None = None

    def __post_init__(self) -> None:
        """Takes shape, dtype and default in all their forms."""
        if isinstance(self.default_value, bool) or not isinstance(self.default_value, numbers.Real):
            raise WrongTypeError(
                "default_value must be a number. "
                f"default_value: {self.default_value!r}, key: {self.key}"
            )
        super().__post_init__(
            shape=_shape(self.shape, self.key),
            default_value=_default(self.default_value, dtypes.float64, self.key),
            dtype=dtypes.as_dtype(self.dtype),
        )


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
        normalizer_fn: one of `weft.normalizers` or a list of them, which can be saved; or a
            callable, which is given the 1-D array of all values of a batch and returns as many.

    Raises TypeError if a dimension is no integer, a default does not fit `dtype` or `normalizer_fn`
    is not callable; ValueError if a dimension is not greater than 0 or a default has another shape.
    """
    return NumericColumn(**locals())


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
    return SequenceNumericColumn(**locals())


def _shape(shape: Any, key: Any) -> tuple[int, ...]:
    listed = isinstance(shape, Iterable) and not isinstance(shape, str | bytes | Set | Mapping)
    dims = tuple(shape) if listed else (shape,)
    for dim in dims:
        if isinstance(dim, bool) or not isinstance(dim, numbers.Integral):
            raise WrongTypeError(f"shape dimensions must be integer. shape: {shape!r}, key: {key}")
        if dim < 1:
            raise InvalidArgumentError(
                f"shape dimensions must be greater than 0. shape: {shape!r}, key: {key}"
            )
    return tuple(int(dim) for dim in dims)


def _default(value: Any, dtype: dtypes.DType, key: Any) -> np.ndarray:
    """One number or an array of them: float64 if `dtype` is floating, otherwise int64."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidArgumentError(
            "The shape of default_value must be equal to given shape. "
            f"default_value: {value!r}, key: {key}"
        ) from None
    # numpy has no type for integers beyond 64 bits; they are numbers all the same.
    large = array.dtype.kind == "O" and all(isinstance(v, numbers.Real) for v in array.flat)
    if not (array.dtype.kind in ("biuf" if dtype.is_floating else "biu") or large):
        raise WrongTypeError(
            "default_value must be compatible with dtype. "
            f"default_value: {value!r}, dtype: {dtype.name}, key: {key}"
        )
    try:
        if dtype.is_floating:
            return array.astype(np.float64)
        return np.array(array.tolist(), np.int64).reshape(array.shape)
    except OverflowError:
        raise OutOfRangeError(
            f"default_value does not fit into 64 bits. default_value: {value!r}, key: {key}"
        ) from None
