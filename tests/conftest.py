"""What all Python tests share: the folder where CMake built the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def build_dir() -> Path:
    """Returns the build folder that `make test` names; without it, the test is skipped."""
    named = os.environ.get("WEFT_BUILD_DIR")
    if not named:
        pytest.skip("WEFT_BUILD_DIR is not set; `make test` sets it")
    return Path(named)
