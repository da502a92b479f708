"""Files of arrays beside JSON that are there complete or not at all: checkpoints and weights.

A file is a zip as `numpy.savez` writes it, with checksums and no pickles, and one more entry:
"contents.json", a tree whose arrays are {"array": name of the entry}. `numpy.load` opens it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np

from weft import arguments
from weft.errors import CorruptDataError, InvalidArgumentError, IoError, MissingFileError

_CONTENTS = "contents.json"
_ARRAY = "array"
CHECKPOINT = "checkpoint"  # the kind of file that has weights among other things

Path = str | os.PathLike[str]


def path_of(value: Any, argument: str = "path") -> str:
    """`value` as text; TypeError for what is no path."""
    return os.fsdecode(arguments.path(value, argument))


def write(path: Path, kind: str, tree: Mapping[str, Any], keep: int = 1) -> None:
    """Writes a tree of dicts, lists, numbers, strings and arrays under the name `path`.

    The file is written without that name, made durable, and then takes it: whoever dies at any
    moment leaves the old file or the new one. `keep`: of so many files the older ones stay as
    `path`.1, `path`.2, ... Raises OSError naming the file.
    """
    name = path_of(path)
    try:
        with _replacing(name, keep) as file, zipfile.ZipFile(file, "w", allowZip64=True) as made:
            arrays: dict[str, np.ndarray] = {}
            contents = _packed({"kind": kind, **tree}, (), arrays)
            made.writestr(zipfile.ZipInfo(_CONTENTS), json.dumps(contents))
            for key, array in arrays.items():
                with made.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, array, allow_pickle=False)
    except OSError as error:
        raise IoError(f"{name}: cannot be written: {error}", file=name) from error


def read(path: Path, kind: str) -> dict[str, Any]:
    """The tree that `write` wrote as this kind.

    Raises FileNotFoundError, OSError, and ValueError, all naming the file: it is damaged, cut off,
    or something else.
    """
    name = path_of(path)
    with _opened(name) as file:
        if _CONTENTS not in file.files:
            raise InvalidArgumentError(f"{name}: is no {kind} of weft's", file=name)
        contents = json.loads(file[_CONTENTS])
        found = contents.pop("kind", None) if isinstance(contents, dict) else None
        if found != kind:
            raise InvalidArgumentError(f"{name}: is no {kind}, but a {found}", file=name)
        return _unpacked(contents, file)


def sweep(path: Path) -> None:
    """Removes what processes that were killed while writing `path` may have left beside it."""
    folder, base = os.path.split(os.path.realpath(path_of(path)))
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if re.fullmatch(rf"\.{re.escape(base[:200])}\.\d+\.tmp", name):
                os.unlink(os.path.join(folder, name))


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file of numpy's, or the weights of a checkpoint; errors as `read`."""
    name = path_of(path)
    with _opened(name) as file:
        keys, prefix = [key for key in file.files if key != _CONTENTS], ""
        if len(keys) < len(file.files) and json.loads(file[_CONTENTS])["kind"] == CHECKPOINT:
            prefix = "weights/"
        return {key.removeprefix(prefix): file[key] for key in keys if key.startswith(prefix)}


@contextlib.contextmanager
def _opened(name: str) -> Iterator[Any]:
    """The file `name` for reading; whatever goes wrong with it is an error of weft's."""
    try:
        with open(name, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            yield file
    except (InvalidArgumentError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise MissingFileError(f"{name}: no such file", file=name) from error
    except OSError as error:
        raise IoError(f"{name}: cannot be read: {error}", file=name) from error
    except Exception as error:  # zipfile, zlib, numpy and json have each their own
        raise CorruptDataError(f"{name}: damaged, or no such file: {error}", file=name) from error


def _packed(tree: Any, at: tuple[str, ...], arrays: dict[str, np.ndarray]) -> Any:
    """The tree for JSON, whose arrays are added to `arrays` under the names of their places."""
    if isinstance(tree, Mapping):
        return {str(k): _packed(v, (*at, str(k)), arrays) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return [_packed(v, (*at, str(i)), arrays) for i, v in enumerate(tree)]
    if isinstance(tree, np.generic):
        return tree.item()
    if not isinstance(tree, np.ndarray):
        return tree
    name = "/".join(at)
    while name in arrays:
        name += "_"
    arrays[name] = tree
    return {_ARRAY: name}


def _unpacked(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(tree, list):
        return [_unpacked(v, arrays) for v in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {_ARRAY} and isinstance(tree[_ARRAY], str):
        return arrays[tree[_ARRAY]]
    return {k: _unpacked(v, arrays) for k, v in tree.items()}


@contextlib.contextmanager
def _replacing(name: str, keep: int) -> Iterator[IO[bytes]]:
    """A new file that takes the name when the block ends, durably; what had it is `name`.1 then."""
    folder, base = os.path.split(os.path.realpath(name))  # a link is followed
    hidden = f".{base[:200]}.{os.getpid()}.tmp"
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    inside: dict[str, Any] = {"src_dir_fd": handle, "dst_dir_fd": handle}
    try:
        _unlink(hidden, handle)
        with _nameless(folder, hidden, handle) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            _set_aside(base, keep, inside)
            if os.fstat(file.fileno()).st_nlink == 0:
                os.link(f"/proc/self/fd/{file.fileno()}", hidden, **inside, follow_symlinks=True)
        os.replace(hidden, base, **inside)
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(handle)
    finally:
        _unlink(hidden, handle)
        os.close(handle)


def _nameless(folder: str, hidden: str, handle: int) -> IO[bytes]:
    """A file without a name, which goes with the process; a hidden one where there are none."""
    try:
        return open(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666), "wb")
    except OSError:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        return open(os.open(hidden, flags, 0o666, dir_fd=handle), "wb")


def _set_aside(base: str, keep: int, inside: dict[str, int]) -> None:
    """Moves the older files on by one. `base` itself is there all the time."""
    for i in range(keep - 1, 1, -1):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{base}.{i - 1}", f"{base}.{i}", **inside)
    if keep > 1:
        _unlink(f"{base}.1", inside["src_dir_fd"])
        with contextlib.suppress(FileNotFoundError):
            os.link(base, f"{base}.1", **inside)


def _unlink(base: str, handle: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(base, dir_fd=handle)


def check_arrays(path: Path, given: Sequence[Any], own: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError naming the file and the first array that is not like the one here."""
    name = path_of(path)
    if len(given) != len(own):
        raise InvalidArgumentError(
            f"{name}: has {len(given)} weights, the model has {len(own)}", file=name
        )
    for array, (key, weight) in zip(given, own.items(), strict=True):
        if np.shape(array) != weight.shape or np.asarray(array).dtype != weight.dtype:
            has = f"{np.asarray(array).dtype} {list(np.shape(array))}"
            raise InvalidArgumentError(
                f"{name}: has {has} for {key!r}, which is {weight.dtype} {list(weight.shape)}",
                file=name,
            )
