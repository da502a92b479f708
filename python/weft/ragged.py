"""`Ragged` and `SparseTensor`: what ragged data looks like on the way in and out."""

from typing import Any

import numpy as np

from weft._core import DType, Ragged, SparseTensor
from weft.errors import WrongTypeError

__all__ = ["Ragged", "SparseTensor", "constant"]

_SHOWN_ROWS = 8
_SHOWN_VALUES = 12


def constant(pylist: list, dtype: object = None) -> Ragged:
    """A Ragged from nested lists, as tf.ragged.constant; `Ragged.from_lists` is the same."""
    return Ragged.from_lists(pylist, dtype)


def _restore_ragged(flat_values: np.ndarray, row_splits: tuple[np.ndarray, ...]) -> Ragged:
    return Ragged.from_nested_row_splits(flat_values, row_splits)


def _restore_sparse(rows: Ragged) -> SparseTensor:
    return SparseTensor.from_rows(rows)


def _restore_indexed(
    indices: np.ndarray, values: np.ndarray, dense_shape: np.ndarray
) -> SparseTensor:
    return SparseTensor._unordered(indices, values, dense_shape)


def _row_text(row: Ragged | np.ndarray) -> str:
    """One row, cut after a dozen values."""
    if isinstance(row, Ragged):
        return _rows_text(row, ", ")
    shown = [repr(value) for value in row[:_SHOWN_VALUES].tolist()]
    return "[" + ", ".join(shown + ["..."] * (len(row) > _SHOWN_VALUES)) + "]"


def _rows_text(ragged: Ragged, separator: str) -> str:
    shown = [_row_text(ragged[i]) for i in range(min(len(ragged), _SHOWN_ROWS))]
    return "[" + separator.join(shown + ["..."] * (len(ragged) > _SHOWN_ROWS)) + "]"


def _ragged_repr(self: Ragged) -> str:
    return f"<weft.Ragged {_rows_text(self, ', ')}, shape={self.shape}, dtype={self.dtype.name}>"


def _ragged_html(self: Ragged) -> str:
    """A table of the first rows for notebooks."""
    import html  # only here: it takes as long to load as the rest of the package

    rows = "".join(
        f"<tr><td>{i}</td><td style='text-align:left'>{html.escape(_row_text(self[i]))}</td></tr>"
        for i in range(min(len(self), _SHOWN_ROWS))
    )
    more = f"<tr><td>...</td><td>{len(self)} rows</td></tr>" if len(self) > _SHOWN_ROWS else ""
    head = f"Ragged {self.shape}, {self.dtype.name}".replace("None", "?")
    return f"<table><caption>{html.escape(head)}</caption><tbody>{rows}{more}</tbody></table>"


def _sparse_repr(self: SparseTensor) -> str:
    values = _row_text(self.values)
    return f"<weft.SparseTensor values={values}, shape={self.shape}, dtype={self.dtype.name}>"


def _default(dtype: DType, value: Any) -> Any:
    """What pads: `value` if it is one of `dtype`, without loss; 0 or b"" if it is None."""
    if value is None:
        return b"" if dtype.name == "string" else 0
    if dtype.name == "string":
        if isinstance(value, str | bytes):
            return value.encode() if isinstance(value, str) else value
    else:
        given = np.asarray(value)
        if given.dtype.kind in "biuf":
            with np.errstate(invalid="ignore", over="ignore"):
                made = given.astype(dtype.as_numpy_dtype)
            if dtype.is_floating or np.array_equal(made, given):
                return made
    raise WrongTypeError(f"`default_value` must be {dtype.name}, got {value!r}")


def _to_tensor(self: Ragged, default_value: object = None) -> np.ndarray:
    """The padded array [rows, longest row, ...], with `default_value` (0 or b"") behind each row.

    As tf.RaggedTensor.to_tensor.
    """
    if self.ragged_rank > 1:
        return self.to_sparse().to_dense(default_value)
    values, filler = self.flat_values, _default(self.dtype, default_value)
    if self.dtype.name != "string":
        return self._padded(np.full(values.shape[1:], filler, values.dtype))
    lengths = self.row_lengths()
    padded = np.full((len(self), int(lengths.max(initial=0)), *values.shape[1:]), filler, object)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = values
    return padded


def _to_dense(self: SparseTensor, default_value: object = None) -> np.ndarray:
    """The dense array, with `default_value` (0 or b"") where nothing is. As tf.sparse.to_dense."""
    filler = _default(self.dtype, default_value)
    dense = np.full(self.shape, filler, dtype=self.dtype.as_numpy_dtype)
    dense[tuple(self.indices.T)] = self.values
    return dense


Ragged.__repr__ = _ragged_repr
Ragged._repr_html_ = _ragged_html
Ragged.to_tensor = _to_tensor
SparseTensor.__repr__ = _sparse_repr
SparseTensor.to_dense = _to_dense
