"""Record files: `TFRecordDataset` reads them, `TFRecordWriter` writes them."""

import itertools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from weft import _core
from weft.config import Limits
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = ["TFRecordDataset", "TFRecordOptions", "TFRecordWriter"]

Path = str | bytes | os.PathLike
OnError = str | Callable[[Exception], None]

_COMPRESSIONS = {"": "NONE", "GZIP": "GZIP", "ZLIB": "ZLIB"}
_AUTOTUNE = -1  # tf.data.AUTOTUNE
_AUTOTUNE_READS = 4


def _compression(compression_type: str | None) -> str:
    """The member of Compression that TensorFlow's name stands for."""
    if compression_type is not None and not isinstance(compression_type, str):
        raise WrongTypeError(f"compression_type must be a str or None, got {compression_type!r}")
    name = _COMPRESSIONS.get(compression_type or "")
    if name is None:
        raise InvalidArgumentError(
            f'compression_type must be None, "", "GZIP" or "ZLIB", got "{compression_type}"'
        )
    return name


def _path(path: Path, argument: str) -> bytes:
    """The file name as the system has it."""
    try:
        name = os.fsencode(path)
    except TypeError:
        raise WrongTypeError(f"{argument}: not a path: {path!r}") from None
    if not name:
        raise InvalidArgumentError(f"{argument}: the path is empty")
    return name


def _paths(filenames: Path | Iterable[Path]) -> list[bytes]:
    if isinstance(filenames, (str, bytes, os.PathLike)):
        return [_path(filenames, "filenames")]
    if not isinstance(filenames, Iterable):
        raise WrongTypeError(f"filenames: neither a path nor several: {filenames!r}")
    return [_path(path, "filenames") for path in filenames]


