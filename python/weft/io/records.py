"""Single record files: `TFRecordWriter` writes them, `RecordFile` reads them in any order."""

import operator
import os
import warnings
from collections.abc import Iterable, Sequence
from typing import overload

from weft import _core, arguments
from weft.config import Limits
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = ["RecordFile", "TFRecordOptions", "TFRecordWriter", "build_index"]

Path = str | bytes | os.PathLike

COMPRESSIONS = {"": "NONE", "GZIP": "GZIP", "ZLIB": "ZLIB"}


def compression_name(compression_type: str | None) -> str:
    """The member of Compression that TensorFlow's name stands for."""
    if compression_type is not None and not isinstance(compression_type, str):
        raise WrongTypeError(f"compression_type must be a str or None, got {compression_type!r}")
    name = COMPRESSIONS.get(compression_type or "")
    if name is None:
        raise InvalidArgumentError(
            f'compression_type must be None, "", "GZIP" or "ZLIB", got "{compression_type}"'
        )
    return name


def file_name(path: Path, argument: str) -> bytes:
    """The file name as the system has it."""
    name = os.fsencode(arguments.path(path, argument))
    if not name:
        raise InvalidArgumentError(f"{argument}: the path is empty")
    return name


def file_names(filenames: Path | Iterable[Path]) -> list[bytes]:
    if isinstance(filenames, (str, bytes, os.PathLike)):
        return [file_name(filenames, "filenames")]
    if not isinstance(filenames, Iterable):
        raise WrongTypeError(f"filenames: neither a path nor several: {filenames!r}")
    return [file_name(path, "filenames") for path in filenames]


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
        """`compression_level`: 0 (stored) to 9 (smallest) for "GZIP" and "ZLIB"; None and -1 are 6.

        The other arguments are TensorFlow's and have no effect.
        """
        compression_name(compression_type)
        if compression_level is not None:
            compression_level = arguments.integer(compression_level, "compression_level")
            if not -1 <= compression_level <= 9:
                raise InvalidArgumentError(
                    f"`compression_level` must be 0 to 9, got {compression_level}"
                )
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
        compression = compression_name(getattr(options, "compression_type", options))
        kind = getattr(_core.Compression, compression)
        self._path = file_name(path, "path")
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


def build_index(path: Path, index: Path | None = None, limits: Limits | None = None) -> str:
    """Writes the index of a plain file, for `RecordFile`, and returns its path.

    `index` is `path` + ".idx" when it is None. The file is read to its end, with all checks. The
    index appears complete or not at all. Raises ValueError for a compressed file,
    `weft.CorruptDataError` for damage, OSError.
    """
    name = file_name(path, "path")
    to = name + b".idx" if index is None else file_name(index, "index")
    _core.build_index(name, to, limits)
    return os.fsdecode(to)


class RecordFile(Sequence[bytes]):
    """The records of one plain file, in any order: `records[i]`, slices, `len(records)`.

    Any number of threads may share one; it pickles, and may be used in forked workers. Reading a
    record that is damaged raises `weft.CorruptDataError`.
    """

    def __init__(
        self,
        path: Path,
        index: Path | None = None,
        *,
        verify_crc: bool = True,
        limits: Limits | None = None,
    ):
        """Opens the file.

        `index`: of `build_index`, or text as NVIDIA DALI's tfrecord2idx and the tfrecord package
        write it; None for `path` + ".idx" if that exists, and else the file is read once to its
        end. Raises ValueError for a compressed file, and for an index that is stale: the file has
        another size or time than when it was made.
        """
        to = None if index is None else file_name(index, "index")
        self._arguments = (
            file_name(path, "path"),
            to,
            arguments.flag(verify_crc, "verify_crc"),
            limits,
        )
        self._core = _core.RecordFile(*self._arguments)

    def __len__(self) -> int:
        return self._core.size()

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """The record, counted from the end if negative; the records of a slice."""
        if isinstance(index, slice):
            return self._core.read(range(*index.indices(len(self))))
        try:
            i = operator.index(index)
        except TypeError:
            raise WrongTypeError(f"a record has an integer number, got {index!r}") from None
        if not -len(self) <= i < len(self):
            raise IndexError(f"record {i} of a file of {len(self)}")
        return self._core.read([i % len(self)])[0]

    def __reduce__(self) -> tuple[object, ...]:
        return _opened, self._arguments

    def __repr__(self) -> str:
        return f"<weft.io.RecordFile {os.fsdecode(self._arguments[0])!r} of {len(self)} records>"


def _opened(
    path: bytes, index: bytes | None, verify_crc: bool, limits: Limits | None
) -> RecordFile:
    """Unpickles a record file."""
    return RecordFile(path, index, verify_crc=verify_crc, limits=limits)
