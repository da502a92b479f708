"""The committed type stub is the one that the built extension module generates."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_committed_stub_is_current(build_dir):
    subprocess.run(["cmake", "--build", str(build_dir), "--target", "_core_stub"], check=True)
    committed = (ROOT / "python" / "weft" / "_core.pyi").read_text().splitlines()
    generated = (build_dir / "_core.pyi").read_text().splitlines()
    difference = list(difflib.unified_diff(committed, generated, "committed", "generated", n=1))
    assert not difference, "run `make stub`:\n" + "\n".join(difference[:80])
