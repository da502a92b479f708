"""The process: version, code paths, threads, memory; and what input may ask of it."""

from dataclasses import dataclass

from weft._core import config, num_threads, set_num_threads, trim

__all__ = ["Limits", "config", "num_threads", "set_num_threads", "show_config", "trim"]


@dataclass(frozen=True)
class Limits:
    """What input may ask for, checked before anything is allocated. None is the default.

    The defaults suit files that are trusted; who takes bytes from strangers lowers them. Input
    above a limit raises `weft.LimitExceededError`.
    """

    max_record_bytes: int | None = None
    """Bytes of one record, uncompressed: 2^30."""
    max_batch_values: int | None = None
    """Values of one feature in one batch, padding included: 2^31."""
    max_keys: int | None = None
    """Features of one record: 2^20."""
    max_empty_rows: int | None = None
    """Rows without values that the row ids of a RaggedFeature may leave in one record: 2^16."""


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
