"""Record files: `TFRecordWriter` writes them. `TFRecordDataset` of dataset.py reads them."""

import os
import warnings
from collections.abc import Iterable

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = ["TFRecordOptions", "TFRecordWriter"]

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
    try:
        name = os.fsencode(path)
    except TypeError:
        raise WrongTypeError(f"{argument}: not a path: {path!r}") from None
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
        """`compression_level`: 0 (stored) to 9 (smallest) for "GZIP" and "ZLIB"; None is 6.

        The other arguments are TensorFlow's and have no effect.
        """
        compression_name(compression_type)
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
