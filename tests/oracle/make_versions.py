# environment: tf221
"""Makes versions.json: where TensorFlow 2.21 (Keras 3) answers the golden files' questions
otherwise than 2.15.

Runs after the other scripts: reads DIR's files (or tests/golden's, where DIR has none), asks the
installed TensorFlow the same, and records each case whose outcome is another one: "was" and
"now", arrays cut short. Two errors with different texts agree. Float arrays agree within 1e-6 of
the largest value. Where TensorFlow 2.21 has no such function (SequenceFeatures, DenseFeatures)
nothing can be compared.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import golden
import make_columns
import make_fingerprint
import make_parsing
import make_records
import make_rnn
import numpy as np
import parsing_cases
import parsing_random
import parsing_structured
import parsing_wire
import rnn_cases
import tensorflow as tf
from parsing_cases import Case


def agree(a: Any, b: Any) -> bool:
    """Whether two encoded answers say the same."""
    if golden.is_array(a) and golden.is_array(b):
        if a["dtype"] != b["dtype"] or a["shape"] != b["shape"]:
            return False
        x, y = golden.array(a), golden.array(b)
        if x.dtype.kind != "f":
            return bool(np.all(x == y))
        finite = np.abs(x[np.isfinite(x)])
        bound = 1e-6 * max(float(np.max(finite, initial=0)), 1e-6)
        return bool(np.allclose(x, y, rtol=0, atol=bound, equal_nan=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(agree(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def answer(case: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The part of a case that the oracle said; errors by type alone."""
    out = {k: case[k] for k in keys if k in case}
    for value in [out, *out.values()]:
        if isinstance(value, dict) and "error" in value:
            value["error"] = {"type": value["error"]["type"]}
    return out


def text(x: Any) -> str:
    """A value as text; floats with six digits, because processors round otherwise."""
    return f"{x:.6g}" if isinstance(x, float) else str(x)


def brief(x: Any) -> Any:
    """An answer with only the first four values of its arrays."""
    if golden.is_array(x):
        first = golden.array(x).ravel()[:4].tolist()
        return {**{k: x[k] for k in ("dtype", "shape")}, "first": [text(v) for v in first]}
    if isinstance(x, dict):
        return {k: brief(v) for k, v in x.items()}
    return [brief(v) for v in x] if isinstance(x, list) else x


def parsing(cases: list[Case]) -> Iterator[dict[str, Any]]:
    """Parsing cases, asked again."""
    return (make_parsing.answer(c) for c in cases)


def wire_cases() -> Iterator[dict[str, Any]]:
    """The cases of parsing_wire.json, asked again."""
    return parsing([*parsing_wire.all_cases(), *parsing_random.all_cases()])


def record_cases() -> Iterator[dict[str, Any]]:
    """The cases of records.json, asked again of the committed file."""
    plain = (golden.FOLDER / "records" / "plain.tfrecord").read_bytes()
    for name, _, data in make_records.edits(plain):
        yield {"name": name, "tf": make_records.read(data)}
    for name, _, data in make_records.gzip_edits(plain):
        yield {"name": name, "tf": make_records.read(data, "GZIP")}


def fingerprint_cases() -> Iterator[dict[str, Any]]:
    """fingerprint64.json, asked again."""
    data = make_fingerprint.inputs()
    parts = tf.raw_ops.Fingerprint(data=tf.constant(data), method="farmhash64").numpy()
    hashes = [str(int.from_bytes(bytes(row), "little")) for row in parts]
    yield {"name": "farmhash64", "fingerprints": hashes}


def sequence_ops() -> Iterator[dict[str, Any]]:
    """sequence_ops.json, asked again."""
    yield from make_columns.mask_cases()
    yield from make_columns.context_cases()


QUESTIONS: dict[str, tuple[Callable[[], Iterator[dict[str, Any]]], tuple[str, ...]]] = {
    "parsing.json": (
        lambda: parsing([*parsing_cases.all_cases(), *parsing_structured.all_cases()]),
        ("tf", "protobuf", "meaning"),
    ),
    "parsing_wire.json": (wire_cases, ("tf", "protobuf", "meaning")),
    "records.json": (record_cases, ("tf",)),
    "fingerprint64.json": (fingerprint_cases, ("fingerprints",)),
    "columns.json": (make_columns.constructor_cases, ("result", "error")),
    "sequence_ops.json": (sequence_ops, ("result", "error")),
    # Without arguments: Keras 3 calls them otherwise.
    "activations.json": (lambda: iter(make_rnn.activation_values(())[1]), ("values",)),
    "rnn.json": (
        lambda: make_rnn.layer_cases(rnn_cases.shared_arrays(), {}),
        ("outputs", "error"),
    ),
    "rnn_weights.json": (
        make_rnn.weight_cases,
        ("weights", "state_size", "output_size", "initial_bias"),
    ),
}


def compare(out: Path, name: str) -> Iterator[dict[str, Any]]:
    """The disagreements of one file."""
    folder = out if (out / name).exists() else golden.FOLDER
    old = {c["name"]: c for c in json.loads((folder / name).read_text())["cases"]}
    ask, keys = QUESTIONS[name]
    for case in ask():
        was, now = answer(old[case["name"]], keys), answer(case, keys)
        if not agree(was, now):
            changed = sorted(
                k for k in was.keys() | now.keys() if not agree(was.get(k), now.get(k))
            )
            yield {
                "name": f"{name}: {case['name']}",
                "was": {k: brief(was.get(k)) for k in changed},
                "now": {k: brief(now.get(k)) for k in changed},
            }


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    cases = [case for name in QUESTIONS for case in compare(out, name)]
    about = "Where TensorFlow 2.21 answers otherwise than 2.15."
    golden_io.write(out / "versions.json", about, cases)


if __name__ == "__main__":
    main()
