"""One iteration over a dataset: its stream, where it stands, what it has read."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError

if TYPE_CHECKING:
    from weft.io.dataset import TFRecordDataset


class Pass:
    """The stream behind an iterator, which dataset and iterator share."""

    def __init__(self, dataset: TFRecordDataset, state: Mapping[str, Any] | None):
        core = dataset._core
        self.iteration = dataset._iteration
        make = _core.BatchStream if core.parses() else _core.RecordStream
        self._stream = make(core, self.iteration, state)
        if state is not None:
            self.iteration = state["iteration"]
        self._next = getattr(self._stream, "next_sequences" if core.parses_sequences() else "next")
        self._by_record = not core.parses() and not core.batches()
        self._counted = dataset._counted
        self._before = no_counts()
        self.ready: Iterator[Any] = iter(())
        self._size = 0  # of what ready began with
        self._left = 0  # of it, when the pass was closed

    def advance(self) -> Any:
        """The next element, when there is none ready."""
        try:
            element = self._stream.next_list() if self._by_record else self._next()
            if element is None:
                raise StopIteration
        except BaseException:
            self.close()
            raise
        finally:
            self._count()
        if not self._by_record:
            return element
        self.ready, self._size = iter(element), len(element)
        return next(self.ready)

    def origins(self) -> list[tuple[str, int]]:
        """Where the rows of the last parsed batch are from."""
        if not isinstance(self._stream, _core.BatchStream):
            raise InvalidArgumentError("origins() is of parsed batches: call parse() first")
        return self._stream.origins()

    def state(self) -> dict[str, Any]:
        """Where it stands, behind the last element that was given out."""
        left = self._left + operator.length_hint(self.ready)
        if left > 0:
            return self._stream.state_after(self._size - left)
        return self._stream.state()

    def close(self) -> None:
        """Ends the stream and its threads."""
        self._left += operator.length_hint(self.ready)
        self.ready = iter(())
        self._stream.close()

    def _count(self) -> None:
        now = self._stream.counters()
        for counts in self._counted:
            for name, value in now.items():
                counts[name] += value - self._before[name]
        self._before = now


def no_counts() -> dict[str, int]:
    """Counters of nothing read."""
    return dict.fromkeys(("records", "bytes", "skipped", "skipped_bytes"), 0)


def checked_state(given: Any) -> dict[str, Any]:
    """A copy of a state, of which the stream checks what is in it."""
    if not isinstance(given, Mapping):
        raise WrongTypeError(f"`state_dict` must be what state_dict() gives, got {given!r}")
    return dict(given)


def checked_epoch(given: Any) -> int:
    """The number of an iteration."""
    try:
        epoch = operator.index(given)
    except TypeError:
        raise WrongTypeError(f"`epoch` must be an integer, got {given!r}") from None
    if not 0 <= epoch < 2**31:
        raise InvalidArgumentError(f"`epoch` must be in [0, 2^31), got {epoch}")
    return epoch
