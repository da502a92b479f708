"""A dataset that `torch.utils.data.DataLoader` takes, with any number of workers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils.data import get_worker_info

from weft.config import set_num_threads
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.dataset import DatasetIterator, TFRecordDataset
from weft.io.iteration import checked_epoch
from weft.io.share import share_of

__all__ = ["IterableDataset"]


class IterableDataset(torch.utils.data.IterableDataset):
    """A `weft.io.TFRecordDataset` for `DataLoader(..., batch_size=None)`.

    `batch_size=None`, as weft makes the batches. Each worker reads a part of its own: of the files
    if there are as many of them as workers, otherwise of the records, and behind a `shard`, `skip`
    or `take` of what that leaves. Together they give every record once. In a worker weft uses one
    thread.

    `set_epoch(epoch)` before each epoch makes it another order: until then every epoch is epoch 0,
    as with torch's DistributedSampler. Ranks divide the data by the dataset's own `shard_files` or
    `shard`.
    """

    def __init__(self, dataset: TFRecordDataset):
        """Raises TypeError for anything but a `weft.io.TFRecordDataset`."""
        if not isinstance(dataset, TFRecordDataset):
            raise WrongTypeError(f"`dataset` must be a weft.io.TFRecordDataset, got {dataset!r}")
        self._dataset = dataset
        self._part: TFRecordDataset | None = None  # of the process _owner
        self._owner = 0
        # Shared, so that workers that live on between epochs know.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Has the next iteration be that of `epoch`, in all workers."""
        self._epoch.fill_(checked_epoch(epoch))

    def __iter__(self) -> DatasetIterator:
        part = self._own()
        part.set_epoch(int(self._epoch))
        return iter(part)

    def state_dict(self) -> dict[str, Any]:
        """Where this process stands; see `TFRecordDataset.state_dict`.

        Raises ValueError in a process that iterates nothing: where a DataLoader's workers stand
        they alone know, and torchdata's StatefulDataLoader asks them.
        """
        if self._part is None or self._owner != os.getpid():
            raise InvalidArgumentError(
                "nothing was iterated in this process: with workers, take the state of "
                "torchdata.stateful_dataloader.StatefulDataLoader"
            )
        return self._part.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Has the next iteration go on where the one stood whose state this is, in its epoch."""
        part = self._own()
        part.load_state_dict(state_dict)
        self._epoch.fill_(state_dict["iteration"])

    def _own(self) -> TFRecordDataset:
        """What this process reads; a forked worker inherits its parent's, which is not its own."""
        if self._part is None or self._owner != os.getpid():
            self._owner = os.getpid()
            worker = get_worker_info()
            if worker is None:
                self._part = self._dataset
            else:
                set_num_threads(1)
                self._part = share_of(self._dataset, worker.num_workers, worker.id)
        return self._part

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_part": None}
