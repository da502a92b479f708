"""A stranger's project finds an installed weft, with find_package and with pkg-config."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def run(*command: str | Path, **environment: str) -> str:
    """Runs a command and returns its output; on failure the test shows all of it."""
    done = subprocess.run(
        [str(c) for c in command],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(build_dir, tmp_path_factory) -> Path:
    """Returns a folder into which the C++ library of the build is installed."""
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", build_dir, "--prefix", prefix, "--component", "cpp")
    return prefix


@pytest.fixture(scope="module")
def library_dir(prefix) -> Path:
    """Returns the folder of libweft, whatever this system calls it."""
    return next(prefix.rglob("libweft.*")).parent


@pytest.fixture(scope="module")
def version(prefix) -> str:
    """Returns the version that the installed package claims."""
    text = next(prefix.rglob("weftConfigVersion.cmake")).read_text()
    return re.search(r'PACKAGE_VERSION "([0-9.]+)"', text).group(1)


def test_find_package(prefix, library_dir, version, tmp_path):
    run("cmake", "-S", HERE, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path)
    assert f"weft {version}" in run(tmp_path / "consumer", LD_LIBRARY_PATH=str(library_dir))


def test_pkg_config(library_dir, version, tmp_path):
    packages = {"PKG_CONFIG_PATH": str(library_dir / "pkgconfig")}
    assert run("pkg-config", "--modversion", "weft", **packages).strip() == version
    flags = run("pkg-config", "--cflags", "--libs", "weft", **packages).split()
    consumer = tmp_path / "consumer"
    run("g++", "-std=c++20", HERE / "consumer.cc", "-o", consumer, *flags)
    assert f"weft {version}" in run(consumer, LD_LIBRARY_PATH=str(library_dir))


def test_shared_library_has_a_version_and_hides_its_inside(library_dir, version):
    shared = library_dir / "libweft.so"
    if not shared.exists():
        pytest.skip("this build made an archive")
    major, minor, _ = version.split(".")
    assert f"libweft.so.{major}.{minor}" in run("readelf", "-d", shared)
    exported = run("nm", "-D", "--defined-only", "--demangle", shared)
    assert "weft::config" in exported
    inside = re.compile(r"\bweft::(plain|v[234]|base|\(anonymous namespace\))::")
    assert [line for line in exported.splitlines() if inside.search(line)] == []


def test_every_public_header_compiles_alone(prefix, tmp_path):
    headers = sorted((prefix / "include" / "weft").glob("*.h"))
    assert headers
    flags = "-std=c++20 -Wall -Wextra -Wpedantic -Wno-missing-field-initializers -Werror".split()
    for header in headers:
        source = tmp_path / f"{header.stem}.cc"
        source.write_text(f"#include <weft/{header.name}>\n")
        run("g++", "-fsyntax-only", *flags, f"-I{prefix / 'include'}", source)
