"""`Ragged` and `SparseTensor`: what ragged data looks like on the way in and out."""

import html

import numpy as np

from weft._core import Ragged, SparseTensor

__all__ = ["Ragged", "SparseTensor"]

_SHOWN_ROWS = 8
_SHOWN_VALUES = 12


def _restore_ragged(flat_values: np.ndarray, row_splits: tuple[np.ndarray, ...]) -> Ragged:
    return Ragged.from_nested_row_splits(flat_values, row_splits)


def _restore_sparse(rows: Ragged) -> SparseTensor:
    return SparseTensor.from_rows(rows)


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


def _to_dense(self: SparseTensor, default_value: object = None) -> np.ndarray:
    """The dense array, `default_value` (0 or b"" by default) where nothing is. As tf.sparse.to_dense."""
    if default_value is None:
        default_value = b"" if self.dtype.name == "string" else 0
    dense = np.full(self.shape, default_value, dtype=self.dtype.as_numpy_dtype)
    dense[tuple(self.indices.T)] = self.values
    return dense


Ragged.__repr__ = _ragged_repr
Ragged._repr_html_ = _ragged_html
SparseTensor.__repr__ = _sparse_repr
SparseTensor.to_dense = _to_dense
