"""The rules of ARCHITECTURE.md that a program can check.

Each rule is a function from the project's root to a list of violations, "path:line: what". The list
of public headers, in order, is read from ARCHITECTURE.md itself.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from functions import cpp_functions, python_functions

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# What src/base must not know; matched against the words inside identifiers and comments.
DOMAIN_WORDS = {
    *("column", "columns", "row", "rows", "record", "records", "feature", "features"),
    *("embedding", "embeddings", "ragged", "vocabulary", "keras", "tensorflow", "tfrecord", "rnn"),
}
# Matrices have rows and columns that are nobody's.
MATRIX_FILE = re.compile(r"base/(tile|matrix|product_kernel|row_groups|row_sum_kernel)\.(cc|h)")
MATRIX_WORDS = {"row", "rows", "column", "columns"}
# Of the file names and folders: these say nothing.
EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|misc|common|manager)(_|$)")
# Of no concern to the library; in src/ and include/ these are oracles and guests.
FOREIGN_INCLUDE = re.compile(
    r"^(Python\.h|nanobind|pybind11|torch|ATen|c10|tensorflow|google/protobuf|absl|arrow|jni\.h|xla)"
)
PUBLIC_ANYWHERE = {"export"}
# A kernel file is compiled once per instruction set: whatever inline function it took from a header
# could be the copy that the linker keeps for everyone.
KERNEL_INCLUDE = re.compile(
    r"^(cstdint|cstddef|\w+intrin\.h|arm_neon\.h|base/(kernel|simd|tile)\.h)$"
)
KERNEL_FILE = re.compile(r".*_kernel\.(cc|h)|base/(kernel|simd|tile)\.h")
# Their content differs by instruction set.
VECTOR_FILES = ("base/simd.h", "base/tile.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
SOURCE_SUFFIXES = {".cc", ".h", ".py", ".sh", ".cmake"}
SOURCE_FOLDERS = (
    *("include", "src", "server", "python", "tests", "benchmarks", "fuzz", "examples", "demo"),
    *("scripts", "cmake", "docs"),
)


def header_order(root: Path) -> list[str]:
    """Returns the public headers' names without .h, in ARCHITECTURE.md's order."""
    text = (root / "ARCHITECTURE.md").read_text()
    listing = re.search(r"^\s*include/weft/.*?^\s*src/", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\s+(\w+)\.h\s", listing.group(), re.MULTILINE) if listing else []


def sources(root: Path, *folders: str) -> Iterator[Path]:
    """Yields the C++, Python, shell and CMake files under `folders`."""
    for folder in folders or SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES and "__pycache__" not in path.parts:
                yield path


def includes(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (line number, included name) of a C++ file."""
    if path.suffix in {".cc", ".h"}:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := INCLUDE.match(line):
                yield number, match.group(1)


def public_name(include: str) -> str | None:
    """Returns "ragged" for "weft/ragged.h", None for anything that is no public header."""
    match = re.fullmatch(r"weft/(\w+)\.h", include)
    return match.group(1) if match else None


def is_private(root: Path, path: Path, include: str) -> bool:
    """Whether the include names a file of src/, from its root or from the file's own folder."""
    return (root / "src" / include).exists() or (
        (path.parent / include).exists() and (root / "src") in path.parents
    )


def public_headers_are_listed(root: Path) -> list[str]:
    """Each public header has its line in ARCHITECTURE.md, and each line its header."""
    listed = set(header_order(root)) | PUBLIC_ANYWHERE
    there = {p.stem for p in (root / "include" / "weft").glob("*.h")} | PUBLIC_ANYWHERE
    return [
        f"include/weft/{h}.h: not in ARCHITECTURE.md's list" for h in sorted(there - listed)
    ] + [f"ARCHITECTURE.md: lists {h}.h, which does not exist" for h in sorted(listed - there)]


def public_headers_look_back(root: Path) -> list[str]:
    """A public header includes only public headers that stand earlier in the list."""
    order = header_order(root)
    found = []
    for path in sources(root, "include"):
        place = order.index(path.stem) if path.stem in order else -1
        for line, name in includes(path):
            other = public_name(name)
            if other is None and is_private(root, path, name):
                found.append(f"{path.relative_to(root)}:{line}: includes the private {name}")
            if other is None or other in PUBLIC_ANYWHERE:
                continue
            if other not in order[: max(place, 0)]:
                found.append(f"{path.relative_to(root)}:{line}: includes the later {name}")
    return found


def rooms_keep_to_themselves(root: Path) -> list[str]:
    """src/<room>/ includes its folder, src/base/ and public headers up to its own.

    model/fuse_*.cc may include any room's kernel headers; src/base/ includes only src/base/.
    """
    order = header_order(root)
    found = []
    for path in sources(root, "src"):
        room = path.relative_to(root / "src").parts[0]
        seen = order[: order.index(room) + 1] if room in order else []
        fuses = room == "model" and path.name.startswith("fuse_")
        for line, name in includes(path):
            place = f"{path.relative_to(root)}:{line}"
            other = public_name(name)
            if other is not None and other not in seen and other not in PUBLIC_ANYWHERE:
                found.append(f"{place}: {room}/ must not include {name}")
            if other is None and is_private(root, path, name):
                owner = name.split("/")[0] if "/" in name else room
                if owner not in {room, "base"} and not (fuses and name.endswith("_kernel.h")):
                    found.append(f"{place}: includes {name}, private to {owner}/")
        if room not in order and room != "base":
            found.append(f"src/{room}/: no public header {room}.h in ARCHITECTURE.md's list")
    return found


