"""Compares two folders of golden files: what an oracle answers now, and what is committed.

Files with equal bytes agree. JSON files that differ are compared value by value: integers and text
exactly, floats to 1e-6 of the larger magnitude, because another processor may round otherwise; the
entry "oracle" (versions) is not compared. Usage: compare_golden.py NEW COMMITTED
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

TOLERANCE = 1e-6


def numbers(value: Any) -> Any:
    """Decodes a golden array that is stored as base64; returns anything else as it is."""
    if isinstance(value, dict) and "b64" in value:
        return np.frombuffer(base64.b64decode(value["b64"]), value["dtype"]).tolist()
    return value


def close(a: float, b: float) -> bool:
    """Whether two floats agree; NaN equals NaN."""
    return (
        a == b
        or (math.isnan(a) and math.isnan(b))
        or abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1.0)
    )


def differences(new: Any, old: Any, place: str) -> Iterator[str]:
    """Yields one line for each place where the two trees differ."""
    new, old = numbers(new), numbers(old)
    if isinstance(new, float) and isinstance(old, float):
        if not close(new, old):
            yield f"{place}: {new!r} now, {old!r} committed"
    elif isinstance(new, dict) and isinstance(old, dict):
        for key in sorted(new.keys() | old.keys()):
            if key == "oracle":
                continue
            if key not in new or key not in old:
                yield f"{place}.{key}: only {'now' if key in new else 'committed'}"
            else:
                yield from differences(new[key], old[key], f"{place}.{key}")
    elif isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for i, (a, b) in enumerate(zip(new, old, strict=True)):
            yield from differences(a, b, f"{place}[{i}]")
    elif type(new) is not type(old) or new != old:
        yield f"{place}: {str(new)[:80]} now, {str(old)[:80]} committed"


def compare(new: Path, old: Path) -> list[str]:
    """Returns the differences of two files."""
    if new.read_bytes() == old.read_bytes():
        return []
    if new.suffix != ".json":
        return [f"{new.name}: the bytes differ"]
    return list(differences(json.loads(new.read_text()), json.loads(old.read_text()), new.name))


def main(new_dir: Path, old_dir: Path) -> int:
    """Prints what differs; returns the exit code."""
    found = []
    made = sorted(p.relative_to(new_dir) for p in new_dir.rglob("*") if p.is_file())
    for name in made:
        if not (old_dir / name).exists():
            found.append(f"{name}: not committed")
        else:
            found += compare(new_dir / name, old_dir / name)
    for line in found[:50]:
        print(line)
    print(f"oracle: {len(made)} files compared, {len(found)} differences")
    return 1 if found or not made else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
