"""Each rule of rules.py fails on a tree that breaks it, and passes on one that does not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import functions
import pytest
import rules

ARCHITECTURE = """
    include/weft/
      error.h     first
      tensor.h    second
      model.h     third
    src/<room>/   rooms
"""
GOOD = {
    "ARCHITECTURE.md": ARCHITECTURE,
    "include/weft/export.h": "#pragma once\n",
    "include/weft/error.h": '#include "weft/export.h"\n',
    "include/weft/tensor.h": '#include <vector>\n#include "weft/error.h"\n',
    "include/weft/model.h": '#include "weft/tensor.h"\n',
    "src/base/pool.h": "int pool();\n",
    "src/base/kernel.h": "",
    "src/base/simd.h": "#include <cstdint>\n",
    "src/base/tile.h": '#include "base/simd.h"\n',
    "src/base/matrix.h": "int rows, columns;\n",
    "src/error/error.cc": '#include "weft/error.h"\n#include "base/pool.h"\n',
    "src/tensor/add_kernel.h": '#include <cstdint>\n#include "base/kernel.h"\n',
    "src/tensor/add_kernel.cc": '#include "tensor/add_kernel.h"\n#include "base/simd.h"\n',
    "src/tensor/add.h": "",
    "src/tensor/tensor.cc": '#include "tensor/add.h"\n#include "weft/tensor.h"\n',
    "src/model/fuse_add.cc": '#include "tensor/add_kernel.h"\n#include "weft/model.h"\n',
    "python/bindings/bind_tensor.cc": '#include "convert.h"\n#include "weft/tensor.h"\n',
    "python/bindings/convert.h": "#include <nanobind/nanobind.h>\n",
    "python/weft/__init__.py": '"""The package."""\n',
}


@pytest.fixture
def tree(tmp_path: Path):
    """Returns a function that writes GOOD, changed by `changes`, and gives its root."""

    def write(changes: dict[str, str]) -> Path:
        for name, text in (GOOD | changes).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_good_tree_passes(rule, tree):
    assert rule(tree({})) == []


BAD = [
    (rules.public_headers_are_listed, {"include/weft/extra.h": ""}, "extra.h: not in"),
    (
        rules.public_headers_are_listed,
        {"ARCHITECTURE.md": ARCHITECTURE.replace("third", "third\n      rnn.h       fourth")},
        "lists rnn.h, which does not exist",
    ),
    (
        rules.public_headers_look_back,
        {"include/weft/error.h": '#include "weft/tensor.h"\n'},
        "error.h:1: includes the later weft/tensor.h",
    ),
    (
        rules.public_headers_look_back,
        {"include/weft/model.h": '\n#include "base/pool.h"\n'},
        "model.h:2: includes the private base/pool.h",
    ),
    (
        rules.rooms_keep_to_themselves,
        {"src/error/error.cc": "#include <weft/tensor.h>\n"},
        "error/ must not include weft/tensor.h",
    ),
    (
        rules.rooms_keep_to_themselves,
        {"src/model/model.cc": '#include "tensor/add.h"\n'},
        "private to tensor/",
    ),
    (
        rules.rooms_keep_to_themselves,
        {"src/model/fuse_add.cc": '#include "tensor/add.h"\n'},
        "private to tensor/",
    ),
    (
        rules.rooms_keep_to_themselves,
        {"src/base/pool.h": '#include "weft/error.h"\n'},
        "base/ must not include weft/error.h",
    ),
    (rules.rooms_keep_to_themselves, {"src/odd/odd.cc": ""}, "no public header odd.h"),
    (
        rules.core_knows_no_guests,
        {"src/tensor/tensor.cc": "#include <Python.h>\n"},
        "must not know Python.h",
    ),
    (
        rules.core_knows_no_guests,
        {"include/weft/tensor.h": "#include <google/protobuf/message.h>\n"},
        "must not know google/protobuf",
    ),
    (
        rules.outsiders_see_public_headers,
        {"python/bindings/bind_tensor.cc": '#include "tensor/add.h"\n'},
        "which is private",
    ),
    (rules.outsiders_see_public_headers, {"examples/e.cc": '#include "../src/x.h"\n'}, "private"),
    (
        rules.kernels_include_nothing,
        {"src/tensor/add_kernel.cc": "#include <algorithm>\n"},
        "must not include algorithm",
    ),
    (
        rules.kernels_include_nothing,
        {"src/tensor/add_kernel.h": '#include "weft/error.h"\n'},
        "must not include weft/error.h",
    ),
    (
        rules.kernels_include_nothing,
        {"src/error/error_kernel.cc": '#include "tensor/add_kernel.h"\n'},
        "must not include tensor/add_kernel.h",
    ),
    (
        rules.kernels_include_nothing,
        {"src/base/simd.h": "#include <vector>\n"},
        "must not include vector",
    ),
    (
        rules.kernels_include_nothing,
        {"src/tensor/tensor.cc": '#include "base/simd.h"\n'},
        "only *_kernel.cc may include base/simd.h",
    ),
    (
        rules.kernels_include_nothing,
        {"src/tensor/tensor.cc": '#include "base/tile.h"\n'},
        "only *_kernel.cc may include base/tile.h",
    ),
    (rules.base_knows_no_domain, {"src/base/pool.h": "int kMaxRows;\n"}, "'rows'"),
    (rules.base_knows_no_domain, {"src/base/matrix.h": "// a ragged one\n"}, "'ragged'"),
    (rules.base_knows_no_domain, {"src/base/pool.h": "// one embedding\n"}, "'embedding'"),
    (rules.files_are_short, {"src/base/pool.h": "int a;\n" * 401}, "401 lines"),
    (
        rules.functions_are_short,
        {"src/base/pool.h": "int f() {\n" + "  g();\n" * 59 + "}\n"},
        "f has 61 lines",
    ),
    (
        rules.functions_are_short,
        {"python/weft/__init__.py": "def f():\n" + "    g()\n" * 60},
        "f has 61 lines",
    ),
    (rules.names_say_something, {"src/tensor/tensor_utils.cc": ""}, "tensor_utils.cc"),
    (rules.names_say_something, {"python/weft/common/x.py": ""}, "'common'"),
    (
        rules.nothing_is_left_for_later,
        {"src/base/pool.h": "// " + "TO" + "DO: more\n"},
        "unfinished",
    ),
]


@pytest.mark.parametrize(("rule", "changes", "message"), BAD)
def test_bad_tree_fails(rule, changes, message, tree):
    violations = rule(tree(changes))
    assert any(message in v for v in violations), violations


def test_a_kernel_that_leaks_an_inline_function_is_found(tmp_path):
    compiler = shutil.which("g++") or shutil.which("clang++")
    assert compiler
    source = tmp_path / "leak.cc"
    source.write_text("inline int twice(int x) { return 2 * x; }\nint (*use)(int) = twice;\n")
    subprocess.run([compiler, "-c", "-O0", "leak.cc", "-o", "leak.o"], cwd=tmp_path, check=True)
    assert "twice(int)" in rules.weak_symbols([tmp_path / "leak.o"])[0]


CPP = """
#define MACRO(x) do { \\
  x; } while (0)
namespace weft {  // a comment with a {
struct alignas(64) Block { int a = f(1); int size() const { return a; } };
Thing::Thing(int a) : a_(a), b_{a} {
  const char* s = "}";
  char c = '{';
}
template <class T>
T twice(T x) noexcept {
  auto f = [&](T y) {
    return y + 1'000;
  };
  return f(x);
}
const int table[] = {1, 2, 3};
enum class E { kA };
TEST(Room, Behaves) {
  check();
}
}  // namespace weft
"""


def test_cpp_functions_are_found():
    found = [(f.name, f.line, f.lines) for f in functions.cpp_functions(CPP)]
    assert found == [
        ("size", 5, 1),
        ("Thing::Thing", 6, 4),
        ("twice", 10, 7),
        ("TEST", 19, 3),
    ]


def test_a_docstring_is_not_counted():
    text = 'def f():\n    """One\n\n    Two.\n    """\n    return 1\n'
    assert functions.python_functions(text) == [functions.Function("f", 1, 2)]
