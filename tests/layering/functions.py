"""Finds functions and their lengths in C++ and Python text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """A function's name as it stands in the text, its first line and its number of lines."""

    name: str
    line: int
    lines: int


CPP_NOISE = re.compile(
    r"""
      (?P<raw>R"(?P<tag>[^()\s\\]*)\(.*?\)(?P=tag)")   # raw strings
    | //[^\n]*                                         # comments
    | /\*.*?\*/
    | "(?:\\.|[^"\\\n])*"                              # strings
    | (?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'             # characters, but not 1'000'000
    | ^[ \t]*\#(?:\\\n|[^\n])*                         # the preprocessor
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
NOT_A_FUNCTION = re.compile(r"^(?:template<.*>)?(?:\w+ )*?(?:struct|class|enum|union|namespace)\b")
NAME = re.compile(r"([~\w:]+|operator\S+)\s*\(")


def without_noise(text: str) -> str:
    """Blanks comments, literals and preprocessor lines; line numbers stay."""
    return CPP_NOISE.sub(lambda m: "\n" * m.group().count("\n") or " ", text)


def closing_brace(text: str, start: int) -> int:
    """Returns the index of the brace that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text) - 1


def opens_function(head: str) -> bool:
    """Whether a brace after `head`, the text since the last statement, opens a function's body."""
    flat = " ".join(head.split())
    if "(" not in flat or flat.endswith(("=", ",", "(")):
        return False
    return flat.endswith(")") or not NOT_A_FUNCTION.match(flat.replace("template <", "template<"))


def cpp_functions(text: str) -> list[Function]:
    """Returns the functions defined in C++ text; lambdas count as part of what holds them."""
    text = without_noise(text)
    found = []
    head = i = 0
    while i < len(text):
        char = text[i]
        if char in ";}":
            head = i + 1
        elif char == "{" and opens_function(text[head:i]):
            end = closing_brace(text, i)
            rest = text[end + 1 :].lstrip()
            if rest[:1] not in {",", "{", ")"}:  # else it was an initializer in the head
                start = head + len(text[head:i]) - len(text[head:i].lstrip())
                name = NAME.search(text[start:i])
                line = text.count("\n", 0, start) + 1
                lines = text.count("\n", start, end) + 1
                found.append(Function(name.group(1) if name else "function", line, lines))
                head = end + 1
            i = end
        elif char == "{":
            head = i + 1
        i += 1
    return found


def python_functions(text: str) -> list[Function]:
    """Returns the functions defined in Python text; their docstrings are not counted."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node, clean=False) is not None:
                lines -= first.end_lineno - first.lineno + 1
            found.append(Function(node.name, node.lineno, lines))
    return found
