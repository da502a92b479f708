"""What a table of times needs to say about the machine it was made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

EXTENSIONS = ["avx2", "bmi2", "fma", "avx512f", "avx512_vbmi2", "vpclmulqdq"]


def field(path: str, name: str) -> str:
    """The first `name: value` (or `name : value`) of a file in /proc."""
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def facts() -> dict[str, object]:
    flags = set(field("/proc/cpuinfo", "flags").split())
    cpu = {name: field("/proc/cpuinfo", name) for name in ("model name", "cpu family", "model")}
    return {
        "cpu": f"{cpu['model name']} (family {cpu['cpu family']}, model {cpu['model']})",
        "virtual": "hypervisor" in flags,
        "cores": len(os.sched_getaffinity(0)),
        "extensions": [name for name in EXTENSIONS if name in flags],
        "memory_gb": round(int(field("/proc/meminfo", "MemTotal").split()[0]) / 1e6, 1),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "load_before": round(os.getloadavg()[0], 2),
    }
