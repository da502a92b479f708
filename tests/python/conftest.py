"""What the Python tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of files that TensorFlow made."""
    return Path(__file__).resolve().parents[1] / "golden"