def core_knows_no_guests(root: Path) -> list[str]:
    """include/ and src/ include nothing of Python, torch, TensorFlow, protobuf or Arrow."""
    return [
        f"{path.relative_to(root)}:{line}: the library must not know {name}"
        for path in sources(root, "include", "src")
        for line, name in includes(path)
        if FOREIGN_INCLUDE.match(name) and not is_private(root, path, name)
    ]


def outsiders_see_public_headers(root: Path) -> list[str]:
    """Bindings, examples and the server include public headers and files beside them."""
    return [
        f"{path.relative_to(root)}:{line}: includes {name}, which is private"
        for path in sources(root, "python/bindings", "examples", "server")
        for line, name in includes(path)
        if (root / "src" / name).exists() or "../" in name or name.startswith("src/")
    ]


def kernels_include_nothing(root: Path) -> list[str]:
    """Kernel files include integers, intrinsics, base/{kernel,simd,tile}.h and kernel headers.

    VECTOR_FILES are for *_kernel.cc alone, and base/tile.h, which builds on base/simd.h.
    """
    found = []
    for path in sources(root, "src"):
        name = path.relative_to(root / "src").as_posix()
        is_kernel = KERNEL_FILE.fullmatch(name)
        own = re.compile(rf"(({path.parent.name}|base)/)?\w+_kernel\.h")
        for line, other in includes(path):
            place = f"{path.relative_to(root)}:{line}"
            if is_kernel and not KERNEL_INCLUDE.match(other) and not own.fullmatch(other):
                found.append(f"{place}: a kernel must not include {other}")
            allowed = name.endswith("_kernel.cc") or name in VECTOR_FILES
            if other in VECTOR_FILES and not allowed:
                found.append(f"{place}: only *_kernel.cc may include {other}")
    return found


def base_knows_no_domain(root: Path) -> list[str]:
    """No word of the domain in src/base, in an identifier or in a comment."""
    found = []
    for path in sources(root, "src/base"):
        is_matrix = MATRIX_FILE.fullmatch(path.relative_to(root / "src").as_posix())
        words = DOMAIN_WORDS - MATRIX_WORDS if is_matrix else DOMAIN_WORDS
        for line, text in enumerate(path.read_text().splitlines(), 1):
            spread = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
            for word in re.findall(r"[a-z]+", spread.lower()):
                if word in words:
                    found.append(
                        f"{path.relative_to(root)}:{line}: src/base must not know '{word}'"
                    )
    return found


def files_are_short(root: Path) -> list[str]:
    """No source file has more than MAX_FILE_LINES lines."""
    counts = {path: len(path.read_text().splitlines()) for path in sources(root)}
    return [
        f"{path.relative_to(root)}: {count} lines, the limit is {MAX_FILE_LINES}"
        for path, count in counts.items()
        if count > MAX_FILE_LINES
    ]


def functions_are_short(root: Path) -> list[str]:
    """No function has more than MAX_FUNCTION_LINES lines, a docstring not counted."""
    found = []
    for path in sources(root):
        if path.suffix in {".cc", ".h"}:
            functions = cpp_functions(path.read_text())
        elif path.suffix == ".py":
            functions = python_functions(path.read_text())
        else:
            continue
        found += [
            f"{path.relative_to(root)}:{f.line}: {f.name} has {f.lines} lines, "
            f"the limit is {MAX_FUNCTION_LINES}"
            for f in functions
            if f.lines > MAX_FUNCTION_LINES
        ]
    return found


def names_say_something(root: Path) -> list[str]:
    """No file or folder is called utils, helper, misc, common or manager."""
    found = set()
    for path in sources(root):
        for part in path.relative_to(root).parts:
            if EMPTY_NAMES.search(part.split(".")[0].lower()):
                found.add(f"{path.relative_to(root)}: '{part}' says nothing")
    return sorted(found)


def nothing_is_left_for_later(root: Path) -> list[str]:
    """No note of unfinished work in a source file."""
    notes = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    return [
        f"{path.relative_to(root)}:{line}: unfinished"
        for path in sources(root)
        for line, text in enumerate(path.read_text().splitlines(), 1)
        if notes.search(text)
    ]


def weak_symbols(objects: list[Path]) -> list[str]:
    """Returns the weak symbols that the object files define: a linker keeps one copy of each."""
    found = []
    for path in objects:
        listing = subprocess.run(
            ["nm", "--demangle", "--defined-only", str(path)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for line in listing.splitlines():
            match = re.match(r"[0-9a-f]+ ([wWvVu]) (.*)", line)
            if match:
                found.append(f"{path.name}: defines the weak symbol {match.group(2)}")
    return found


RULES = [
    public_headers_are_listed,
    public_headers_look_back,
    rooms_keep_to_themselves,
    core_knows_no_guests,
    outsiders_see_public_headers,
    kernels_include_nothing,
    base_knows_no_domain,
    files_are_short,
    functions_are_short,
    names_say_something,
    nothing_is_left_for_later,
]
