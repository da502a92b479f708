"""The time between events."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from weft import dtypes
from weft.errors import WrongTypeError
from weft.feature_column.base import column_class
from weft.feature_column.numeric import Function, NumberColumn

__all__ = ["SequenceTimeDeltaColumn", "sequence_time_delta_column"]


@column_class
class SequenceTimeDeltaColumn(NumberColumn):
    """The time between events. See `sequence_time_delta_column`."""

    key: str
    reference_key: str | None = None
    unit: float = 1.0
    default_value: float = 0.0
    dtype: Any = dtypes.int64
    normalizer_fn: Function | None = None

    def __post_init__(self) -> None:
        """Takes a dtype in all its forms."""
        if isinstance(self.unit, datetime.timedelta | np.timedelta64):
            raise WrongTypeError(
                "unit must be a number, in the unit of the times: 3600 for an hour of seconds. "
                f"Given: {self.unit!r}, key: {self.key}"
            )
        super().__post_init__(dtype=dtypes.as_dtype(self.dtype))


def sequence_time_delta_column(
    key: str,
    reference_key: str | None = None,
    unit: float = 1.0,
    default_value: float = 0.0,
    dtype: Any = dtypes.int64,
    normalizer_fn: Function | None = None,
) -> SequenceTimeDeltaColumn:
    """The time between the steps of a sequence, or from each step to a request. Not in TensorFlow.

    Args:
        key: the feature with the time of each step, in any unit: seconds since 1970, say.
        reference_key: the feature with one time a row, that of the request: the result is the time
            from the step to it. When None, it is the time since the step before, 0 at the first.
        unit: the result is divided by it: 3600 makes hours of seconds.
        default_value: what padding holds.
        dtype: of both features: an integer or floating type. Integers are subtracted exactly.
        normalizer_fn: as in `numeric_column`; `weft.normalizers.Log1p()` suits times.

    For log buckets: `bucketized_column(column, log_boundaries(1, 720, 12))`. To drop events after
    the request, see `cutoff` of `weft.layers.SequenceFeatures`.

    Raises TypeError for a `unit` that is no number, ValueError unless it is greater than 0 and
    `dtype` is an integer or floating.
    """
    return SequenceTimeDeltaColumn(**locals())