class TFRecordDataset:
    """The records of one or many TFRecord files, as tf.data.TFRecordDataset.

    An immutable description of what to read, in which order. Iterating opens the files, any number
    of times, and gives

    * `bytes`, one record each, as it stands;
    * arrays of `bytes`, shape [n], after `batch(n)`: a `StringArray`, which `parse_example` reads
      as it is and everything else sees as an object array;
    * dicts from feature name to value, as from `weft.io.parse_example`, after `parse(spec)`.

    Every method returns a new dataset and acts on the elements as they are at its place: records,
    or batches after `batch`. The order is always the same, and the one TensorFlow would give.

    Files are read and inflated ahead on threads. Errors while iterating: `weft.CorruptDataError`
    for damage, with `.file`, `.record` and `.offset`; FileNotFoundError; OSError. A file of another
    kind (text, Parquet, a Git LFS pointer, ...) is named in the message.
    """

    def __init__(
        self,
        filenames: Path | Iterable[Path],
        compression_type: str | None = None,
        buffer_size: int | None = None,
        num_parallel_reads: int | None = None,
        name: str | None = None,
        *,
        on_error: OnError = "raise",
        verify_crc: bool = True,
        limits: Limits | None = None,
    ):
        """Describes the records of `filenames`: a path or an iterable of paths.

        `compression_type`: None or "" for files that are plain, gzip or zlib, which their first
        bytes tell; "GZIP" or "ZLIB" for files that must be that.
        `num_parallel_reads`: as `interleave(num_parallel_reads)`; tf.data.AUTOTUNE (-1) is 4.
        `buffer_size`, `name`: accepted for TensorFlow's sake, without effect.
        `on_error`: "raise"; "skip" to leave damaged records out and count them; or a function that
        is called with the error of each place left out, on the iterating thread.
        `verify_crc`: whether to check the data of each record against its checksum. The checksum of
        its length is always checked.
        `limits`: what a file may ask for, a `weft.Limits`; also of `parse`.
        """
        if on_error not in ("raise", "skip") and not callable(on_error):
            raise InvalidArgumentError(
                f'on_error must be "raise", "skip" or a function, got {on_error!r}'
            )
        compression = _compression(compression_type)
        self._arguments = (_paths(filenames), compression, bool(verify_crc), on_error, limits)
        self._steps: tuple[tuple[str, tuple[Any, ...]], ...] = ()
        self._counted: tuple[dict[str, int], ...] = (_no_counts(),)
        self._core = self._describe()
        if num_parallel_reads is not None:
            reads = _AUTOTUNE_READS if num_parallel_reads == _AUTOTUNE else num_parallel_reads
            self._steps = (("interleave", (reads, 1)),)
            self._core = self._core.interleave(reads, 1)

    def _describe(self) -> _core.Dataset:
        """What was given, as the library has it."""
        paths, compression, verify_crc, on_error, limits = self._arguments
        # A record file that is said to be plain may still be gzip: the contents decide.
        kind = (
            _core.Compression.AUTO
            if compression == "NONE"
            else getattr(_core.Compression, compression)
        )
        on_skip = on_error if callable(on_error) else None
        return _core.Dataset.records(paths, kind, verify_crc, on_error != "raise", on_skip, limits)

    def _then(self, method: str, *arguments: Any) -> "TFRecordDataset":
        made = object.__new__(TFRecordDataset)
        made._arguments = self._arguments
        made._steps = (*self._steps, (method, arguments))
        made._counted = (_no_counts(), *self._counted)
        made._core = getattr(self._core, method)(*arguments)
        return made

    def shuffle_files(self, seed: int) -> "TFRecordDataset":
        """The files in a random order: the same for the same seed, so give each epoch its own."""
        return self._then("shuffle_files", seed)

    def shard_files(self, num_shards: int, index: int) -> "TFRecordDataset":
        """Every num_shards-th file, from file `index` on: each worker opens only its own."""
        return self._then("shard_files", num_shards, index)

    def interleave(self, cycle_length: int, block_length: int = 1) -> "TFRecordDataset":
        """Reads `cycle_length` files at a time, `block_length` records from each in turn."""
        return self._then("interleave", cycle_length, block_length)

    def shard(self, num_shards: int, index: int) -> "TFRecordDataset":
        """Every num_shards-th element, from element `index` on."""
        return self._then("shard", num_shards, index)

    def skip(self, count: int) -> "TFRecordDataset":
        """All but the first `count` elements; none for -1."""
        return self._then("skip", count)

    def take(self, count: int) -> "TFRecordDataset":
        """The first `count` elements; all for -1."""
        return self._then("take", count)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> "TFRecordDataset":
        """Batches of `batch_size` records, a smaller last one included unless `drop_remainder`."""
        return self._then("batch", batch_size, drop_remainder)

    def parse(self, spec: Mapping[str, Any], strict: bool = True) -> "TFRecordDataset":
        """Batches of features, as `weft.io.parse_example(batch, spec)` gives them, but faster.

        Without `batch`, batches of 512. Errors name file and record as well as key and row. With
        strict=False a record of another message type is a warning, as in `parse_example`.
        """
        return self._then("parse", spec, strict, self._arguments[-1])

    def __iter__(self) -> Iterator[Any]:
        if self._core.parses():
            features = _core.BatchStream(self._core)
            return self._elements(features, features.next)
        records = _core.RecordStream(self._core)
        if self._core.batch_size() > 0:
            return self._elements(records, records.next)
        return itertools.chain.from_iterable(self._elements(records, records.next_list))

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The same as iter(): everything is numpy or bytes already."""
        return iter(self)

    def _elements(
        self, stream: _core.RecordStream | _core.BatchStream, next_element: Callable[[], Any]
    ) -> Iterator[Any]:
        """What the stream gives until its end, counted."""
        before = _no_counts()
        try:
            while (element := next_element()) is not None:
                before = self._count(stream, before)
                yield element
        finally:
            self._count(stream, before)

    def _count(self, stream: Any, before: dict[str, int]) -> dict[str, int]:
        now = stream.counters()
        for counts in self._counted:
            for name, value in now.items():
                counts[name] += value - before[name]
        return now

    def counters(self) -> dict[str, int]:
        """What iterating over this dataset, and over datasets made from it, has read so far.

        `records` and their `bytes`; `skipped`, the damaged places left out under `on_error`, and
        `skipped_bytes`, the bytes of the files left out there.
        """
        return dict(self._counted[0])

    @property
    def files(self) -> list[str]:
        """The files, in the order in which they are opened."""
        return self._core.files()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._arguments, self._steps)

    def __repr__(self) -> str:
        steps = "".join(
            f".{name}(...)" if name == "parse" else f".{name}{arguments!r}".replace(",)", ")")
            for name, arguments in self._steps
        )
        return f"<weft.io.TFRecordDataset of {len(self.files)} files{steps}>"


def _no_counts() -> dict[str, int]:
    return dict.fromkeys(("records", "bytes", "skipped", "skipped_bytes"), 0)


def _restore(arguments: tuple[Any, ...], steps: tuple[Any, ...]) -> TFRecordDataset:
    """Unpickles a dataset."""
    paths, compression, verify_crc, on_error, limits = arguments
    names = {made: name for name, made in _COMPRESSIONS.items()}
    made = TFRecordDataset(
        paths, names[compression], on_error=on_error, verify_crc=verify_crc, limits=limits
    )
    for method, step in steps:
        made = made._then(method, *step)
    return made


class TFRecordOptions:
    """How to write a file, as tf.io.TFRecordOptions."""

    def __init__(
        self,
        compression_type: str | None = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ):
        """`compression_level`: 0 (stored) to 9 (smallest) for "GZIP" and "ZLIB"; None is 6.

        The other arguments are TensorFlow's and have no effect.
        """
        _compression(compression_type)
        self.compression_type = compression_type
        self.compression_level = compression_level


class TFRecordWriter:
    """Writes records to one file, as tf.io.TFRecordWriter.

    The file appears under its name, complete and durable, in `close()`, replacing what was there;
    without it, and when a `with` block ends in an exception, nothing is kept.
    """

    def __init__(self, path: Path, options: "str | TFRecordOptions | None" = None):
        """`options`: None or "" for a plain file, "GZIP", "ZLIB", or a `TFRecordOptions`.

        Raises FileNotFoundError if the folder does not exist, OSError if the file cannot be
        written.
        """
        self._closed = True
        level = getattr(options, "compression_level", None)
        compression = _compression(getattr(options, "compression_type", options))
        kind = getattr(_core.Compression, compression)
        self._path = _path(path, "path")
        self._core = _core.RecordWriter(self._path, kind, level)
        self._closed = False

    def write(self, record: bytes | bytearray | memoryview | str) -> None:
        """Appends one record; a `str` is written as UTF-8."""
        if isinstance(record, (bytearray, memoryview)):
            record = bytes(record)
        self._core.write(record)

    def flush(self) -> None:
        """Hands everything written so far to the system."""
        self._core.flush()

    def close(self) -> None:
        """Completes the file; a second call does nothing.

        Raises OSError, and then nothing is kept.
        """
        self._closed = True
        self._core.close()

    def counters(self) -> dict[str, int]:
        """`records` written and their `bytes`."""
        counts = self._core.counters()
        return {name: counts[name] for name in ("records", "bytes")}

    def __enter__(self) -> "TFRecordWriter":
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        if error_type is None:
            self.close()
        else:
            self._closed = True
            self._core.discard()

    def __del__(self) -> None:
        if not self._closed:
            name = os.fsdecode(self._path)
            warnings.warn(
                f"TFRecordWriter of {name!r} was not closed: nothing is kept", stacklevel=1
            )
