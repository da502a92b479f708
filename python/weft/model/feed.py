"""The batches that a model learns from: iteration after iteration, and where that stands."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.dataset import TFRecordDataset


class Batch(NamedTuple):
    """What a dataset gives at a time. Labels and weights are None where they are features."""

    features: Any
    labels: Any = None
    weights: Any = None


def is_batch(data: Any) -> bool:
    """Whether it is the features of one batch: a dict, a data frame, Arrow data or an array."""
    arrow = hasattr(data, "__arrow_c_array__") or hasattr(data, "__arrow_c_stream__")
    frame = type(data).__module__.partition(".")[0] == "pandas"
    return isinstance(data, Mapping | np.ndarray) or arrow or frame


def refuse_arrays(dataset: Any) -> None:
    """Raises TypeError for Keras's (x, y), which would be two batches."""
    pair = dataset if isinstance(dataset, tuple) else ()
    if isinstance(dataset, np.ndarray) or (pair[1:] and isinstance(pair[1], np.ndarray)):
        raise WrongTypeError(
            "a dataset of batches is expected, not arrays: one batch is [(x, y)], and "
            "[(x, y, sample_weight)] with weights"
        )


def one_iteration(dataset: Any) -> Iterator[Batch]:
    """The batches of a dataset, each time the same and without moving it on; or the one batch."""
    if is_batch(dataset):
        yield Batch(dataset)
        return
    feed = Feed(copy.copy(dataset) if isinstance(dataset, TFRecordDataset) else dataset)
    while (batch := feed.next()) is not None:
        yield batch


class Feed:
    """A dataset, which is any iterable that can be iterated again, and where it stands.

    Elements are features, or as in Keras (features, labels) or (features, labels, sample_weight),
    or the three dicts of `TFRecordDataset.parse_sequence`. A dataset that has `state_dict` and
    `load_state_dict` is asked for its place; others are resumed by passing over what was there.
    """

    def __init__(self, dataset: Any):
        self._dataset = dataset
        self._iterator: Any = None
        self._ended = False
        self._taken = 0  # of the iteration under way
        if is_batch(dataset) or not isinstance(dataset, Iterable):
            raise WrongTypeError(
                "a dataset of batches is expected, as a weft.io.TFRecordDataset or a list, got "
                f"{type(dataset).__name__}; one batch is [(x, y)]"
            )
        records = isinstance(dataset, TFRecordDataset)
        if records and not dataset._core.parses():
            raise InvalidArgumentError(
                "the dataset gives records: `.batch(n).parse(model.parse_example_spec())` has it "
                "give batches of features"
            )
        self._sequences = records and dataset._core.parses_sequences()

    def next(self) -> Batch | None:
        """The next batch; None at the end of an iteration, after which comes the next one."""
        if self._iterator is None or self._ended:
            self._iterator, self._ended, self._taken = iter(self._dataset), False, 0
        for element in self._iterator:
            self._taken += 1
            return self._batch(element)
        self._ended = True
        return None

    @property
    def taken(self) -> int:
        """How many batches of the iteration under way came so far."""
        return self._taken

    def origins(self) -> list[tuple[str, int]] | None:
        """(file, record) of each row of the last batch, if the dataset can tell."""
        origins = getattr(self._iterator, "origins", None)
        return None if origins is None else origins()

    def state(self) -> dict[str, Any]:
        """Where it stands, for `load`."""
        its = self._iterator if hasattr(self._iterator, "state_dict") else self._dataset
        if not hasattr(its, "state_dict"):
            return {"ended": self._ended, "taken": self._taken}
        return {"ended": self._ended, "taken": self._taken, "dataset": its.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on where another feed of an equal dataset stood. Raises ValueError if it cannot."""
        self._taken, self._ended = state["taken"], state["ended"]
        if ("dataset" in state) != hasattr(self._dataset, "load_state_dict"):
            raise InvalidArgumentError("is of another kind of dataset")
        if "dataset" in state:
            self._dataset.load_state_dict(state["dataset"])
            self._iterator = iter(self._dataset)
            if self._ended:  # the next iter() is the next iteration
                next(self._iterator, None)
        elif not self._ended:
            self._iterator = iter(self._dataset)
            for _ in range(self._taken):
                next(self._iterator, None)

    def _batch(self, element: Any) -> Batch:
        if self._sequences:
            context, lists, lengths = element
            steps = {k: _with_lengths(v, lengths.get(k)) for k, v in lists.items()}
            return Batch({**context, **steps})
        if isinstance(element, tuple) and 1 <= len(element) <= 3:
            return Batch(*element)
        return Batch(element)


def _with_lengths(value: Any, lengths: Any) -> Any:
    """A feature list as layers take it: a dense one is a pair."""
    return (value, lengths) if isinstance(value, np.ndarray) and lengths is not None else value
