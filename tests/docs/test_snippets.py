"""The code blocks of README.md, CONTRIBUTING.md and docs/ hold what they promise.

Python blocks run, those of one page in order and in one namespace, in an empty folder. A C++ block
with a main() is compiled against the built library and run; any other C++ block must stand, line
for line, in a file of examples/, which is compiled as well. A shell block may only name targets
that the Makefile has. `<!--- skip: next, "reason" -->` before a block leaves it out, and the reason
is shown; `skip: start if(not installed("torch"), reason="...")` leaves out all that follow where
there is no torch.
"""

from __future__ import annotations

import doctest
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Document, Example, Sybil
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).resolve().parents[2]


def lines_of(text: str) -> str:
    """Returns the text without indentation and empty lines, so that blocks can be compared."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def check_cpp(example: Example) -> None:
    """Compiles and runs a program; finds anything else in examples/."""
    code = str(example.parsed)
    if "int main(" not in code:
        shown = (lines_of(p.read_text()) for p in sorted((ROOT / "examples").glob("*.cc")))
        assert any(lines_of(code) in text for text in shown), f"in no examples/*.cc:\n{code}"
        return
    build_dir = example.namespace["request"].getfixturevalue("build_dir")
    Path("snippet.cc").write_text(code)
    command = ["g++", "-std=c++20", "-Wall", "-Werror", "snippet.cc", "-o", "snippet"]
    command += [f"-I{ROOT / 'include'}", f"-L{build_dir}", "-lweft", f"-Wl,-rpath,{build_dir}"]
    subprocess.run(command, check=True)
    subprocess.run(["./snippet"], check=True)


def check_shell(example: Example) -> None:
    """Looks up the targets of the `make` commands of a block."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for named in re.findall(r"\bmake ([a-z]+)", str(example.parsed)):
        assert named in targets, f"the Makefile has no target '{named}'"


SYBIL = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE),
        *(CodeBlockParser(language, check_cpp) for language in ("cpp", "c++")),
        *(CodeBlockParser(language, check_shell) for language in ("sh", "bash", "console")),
        SkipParser(),
    ]
)


def pages(root: Path) -> list[Path]:
    """Returns the pages whose code blocks are promises."""
    listed = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]
    return [page for page in listed if page.exists()]


def examples(root: Path) -> Iterator[tuple[Document, Example]]:
    """Yields (page, code block), page by page."""
    for page in pages(root):
        document = SYBIL.parse(page)
        for example in document.examples():
            yield document, example


def named(pair: tuple[Document, Example]) -> str:
    """Returns README.md:12 for a block."""
    return f"{Path(pair[0].path).relative_to(ROOT)}:{pair[1].line}"


def installed(package: str) -> bool:
    """Whether a block may import `package`."""
    return importlib.util.find_spec(package) is not None


ALL = list(examples(ROOT))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Returns a function from a page to its own empty folder."""
    made: dict[str, Path] = {}

    def folder(page: str) -> Path:
        if page not in made:
            made[page] = tmp_path_factory.mktemp(Path(page).stem)
        return made[page]

    return folder


@pytest.mark.parametrize(("document", "example"), ALL, ids=map(named, ALL))
def test_block(document, example, request, folders, monkeypatch):
    monkeypatch.chdir(folders(document.path))
    document.namespace.update(request=request, installed=installed)
    example.evaluate()


def test_a_wrong_block_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in (
        "```python\n>>> 1 + 1\n3\n```\n",
        "```python\nassert False\n```\n",
        "```cpp\nthis_is_in_no_example();\n```\n",
        "```sh\nmake nonsense\n```\n",
    ):
        page = tmp_path / "README.md"
        page.write_text(block)
        [(_, example)] = examples(tmp_path)
        with pytest.raises((AssertionError, SybilFailure)):
            example.evaluate()


def test_readme_has_blocks():
    assert any(Path(document.path).name == "README.md" for document, _ in ALL)
