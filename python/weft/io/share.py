"""One worker's part of a dataset."""

from __future__ import annotations

from weft.io.dataset import TFRecordDataset, restore

_FILE_STEPS = ("shuffle_files", "shard_files", "interleave")
_COUNTING_STEPS = ("shard", "skip", "take")


def share_of(dataset: TFRecordDataset, num_shards: int, index: int) -> TFRecordDataset:
    """Part `index` of `num_shards` of the dataset, which together are all of it.

    Of the files, if there are as many as parts, otherwise of the records. Behind the last `shard`,
    `skip` or `take`, if there is one, of what it leaves: these count elements of all parts.
    """
    steps = dataset._steps
    ends = [i for i, (name, _) in enumerate(steps, 1) if name in (*_FILE_STEPS, *_COUNTING_STEPS)]
    counts = any(name in _COUNTING_STEPS for name, _ in steps)
    by_files = not counts and len(dataset.files) >= num_shards
    step = ("shard_files" if by_files else "shard", (num_shards, index))
    at = max(ends, default=0)
    return restore(dataset._arguments, (*steps[:at], step, *steps[at:]), dataset._iteration, None)
