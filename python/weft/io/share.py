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
    names = [name for name, _ in steps]
    ends = [i for i, name in enumerate(names, 1) if name in (*_FILE_STEPS, *_COUNTING_STEPS)]
    at = max(ends, default=0)
    by_files = len(dataset.files) >= num_shards and not set(names) & set(_COUNTING_STEPS)
    if by_files and "repeat" in names:
        # A pass without records ends a repeat: a part with empty files in one pass must have them
        # in all, and so its files are its own before they are shuffled.
        by_files = "shard_files" not in names
        at = 0 if by_files else at
    step = ("shard_files" if by_files else "shard", (num_shards, index))
    return restore(dataset._arguments, (*steps[:at], step, *steps[at:]), dataset._iteration, None)
