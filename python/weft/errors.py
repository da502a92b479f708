"""What weft raises: each class is also the builtin that such an error would be.

Every error about data says where: `file`, `record` (number in its file), `key` (feature), `row`
(of the batch), `step` and `offset` (bytes) are attributes, None where they do not apply.
"""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "CorruptDataError",
    "Error",
    "InvalidArgumentError",
    "IoError",
    "LimitExceededError",
    "MissingFileError",
    "MissingKeyError",
    "NonFiniteError",
    "NotFoundError",
    "OutOfRangeError",
    "WrongTypeError",
]


class Error(Exception):
    """The base of everything that weft itself raises."""

    def __init__(
        self,
        message: str = "",
        *,
        file: str | None = None,
        record: int | None = None,
        key: str | None = None,
        row: int | None = None,
        step: int | None = None,
        offset: int | None = None,
    ):
        super().__init__(message)
        self.file = file
        self.record = record
        self.key = key
        self.row = row
        self.step = step
        self.offset = offset

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(Error, ValueError):
    """A wrong declaration, shape or argument, or a record that does not fit the declaration."""


class WrongTypeError(Error, TypeError):
    """A value of a type or dtype that the argument does not take."""


class OutOfRangeError(Error, ValueError):
    """An id outside its column's range, an index outside its tensor."""


class CorruptDataError(Error, ValueError):
    """Bytes that are not what they claim to be."""


class LimitExceededError(Error, ValueError):
    """Input that is larger than the limits allow."""


class NonFiniteError(Error, ValueError):
    """NaN or infinity in a training: in inputs, a loss or a gradient.

    `step` is that of the training, from 0. `rows` are those of the batch that it came from, and
    `records` (file, number in it) of these, as far as they are known.
    """

    def __init__(
        self,
        message: str = "",
        *,
        rows: Sequence[int] = (),
        records: Sequence[tuple[str, int]] = (),
        **where: Any,
    ):
        super().__init__(message, **where)
        self.rows = list(rows)
        self.records = list(records)


class NotFoundError(Error):
    """A file or a name that does not exist."""


class MissingFileError(NotFoundError, FileNotFoundError):
    """A file that does not exist."""


class MissingKeyError(NotFoundError, KeyError):
    """A name that does not exist, as of a feature or a tensor in a checkpoint."""


class IoError(Error, OSError):
    """The operating system refused."""
