"""Writes the seeds of example_fuzz, example_diff_fuzz, isa_diff_fuzz and of both
sequence_example targets.

A seed is a byte of choices, then bytes: the golden records of tests/golden/parsing_wire.json or
sequence_example.json but for the random mutations, and for the choices that make records out of
numbers, numbers.
"""

import json
import random
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
GOLDEN = CORPUS.parent.parent / "tests" / "golden"
# Each target's choices for bytes as they are, and for records made out of numbers.
TARGETS = {
    "example": (0x00, (0x01, 0x0A, 0x13, 0x5E)),
    "example_diff": (0x00, (0x01, 0x15, 0x2B, 0x4F)),
    "isa_diff": (0x04, (0x01, 0x17, 0x35, 0xF7)),
}
SEQUENCE_TARGETS = {
    "sequence_example": (0x00, (0x01, 0x0A, 0x13, 0x1D)),
    "sequence_example_diff": (0x00, (0x01, 0x0B, 0x17, 0x23)),
}


def seeds() -> dict[str, bytes]:
    """Golden records by name, those that differ only in the size of something left out."""
    found = {}
    for case in json.loads((GOLDEN / "parsing_wire.json").read_text())["cases"]:
        name = case["name"].replace("/", "-")
        if case["name"].split("/")[0] in ("map", "merge", "unknown", "varint", "malformed"):
            found[name] = bytes.fromhex(case["records"][0])
    return {
        k: v
        for k, v in found.items()
        if len(v) < 1000 and "fixed64" not in k and "_type_5" not in k
    }


def sequence_seeds() -> dict[str, bytes]:
    """Golden SequenceExamples by name."""
    cases = json.loads((GOLDEN / "sequence_example.json").read_text())["cases"]
    records = {
        case["name"].replace("/", "-"): bytes.fromhex(case["records"][0])
        for case in cases
        if case["records"] and not case["single"] and not case["name"].startswith("prefix")
    }
    return {name: record for name, record in records.items() if len(record) < 1000}


def main() -> None:
    """Writes every seed."""
    rng = random.Random(1)
    for targets, records in ((TARGETS, seeds()), (SEQUENCE_TARGETS, sequence_seeds())):
        for target, (raw, made) in targets.items():
            folder = CORPUS / target
            folder.mkdir(parents=True, exist_ok=True)
            for name, record in records.items():
                (folder / name).write_bytes(bytes([raw]) + record)
            for choice in made:
                (folder / f"made-{choice:02x}").write_bytes(bytes([choice]) + rng.randbytes(200))


if __name__ == "__main__":
    main()
