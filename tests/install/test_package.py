"""The installed Python package is small and needs little."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path

import pytest

weft = pytest.importorskip("weft", reason="weft is not installed; `make test` installs it")

MEGABYTE = 1 << 20


def package_files() -> list[Path]:
    """Returns the installed files of the distribution."""
    distribution = importlib.metadata.distribution("weft")
    return [Path(distribution.locate_file(f)) for f in distribution.files]


def test_installed_size_is_below_10_mb():
    files = [path for path in package_files() if path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in files) < 10 * MEGABYTE


def test_package_is_typed():
    names = {path.name for path in package_files()}
    assert {"py.typed", "_core.pyi"} <= names


def test_requirements_are_numpy_and_the_binding_backend():
    required = importlib.metadata.requires("weft") or []
    base = {r.split(">")[0].strip() for r in required if "extra ==" not in r}
    assert base == {"numpy", "nanobind-backend"}


def test_extension_links_only_libz_and_the_runtime():
    (core,) = [path for path in package_files() if path.name == "_core.abi3.so"]
    dynamic = subprocess.run(
        ["readelf", "-d", str(core)], check=True, capture_output=True, text=True
    ).stdout
    needed = {
        line.split("[")[1].split(".so")[0] for line in dynamic.splitlines() if "(NEEDED)" in line
    }
    runtime = {
        "libz",
        "libstdc++",
        "libgcc_s",
        "libm",
        "libc",
        "ld-linux-x86-64",
        "ld-linux-aarch64",
    }
    assert needed <= runtime


def test_command_line_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="weft")
    assert callable(command.load())
