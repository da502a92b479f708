"""`import weft` is light, and `import weft as tf` finds TensorFlow's paths."""

from __future__ import annotations

import subprocess
import sys

GUESTS = {
    *("torch", "tensorflow", "jax", "pandas", "pyarrow", "ray", "pyspark", "google", "polars"),
    *("rich", "typer", "click", "tqdm", "matplotlib", "asyncio", "multiprocessing", "unittest"),
}


def modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(run.stdout.split())


def test_import_loads_little_beyond_numpy():
    loaded = modules_after("import weft") - modules_after("import numpy")
    assert not {name.split(".")[0] for name in loaded} & GUESTS
    others = {name for name in loaded if name.split(".")[0] not in ("weft", "nanobind_backend")}
    assert len(others) < 60, sorted(others)
