"""Vocabularies: which strings or integers have an id, the files that hold them, and counting."""

from __future__ import annotations

import itertools
import numbers
import os
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from weft import _core, dtypes, io
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.io.records import Path, file_name
from weft.io.sequence_example import decode_either

__all__ = ["Counter", "Vocabulary", "build"]

_GUESSED_FROM = 1024  # records that are looked at for a feature's dtype
_BATCH = 2048
_PARTS = {
    "key": "feature",
    "context_feature": "context feature",
    "sequence_feature": "feature list",
}
_ELSEWHERE = {
    "context_feature": ", but a `sequence_feature` of this name",
    "sequence_feature": ", but a `context_feature` of this name, or a `key` of Examples",
}


class Vocabulary:
    """Entries 0 to V - 1, each different: the id of an entry is its place.

    Immutable, and shared by threads. A table file is mapped: opening it takes no time and no memory
    of its own, however large it is, and processes share it.
    """

    def __init__(self, entries: Any):
        """`entries`: strings or integers [V], as a list or an array.

        Raises ValueError for an entry that is there twice, naming both places; TypeError for floats
        and the like.
        """
        self._core = _core.Vocabulary.from_entries(entries)
        self._file: tuple[Any, ...] | None = None

    @classmethod
    def _of(cls, core: _core.Vocabulary, file: tuple[Any, ...] | None = None) -> Vocabulary:
        made = object.__new__(cls)
        made._core, made._file = core, file
        return made

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        size: int | None = None,
        dtype: Any = None,
        verify: bool = False,
    ) -> Vocabulary:
        """A file, told by its contents: a table file, text or TFRecord, both plain or gzip.

        Text has one entry a line, a TFRecord file one a record. `size`: how many of the entries
        count, from the first on; all unless given. `dtype`: string, or an integer dtype for decimal
        numbers; unless given, a table file's own, and string for others. `verify`: whether to hold
        all of a table file against its checksum, which otherwise only its header is.

        While a vocabulary lives, opening its file again gives the same one. The file may be
        replaced meanwhile, by renaming another, but never written to.

        Raises FileNotFoundError, OSError; ValueError, naming the line or record, for an empty line,
        an entry that is there twice or is no number, and for fewer entries than `size`;
        `weft.CorruptDataError` for a damaged file.
        """
        name = file_name(path, "path")
        core = _core.Vocabulary.open(name, size, dtype, bool(verify))
        return cls._of(core, (os.path.abspath(name), size, dtype))

    @property
    def dtype(self) -> dtypes.DType:
        """weft.string or weft.int64."""
        return self._core.dtype

    def lookup(self, values: Any) -> Any:
        """The ids of `values`, -1 for those that are not in the vocabulary.

        `values`: an array, nested lists, a `Ragged` or a `SparseTensor`, of strings if the entries
        are, and of integers otherwise (TypeError). The result is of the same kind and shape, int64.
        """
        return self._core.lookup(values)

    def entries(self) -> np.ndarray:
        """All entries, [V], by id: bytes objects, or int64."""
        return self._core.entries()

    def counts(self) -> np.ndarray | None:
        """How often each entry was counted, int64 [V]; None if the vocabulary was not counted."""
        return self._core.counts()

    def save(self, path: Path) -> None:
        """Writes a table file, complete or not at all, replacing what was there."""
        self._core.save(file_name(path, "path"))

    def to_text(self, path: Path) -> None:
        """Writes text, an entry a line, which TensorFlow reads.

        Raises ValueError for an entry that no line can hold: empty, with a line end inside, or a
        carriage return at its end.
        """
        self._core.save_text(file_name(path, "path"))

    def __len__(self) -> int:
        return len(self._core)

    def __getitem__(self, id: int) -> bytes | int:
        return self._core.entry(id)

    def __iter__(self) -> Iterator[bytes | int]:
        return iter(self.entries().tolist())

    def __contains__(self, entry: object) -> bool:
        """Whether `entry`, a `str` being the same as its UTF-8, has an id."""
        if self.dtype == dtypes.string:
            return isinstance(entry, (str, bytes)) and bool(self.lookup([entry])[0] >= 0)
        if not isinstance(entry, numbers.Integral) or not -(2**63) <= int(entry) < 2**63:
            return False
        return bool(self.lookup([int(entry)])[0] >= 0)

    def __repr__(self) -> str:
        return f"<weft.vocabulary.Vocabulary of {len(self):,} entries, {self.dtype.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._file is not None:
            return _reopen, self._file
        if self.counts() is None:
            return Vocabulary, (self.entries(),)
        with tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "table")
            self.save(table)
            with open(table, "rb") as file:
                return _from_table, (file.read(),)


