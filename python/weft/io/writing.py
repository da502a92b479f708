"""Columns -> TFRecord files of Examples: `write_tfrecords`."""

import contextlib
import itertools
import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from weft import arrow
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.parsing import encode_examples
from weft.io.records import Path, TFRecordOptions, TFRecordWriter, file_name

__all__ = ["write_tfrecords"]


def write_tfrecords(
    data: Any,
    path: Path,
    num_shards: int | None = None,
    options: str | TFRecordOptions | None = None,
) -> list[str]:
    """Writes each row of `data` as an Example, and returns the paths of the files.

    `data`: a dict from feature name to column, as `encode_examples` takes it (arrays, nested lists,
    `Ragged`, `SparseTensor`, Arrow arrays); a pandas DataFrame, whose index is left out; an Arrow
    table, record batch or stream of them, of which a null is a row without values; or an iterable
    of any of these.
    `path`: the file; with `num_shards` the files are path-00000-of-00004 and so on, as TensorFlow
    and Beam name them, and row i goes into file i % num_shards: reading them back by
    `interleave(num_shards)` gives the order of the rows.
    `options`: as of `TFRecordWriter`; "GZIP" compresses.

    The files appear under their names when all rows are written; after an exception there are none.
    Raises ValueError and TypeError as `encode_examples` does, ValueError for data without columns,
    OSError.
    """
    paths = _shards(os.fsdecode(file_name(path, "path")), num_shards)
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(TFRecordWriter(p, options)) for p in paths]
        turns = itertools.cycle(writers)
        for columns in _batches(data):
            if not columns:
                raise InvalidArgumentError("the data has no columns, and so no rows to write")
            for record in encode_examples(columns):
                next(turns).write(record)
    return paths


def _shards(path: str, num_shards: int | None) -> list[str]:
    if num_shards is None:
        return [path]
    if isinstance(num_shards, bool) or not hasattr(num_shards, "__index__"):
        raise WrongTypeError(f"num_shards must be an integer, got {num_shards!r}")
    num_shards = operator.index(num_shards)
    if not 1 <= num_shards <= 99_999:
        raise InvalidArgumentError(f"num_shards must be in [1, 99999], got {num_shards}")
    return [f"{path}-{i:05d}-of-{num_shards:05d}" for i in range(num_shards)]


def _batches(data: Any) -> Iterator[Mapping[str, Any]]:
    """What `data` holds, as dicts of columns."""
    if isinstance(data, Mapping):
        yield data
    elif hasattr(data, "columns") and hasattr(data, "items"):  # a pandas DataFrame
        yield {str(name): column.to_numpy() for name, column in data.items()}
    elif hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        yield from arrow.batches(data)
    elif isinstance(data, Iterable) and not isinstance(data, (str, bytes, np.ndarray)):
        for batch in data:
            yield from _batches(batch)
    else:
        raise WrongTypeError(
            "write_tfrecords takes a dict of columns, a DataFrame, Arrow data or an iterable of "
            f"these, got {type(data).__name__}"
        )
