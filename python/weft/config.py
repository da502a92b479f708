"""The process: version, code paths, threads, memory."""

from weft._core import config, num_threads, set_num_threads, trim

__all__ = ["config", "num_threads", "set_num_threads", "show_config", "trim"]


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def show_config() -> None:
    """Prints the version, the compiler, the code paths in use, threads and memory."""
    found = config()
    path = found["instruction_set"]
    if path != found["best_instruction_set"]:
        path += f" (this processor could run {found['best_instruction_set']})"
    lines = {
        "weft": found["version"],
        "compiler": found["compiler"],
        "code path": path,
        "extensions": found["extensions"] or "none",
        "threads": found["num_threads"],
        "memory": f"{_mebibytes(found['used_bytes'])} in use, "
        f"{_mebibytes(found['pooled_bytes'])} kept for the next outputs",
    }
    for name, value in lines.items():
        print(f"{name:<11} {value}")