def _from_table(data: bytes) -> Vocabulary:
    """Unpickles a vocabulary that was counted, of a table file's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "table")
        with open(table, "wb") as file:
            file.write(data)
        # The file stays as long as it is mapped, whatever becomes of its name.
        return Vocabulary._of(Vocabulary.open(table)._core)


def _reopen(path: Path, size: int | None, dtype: Any) -> Vocabulary:
    """Unpickles a vocabulary that was opened."""
    return Vocabulary.open(path, size=size, dtype=dtype)


class Counter:
    """Counts values exactly, and makes vocabularies of them.

    Parts of the data may be counted by different workers: `save` in each of them, and `merge` the
    files in one. What comes out is the same, whoever counted what, in whatever order.
    """

    def __init__(self, dtype: Any = dtypes.string, *, max_bytes: int = 16 << 30):
        """`dtype`: of what is counted, string or an integer. `max_bytes`: of memory.

        An entry takes 50 to 100 bytes and those of its string. Counting raises
        `weft.LimitExceededError` rather than take more.
        """
        self._core = _core.VocabularyBuilder(dtype, max_bytes)
        self._arguments = (dtype, max_bytes)

    def add(self, values: Any) -> None:
        """Counts values: an array, nested lists, a `Ragged` or a `SparseTensor`.

        Raises TypeError for values of another kind than the counter's.
        """
        self._core.add(values)

    def merge(self, counted: Counter | Vocabulary | Path) -> None:
        """Adds what another counter has counted, or a vocabulary that was made by counting.

        The latter may be given by its file. Raises ValueError for a vocabulary without counts.
        """
        if isinstance(counted, Counter):
            self._core.add_counted(counted._core.build(1, None))
        elif isinstance(counted, Vocabulary):
            self._core.add_counted(counted._core)
        else:
            self._core.add_counted(Vocabulary.open(counted)._core)

    def save(self, path: Path) -> None:
        """Writes all that was counted, for `merge`: a table file of everything."""
        self.build().save(path)

    def build(self, *, min_count: int = 1, top_k: int | None = None) -> Vocabulary:
        """A vocabulary: the most frequent first, and what is as frequent in order of its bytes.

        Values counted less than `min_count` times are left out, and all but the first `top_k`.
        """
        return Vocabulary._of(self._core.build(min_count, top_k))

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self._core.total

    def __len__(self) -> int:
        return len(self._core)

    def __reduce__(self) -> tuple[Any, ...]:
        return _recounted, (*self._arguments, self.build())


def _recounted(dtype: Any, max_bytes: int, counted: Vocabulary) -> Counter:
    """Unpickles a counter."""
    made = Counter(dtype, max_bytes=max_bytes)
    made.merge(counted)
    return made


def build(
    source: Any,
    key: str | None = None,
    *,
    context_feature: str | None = None,
    sequence_feature: str | None = None,
    min_count: int = 1,
    top_k: int | None = None,
    output: Path | None = None,
    dtype: Any = None,
    max_bytes: int = 16 << 30,
) -> Vocabulary:
    """A vocabulary of the values of a feature, by how often they occur.

    `source`: TFRecord files (a path, or several), or a `weft.io.TFRecordDataset` of them that is
    not parsed, batched or not; it is read once, as a stream. One of three arguments names what is
    counted: `key`, a feature of Examples; `context_feature` or `sequence_feature`, a feature of the
    context or a feature list of SequenceExamples. Without them, an iterable of what `Counter.add`
    takes.

    `min_count`, `top_k`: as `Counter.build`. `output`: where to save the vocabulary, as a table
    file. `dtype`: string or int64; unless given, what the first values are.

    Raises ValueError for records of the other kind, and if none of the first 1,024 has the feature
    and no dtype was given; TypeError for floats; and what reading and parsing files raise.
    """
    arguments = {
        "key": key,
        "context_feature": context_feature,
        "sequence_feature": sequence_feature,
    }
    named = {
        part: _feature_name(name, part) for part, name in arguments.items() if name is not None
    }
    if len(named) > 1:
        given = ", ".join(f"{part}={name!r}" for part, name in named.items())
        raise InvalidArgumentError(f"more than one feature to count: {given}")
    if named:
        source = _values(source, *named.popitem(), dtype)
    elif isinstance(source, (str, bytes, os.PathLike)) or not isinstance(source, Iterable):
        raise WrongTypeError(
            "`source` without `key`, `context_feature` or `sequence_feature` must be an iterable "
            f"of values to count, got {source!r}"
        )
    counter = _counted(source, dtype, max_bytes)
    made = counter.build(min_count=min_count, top_k=top_k)
    if output is not None:
        made.save(output)
    return made


def _feature_name(name: Any, argument: str) -> str:
    if isinstance(name, bytes):
        name = name.decode()
    if not isinstance(name, str):
        raise WrongTypeError(f"`{argument}` must be the name of a feature, got {name!r}")
    return name


def _counted(batches: Iterable[Any], dtype: Any, max_bytes: int) -> Counter:
    """A counter of all the values; unless `dtype` is given, of integers if the first ones are."""
    undecided = dtype is None
    counter = Counter(dtypes.string if undecided else dtype, max_bytes=max_bytes)
    for values in batches:
        if isinstance(values, (str, bytes, numbers.Number)):
            raise WrongTypeError(
                f"`source` must give arrays or lists of values, got {values!r}: put values that "
                "are at hand into a list of one, build([values])"
            )
        try:
            counter.add(values)
        except TypeError:
            if not undecided or counter.total > 0:
                raise
            undecided = False
            counter = Counter(dtypes.int64, max_bytes=max_bytes)
            counter.add(values)
    return counter


def _values(source: Any, part: str, name: str, dtype: Any) -> Iterator[Any]:
    """The values of a feature, batch by batch; `part` is the argument of `build` that named it."""
    dataset = source if isinstance(source, io.TFRecordDataset) else io.TFRecordDataset(source)
    if dataset._core.parses():
        raise InvalidArgumentError(
            "`source` is parsed already: give a dataset without `parse`, or, without "
            f"`{part}`, the values themselves: (batch[{name!r}] for batch in source)"
        )
    dtype = _first_dtype(dataset, part, name) if dtype is None else dtype
    spec = {name: io.VarLenFeature(dtype)}
    batches = dataset if dataset._core.batches() else dataset.batch(_BATCH)
    if part == "key":
        return (features[name] for features in batches.parse(spec))
    if part == "context_feature":
        return (context[name] for context, _, _ in batches.parse_sequence(spec, None))
    return (lists[name] for _, lists, _ in batches.parse_sequence(None, spec))


def _first_dtype(dataset: io.TFRecordDataset, part: str, name: str) -> dtypes.DType:
    elements = dataset.take(_GUESSED_FROM)
    records = itertools.chain.from_iterable([e] if isinstance(e, bytes) else e for e in elements)
    elsewhere = ""
    for record in itertools.islice(records, _GUESSED_FROM):
        features, lists = decode_either(record)
        if lists and part == "key":
            raise InvalidArgumentError(
                "the records are SequenceExamples: name `context_feature` or `sequence_feature` "
                "instead of `key`",
                key=name,
            )
        # A list without values has no dtype of its own.
        flat = {key: steps.values for key, steps in lists.items() if steps.values.size > 0}
        wanted, other = (flat, features) if part == "sequence_feature" else (features, flat)
        if name in other:
            elsewhere = _ELSEWHERE[part]
        if name not in wanted:
            continue
        if wanted[name].dtype == np.float32:
            raise WrongTypeError(
                f"{_PARTS[part]} '{name}' has floats: a vocabulary is of strings or integers",
                key=name,
            )
        return dtypes.string if wanted[name].dtype == object else dtypes.int64
    raise InvalidArgumentError(
        f"none of the first {_GUESSED_FROM} records has a {_PARTS[part]} '{name}'{elsewhere}: if "
        "later ones do, give its dtype",
        key=name,
    )
