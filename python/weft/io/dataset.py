"""Datasets: the records of many files, shuffled, batched, parsed, read ahead, and resumed."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from weft import _core
from weft.arguments import flag
from weft.config import Limits
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.iteration import Pass, checked_epoch, checked_state, no_counts
from weft.io.records import COMPRESSIONS, Path, compression_name, file_names
from weft.io.sequence_example import check_specs

__all__ = ["DatasetIterator", "TFRecordDataset"]

OnError = str | Callable[[Exception], None]

_AUTOTUNE = -1  # tf.data.AUTOTUNE
_AUTOTUNE_READS = 4
_AUTOTUNE_BATCHES = 2


class TFRecordDataset:
    """The records of one or many TFRecord files, as tf.data.TFRecordDataset.

    A description of what to read, in which order: every method returns a new one. Iterating opens
    the files, any number of times, and gives

    * `bytes`, one record each, as it stands;
    * arrays of `bytes`, shape [n], after `batch(n)`: a `StringArray`, which `parse_example` reads
      as it is and everything else sees as an object array;
    * dicts from feature name to value, as from `weft.io.parse_example`, after `parse(spec)`.

    Every method acts on the elements as they are at its place: records, or batches after `batch`
    and `bucket_by_length`. The order is a function of the steps, the seeds, the files and the
    number of the iteration, and never of threads: the first `iter()` of a dataset is iteration 0,
    the next one 1, and shuffles differ between them unless told not to.

    `state_dict()` of the dataset or of its iterator is a small dict for JSON that says where the
    iteration stands; after `load_state_dict()` of an equal dataset, in this process or another,
    `iter()` gives what would have come next, exactly.

    Files are read and inflated ahead on threads, batches made ready by `prefetch`. Errors while
    iterating: `weft.CorruptDataError` for damage, with `.file`, `.record` and `.offset`;
    FileNotFoundError; OSError. A file of another kind (text, Parquet, a Git LFS pointer, ...) is
    named in the message.
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
        if isinstance(filenames, TFRecordDataset):
            raise WrongTypeError("filenames: a dataset of records gives no paths; use it as it is")
        compression = compression_name(compression_type)
        verify_crc = flag(verify_crc, "verify_crc")
        self._arguments = (file_names(filenames), compression, verify_crc, on_error, limits)
        self._counted: tuple[dict[str, int], ...] = (no_counts(),)
        self._begin(self._describe(), ())
        if num_parallel_reads is not None:
            reads = _AUTOTUNE_READS if num_parallel_reads == _AUTOTUNE else num_parallel_reads
            self._begin(self._core.interleave(reads, 1), (("interleave", (reads, 1)),))

    def _describe(self) -> _core.Dataset:
        """What was given, as the library has it."""
        paths, compression, verify_crc, on_error, limits = self._arguments
        # A record file that is said to be plain may still be gzip: the contents decide.
        kind = getattr(_core.Compression, "AUTO" if compression == "NONE" else compression)
        on_skip = on_error if callable(on_error) else None
        return _core.Dataset.records(paths, kind, verify_crc, on_error != "raise", on_skip, limits)

    def _begin(self, core: _core.Dataset, steps: tuple[tuple[str, tuple[Any, ...]], ...]) -> None:
        """A dataset that was not iterated."""
        self._core = core
        self._steps = steps
        self._iteration = 0  # of the next iter()
        self._resume: Mapping[str, Any] | None = None  # where that one begins
        self._latest: Pass | None = None

    def _then(self, method: str, *arguments: Any) -> "TFRecordDataset":
        made = object.__new__(TFRecordDataset)
        made._arguments = self._arguments
        made._counted = (no_counts(), *self._counted)
        core = getattr(self._core, method)(*arguments)
        made._begin(core, (*self._steps, (method, arguments)))
        return made

    def shuffle_files(
        self, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> "TFRecordDataset":
        """The files in a random order, another one in each iteration unless told not to.

        The same for the same seed; None draws one, which `state_dict()` holds.
        """
        return self._then("shuffle_files", _seed(seed), bool(reshuffle_each_iteration))

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

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool = True,
    ) -> "TFRecordDataset":
        """The elements in random order, as far as a buffer of `buffer_size` of them allows.

        Each element is drawn from the buffer, which the next of the input fills up. The same for
        the same seed, whatever the threads; None draws a seed, which `state_dict()` holds. Another
        order in each iteration, and in each pass of a `repeat` behind it, unless told not to. The
        buffer holds copies of the records, or of what batches refer to.
        """
        return self._then("shuffle", buffer_size, _seed(seed), bool(reshuffle_each_iteration))

    def repeat(self, count: int | None = None) -> "TFRecordDataset":
        """What stands before it, `count` times; without end for None or -1."""
        return self._then("repeat", -1 if count is None else count)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> "TFRecordDataset":
        """Batches of `batch_size` records, a smaller last one included unless `drop_remainder`."""
        return self._then("batch", batch_size, bool(drop_remainder))

    def parse(self, spec: Mapping[str, Any], strict: bool = True) -> "TFRecordDataset":
        """Batches of features, as `weft.io.parse_example(batch, spec)` gives them, but faster.

        Without `batch`, batches of 512. Errors name file and record as well as key and row. With
        strict=False a record of another message type is a warning, as in `parse_example`.
        """
        return self._then("parse", spec, bool(strict), self._arguments[-1])

    def parse_sequence(
        self,
        context_features: Mapping[str, Any] | None = None,
        sequence_features: Mapping[str, Any] | None = None,
        strict: bool = True,
    ) -> "TFRecordDataset":
        """Batches of SequenceExamples, as `weft.io.parse_sequence_example` gives them, but faster.

        Each is three dicts: the context, the feature lists, and lengths. Otherwise as `parse`.
        """
        check_specs(context_features, sequence_features)
        specs = (context_features or {}, sequence_features or {})
        return self._then("parse_sequence", *specs, bool(strict), self._arguments[-1])

    def bucket_by_length(
        self,
        key: str | bytes | Sequence[str | bytes],
        boundaries: Sequence[int],
        batch_sizes: Sequence[int],
        drop_remainder: bool = False,
    ) -> "TFRecordDataset":
        """Batches of records of similar length, so that padding is small; after `parse`.

        As tf.data's bucket_by_sequence_length: bucket i takes lengths from boundaries[i-1] up to
        below boundaries[i], and gives a batch when it holds batch_sizes[i] records, of which there
        is one more than of boundaries. At the end come the buckets that are not full, the shortest
        first, unless `drop_remainder`.

        The length of a record is its number of values of the feature `key`, or the largest of
        several: of steps for a FixedLenSequenceFeature and for a feature list, of outermost rows
        for a RaggedFeature.
        """
        if not isinstance(key, Iterable):
            raise WrongTypeError(f"`key` must be the name of a feature, or several, got {key!r}")
        keys = [key] if isinstance(key, (str, bytes)) else list(key)
        return self._then("bucket_by_length", keys, boundaries, batch_sizes, bool(drop_remainder))

    def prefetch(self, buffer_size: int = _AUTOTUNE) -> "TFRecordDataset":
        """Has up to `buffer_size` batches made ready ahead, on threads; AUTOTUNE (-1) is 2.

        One thread reads and shuffles, one parses, with the help of the thread pool. The order is
        the same with and without. Without `batch`, a batch is 512 records.
        """
        return self._then(
            "prefetch", _AUTOTUNE_BATCHES if buffer_size == _AUTOTUNE else buffer_size
        )

    def __iter__(self) -> "DatasetIterator":
        iterator = DatasetIterator(self, self._resume)
        self._resume = None
        self._iteration = iterator._pass.iteration + 1
        self._latest = iterator._pass
        return iterator

    def set_epoch(self, epoch: int) -> None:
        """Makes the next iter() iteration `epoch`: its shuffles are those of seed and epoch alone.

        As torch's DistributedSampler. After `load_state_dict()` of a state of this very epoch, the
        next iter() goes on there all the same. Raises ValueError for a negative one.
        """
        epoch = checked_epoch(epoch)
        if self._resume is not None and self._resume["iteration"] != epoch:
            self._resume = None
        self._iteration = epoch
        self._latest = None

    def as_numpy_iterator(self) -> "DatasetIterator":
        """The same as iter(): everything is numpy or bytes already."""
        return iter(self)

    def state_dict(self) -> dict[str, Any]:
        """Where the latest iteration stands: integers and strings, for JSON.

        Before the first iter(), or after `load_state_dict`, where the next one begins.
        """
        if self._resume is not None:
            return dict(self._resume)
        return (self._latest or Pass(self, None)).state()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Has the next iter() go on where the one stood whose state this is.

        The seeds are those of the state, in later iterations too. Raises ValueError for a state of
        another dataset: of other steps, or of files of other names or sizes; folders and `parse`
        specs may differ.
        """
        state = checked_state(state_dict)
        Pass(self, state).close()
        self._reseed(state["seeds"])
        self._resume = state

    def _reseed(self, seeds: Iterable[int]) -> None:
        """Has the shuffles, in their order, draw by `seeds`."""
        core, steps, given = self._describe(), [], iter(seeds)
        for method, arguments in self._steps:
            if method == "shuffle_files":
                arguments = (next(given), *arguments[1:])
            elif method == "shuffle":
                arguments = (arguments[0], next(given), *arguments[2:])
            core = getattr(core, method)(*arguments)
            steps.append((method, arguments))
        self._core, self._steps = core, tuple(steps)

    def counters(self) -> dict[str, int]:
        """What iterating over this dataset, and over datasets made from it, has read so far.

        `records` and their `bytes`; `skipped`, the damaged places left out under `on_error`, and
        `skipped_bytes`, the bytes of the files left out there.
        """
        return dict(self._counted[0])

    @property
    def files(self) -> list[str]:
        """The files, in the order in which the first iteration opens them."""
        return self._core.files()

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (self._arguments, self._steps, self._iteration, self._resume)

    def __repr__(self) -> str:
        paths = self._arguments[0]
        files = repr(os.fsdecode(paths[0])) if paths else "no files"
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        steps = "".join(
            f".{name}({', '.join(map(_shown, arguments))})" for name, arguments in self._steps
        )
        return f"<weft.io.TFRecordDataset of {files}{more}{steps}>"


class DatasetIterator(Iterator[Any]):
    """One iteration over a `TFRecordDataset`, which can be stopped and resumed.

    Its threads end with it: at the end, with an error, at `close()`, or when it is dropped.
    """

    def __init__(self, dataset: TFRecordDataset, state: Mapping[str, Any] | None = None):
        self._dataset = dataset
        self._pass = Pass(dataset, state)

    def __iter__(self) -> "DatasetIterator":
        return self

    def __next__(self) -> Any:
        for element in self._pass.ready:
            return element
        return self._pass.advance()

    def origins(self) -> list[tuple[str, int]]:
        """(file, number of the record in it) of each row of the parsed batch that came last."""
        return self._pass.origins()

    def state_dict(self) -> dict[str, Any]:
        """Where it stands: see `TFRecordDataset.state_dict`."""
        return self._pass.state()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Goes on where the iterator of an equal dataset stood whose state this is."""
        resumed = Pass(self._dataset, checked_state(state_dict))
        self._pass.close()
        if self._dataset._latest is self._pass:
            self._dataset._latest = resumed
        self._pass = resumed

    def close(self) -> None:
        """Ends the iteration and its threads; the state stays."""
        self._pass.close()

    def __del__(self) -> None:
        if hasattr(self, "_pass"):
            self._pass.close()


def _shown(argument: Any) -> str:
    """An argument as `repr` of a dataset has it: of a spec its keys."""
    return repr(list(argument) if isinstance(argument, Mapping) else argument)


def _seed(seed: int | None) -> int:
    return secrets.randbits(63) if seed is None else seed


def restore(
    arguments: tuple[Any, ...],
    steps: tuple[Any, ...],
    iteration: int,
    resume: Mapping[str, Any] | None,
) -> TFRecordDataset:
    """Unpickles a dataset."""
    paths, compression, verify_crc, on_error, limits = arguments
    names = {made: name for name, made in COMPRESSIONS.items()}
    made = TFRecordDataset(
        paths, names[compression], on_error=on_error, verify_crc=verify_crc, limits=limits
    )
    for method, step in steps:
        made = made._then(method, *step)
    made._iteration, made._resume = iteration, resume
    return made
