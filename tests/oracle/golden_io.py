"""Writes golden files: what the oracle (TensorFlow, the protobuf package) answered, as JSON.

The format, read by tests/python/golden.py and by C++ tests (no TensorFlow needed to read it):

* A golden file is one JSON object. "about" says what is in it, "oracle" which versions answered,
  and "cases" is a list of objects, one per line, each with a unique "name".
* An array is `{"dtype": D, "shape": [...], "values": [...]}`: values flat, row-major. D is a
  numpy name ("int64", "float32", "bool", ...) or "bytes", whose values are hex text, two digits a
  byte. Floats are the shortest decimal text that gives the same bits. Where that is impossible
  (NaN, infinity) or long (more than 24 values) there is `"b64"` instead of `"values"`: base64 of
  the little-endian items.
* A sparse tensor is `{"kind": "sparse", "indices": A, "values": A, "dense_shape": A}`, a ragged one
  `{"kind": "ragged", "flat_values": A, "nested_row_splits": [A, ...]}` (outermost first).
* An outcome is `{"result": ...}` or `{"error": {"type": T, "message": M}}`; T is the exception's
  class.
* Serialized bytes (records) are hex text.

Files are written with sorted keys and fixed separators, so that running a script twice gives the
same bytes.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# One thread and no alternative kernels: the same sums in the same order in every run.
os.environ.update(
    CUDA_VISIBLE_DEVICES="-1",
    TF_CPP_MIN_LOG_LEVEL="3",
    TF_ENABLE_ONEDNN_OPTS="0",
    TF_NUM_INTEROP_THREADS="1",
    TF_NUM_INTRAOP_THREADS="1",
    OMP_NUM_THREADS="1",
    PYTHONHASHSEED="0",
)

import numpy as np  # noqa: E402

LONGEST_PLAIN = 24

# tests/python/golden.py reads the files; the scripts build columns and specs from JSON with it too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))


def arguments(description: str) -> Path:
    """Parses `--out DIR` (default: tests/golden) and returns the folder, created."""
    parser = argparse.ArgumentParser(description=description)
    default = Path(__file__).resolve().parent.parent / "golden"
    parser.add_argument("--out", type=Path, default=default)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    return out


def array(x: Any) -> dict[str, Any]:
    """Encodes a numpy array; object arrays must hold bytes or str."""
    # numpy's own dtype for bytes, 'S', cuts trailing NULs.
    x = np.array(x, dtype=object) if isinstance(x, bytes) else np.asarray(x)
    if x.dtype.kind in "OSU":
        items = [v.encode() if isinstance(v, str) else bytes(v) for v in x.ravel().tolist()]
        return {"dtype": "bytes", "shape": list(x.shape), "values": [v.hex() for v in items]}
    out: dict[str, Any] = {"dtype": x.dtype.name, "shape": list(x.shape)}
    floating = x.dtype.kind == "f"
    if floating and (x.size > LONGEST_PLAIN or not np.all(np.isfinite(x))):
        little = np.ascontiguousarray(x).astype(x.dtype.newbyteorder("<"))
        out["b64"] = base64.b64encode(little.tobytes()).decode()
    elif floating:
        out["values"] = [float(np.format_float_scientific(v, unique=True)) for v in x.ravel()]
    else:
        out["values"] = x.ravel().tolist()
    return out


def tensor(x: Any) -> Any:
    """Encodes a Tensor, SparseTensor, RaggedTensor, or dicts and lists of them."""
    if isinstance(x, dict):
        return {str(k): tensor(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [tensor(v) for v in x]
    if hasattr(x, "nested_row_splits"):
        splits = [array(s.numpy()) for s in x.nested_row_splits]
        flat = array(x.flat_values.numpy())
        return {"kind": "ragged", "flat_values": flat, "nested_row_splits": splits}
    if hasattr(x, "indices") and hasattr(x, "dense_shape"):
        parts = {p: array(getattr(x, p).numpy()) for p in ("indices", "values", "dense_shape")}
        return {"kind": "sparse", **parts}
    return array(x.numpy() if hasattr(x, "numpy") else x)


def double(call: Any) -> Any:
    """The same JSON with floats that TensorFlow does not take for float32."""
    if isinstance(call, dict):
        return {k: double(v) for k, v in call.items()}
    if isinstance(call, list):
        return [double(v) for v in call]
    return np.float64(call) if isinstance(call, float) else call


def optimizer(build: Callable[[Any], Any], call: Any, dtype: str) -> Any:
    """Builds an optimizer; for float64, with numbers that TensorFlow does not take for float32."""
    if dtype != "float64":
        return build(call)
    made = build(double(call))
    for name, value in list(vars(made).items()):
        if isinstance(value, float):
            setattr(made, name, np.float64(value))
    return made


def message(error: BaseException) -> str:
    """The error's text without the graph node names and addresses that TensorFlow mixes in."""
    text = getattr(error, "message", None) or str(error)
    text = re.sub(r"\{\{function_node [^}]*\}\} ?", "", text)
    text = re.sub(r"\{\{node [^}]*\}\} ?", "", text)
    text = re.sub(r"/\S*/golden-\w+/", "", text)
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    text = re.sub(r"(Could not parse example input, value: ).*", r"\1...", text, flags=re.S)
    text = re.sub(r"; NodeDef: .*", "", text, flags=re.S)
    text = re.sub(r" Received: initial_state=.*", "", text, flags=re.S)
    text = re.sub(r"^Exception encountered when calling layer .*\n\n", "", text)
    text = re.sub(r"\n\nCall arguments received by layer .*", "", text, flags=re.S)
    return re.sub(r" \[Op:\w+\].*$", "", text, flags=re.S).strip()


def outcome(call: Callable[[], Any], encode: Callable[[Any], Any] = tensor) -> dict[str, Any]:
    """Runs `call` and records its encoded result, or the exception it raised."""
    try:
        value = call()
    except Exception as error:  # any exception is an answer of the oracle
        return {"error": {"type": type(error).__name__, "message": message(error)}}
    return {"result": encode(value)}


def versions() -> dict[str, str]:
    """Versions of the packages that answered."""
    import google.protobuf
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "protobuf": google.protobuf.__version__}


def dumps(value: Any) -> str:
    """Compact JSON with sorted keys; refuses NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write(path: Path, about: str, cases: list[dict[str, Any]], **fields: Any) -> None:
    """Writes one golden file: `about`, versions, further `fields`, and `cases`, one a line."""
    names = [case["name"] for case in cases]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise ValueError(f"{path}: case names used twice: {doubled}")
    head = {"about": about, "oracle": versions(), **fields}
    lines = [f"{json.dumps(k)}:{dumps(v)}," for k, v in sorted(head.items())]
    body = ",\n".join(dumps(case) for case in cases)
    path.write_text("{\n" + "\n".join(lines) + '\n"cases":[\n' + body + "\n]}\n")
