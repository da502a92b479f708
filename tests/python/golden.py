"""Reads the golden files; the format is documented at the top of tests/oracle/golden_io.py.

Also builds, from a golden file's JSON, feature specs and feature columns in any namespace that has
TensorFlow's names, so that the oracle's scripts and weft's tests build the same objects.
"""

from __future__ import annotations

import atexit
import base64
import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "golden"


def load(name: str) -> dict[str, Any]:
    """The golden file tests/golden/NAME."""
    return json.loads((FOLDER / name).read_text())


def cases(name: str) -> list[dict[str, Any]]:
    """Its cases."""
    return load(name)["cases"]


def array(x: dict[str, Any]) -> np.ndarray:
    """Decodes an array; bytes become an object array."""
    if x["dtype"] == "bytes":
        flat = np.empty(len(x["values"]), dtype=object)
        flat[:] = [bytes.fromhex(v) for v in x["values"]]
    elif "b64" in x:
        little = np.dtype(x["dtype"]).newbyteorder("<")
        flat = np.frombuffer(base64.b64decode(x["b64"]), little).astype(x["dtype"])
    else:
        flat = np.array(x["values"], dtype=x["dtype"])
    return flat.reshape(x["shape"])


def is_array(x: Any) -> bool:
    """Whether the JSON value is an encoded array."""
    return isinstance(x, dict) and "dtype" in x and "shape" in x and ("values" in x or "b64" in x)


def ragged_lists(x: dict[str, Any]) -> list[Any]:
    """A golden ragged tensor as nested lists."""
    rows: list[Any] = array(x["flat_values"]).tolist()
    for splits in reversed(x["nested_row_splits"]):
        limits = array(splits).tolist()
        rows = [rows[a:b] for a, b in zip(limits, limits[1:], strict=False)]
    return rows


def feature_spec(spec: Any, io: Any, dtype: Any) -> Any:
    """One feature spec from JSON: `io` has its class, `dtype` makes a dtype of a name."""
    if not isinstance(spec, dict):
        return spec
    fields = {k: v for k, v in spec.items() if k != "type"}
    for name in ("dtype", "row_splits_dtype"):
        if fields.get(name) is not None:
            fields[name] = dtype(fields[name])
    if "partitions" in fields:
        ragged = io.RaggedFeature
        fields["partitions"] = [
            getattr(ragged, p[0])(p[1]) if hasattr(ragged, p[0]) else p
            for p in fields["partitions"]
        ]
    return getattr(io, spec["type"])(**fields)


@functools.cache
def file_of(content: str) -> str:
    """The path of a file with this content (hex), until the process ends."""
    folder = tempfile.mkdtemp(prefix="golden-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "vocabulary"
    path.write_bytes(bytes.fromhex(content))
    return str(path)


class Builder:
    """Builds Python objects from JSON calls.

    `{"call": name, "args": [...], "kwargs": {...}}` calls `namespace.name`, `{"dtype": name}`
    makes a dtype, `{"function": name}` takes from `functions`, `{"array": A}` decodes an array,
    `{"tuple": [...]}` makes a tuple, `{"file": hex}` is the path of a file with that content; other
    JSON is itself.
    """

    def __init__(self, namespace: Any, dtype: Any, functions: dict[str, Any]) -> None:
        self.namespace = namespace
        self.dtype = dtype
        self.functions = functions

    def __call__(self, x: Any) -> Any:
        """Builds one JSON value."""
        if isinstance(x, list):
            return [self(v) for v in x]
        if not isinstance(x, dict):
            return x
        if "call" in x:
            args = [self(v) for v in x.get("args", [])]
            kwargs = {k: self(v) for k, v in x.get("kwargs", {}).items()}
            return getattr(self.namespace, x["call"])(*args, **kwargs)
        makers = {
            "dtype": self.dtype,
            "function": self.functions.__getitem__,
            "array": array,
            "tuple": lambda v: tuple(self(v)),
            "file": file_of,
        }
        for key, make in makers.items():
            if x.keys() == {key}:
                return make(x[key])
        return {k: self(v) for k, v in x.items()}


def flatten(x: Any) -> list[np.ndarray]:
    """Nested tuples and lists of arrays as one list of arrays."""
    if isinstance(x, (tuple, list)):
        return [a for v in x for a in flatten(v)]
    return [np.asarray(x)]


def assert_same(got: Any, want: np.ndarray) -> None:
    """The same dtype, shape and bits (NaN is NaN); a lone bytes is a scalar of bytes."""
    got = np.array(got, dtype=object) if isinstance(got, bytes) else np.asarray(got)
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    if want.dtype.kind == "f":
        np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    else:
        assert got.tolist() == want.tolist()


def assert_close(got: Any, want: np.ndarray, error: float = 0.0) -> None:
    """The same shape; within 1e-5 of the largest magnitude, or twice the oracle's own `error`."""
    got = np.asarray(got)
    assert got.shape == want.shape
    largest = float(np.max(np.abs(want[np.isfinite(want)]), initial=0))
    bound = max(1e-5 * largest, 2 * error)
    np.testing.assert_allclose(got, want, rtol=0, atol=bound, equal_nan=True)


def assert_feature(got: Any, want: dict[str, Any]) -> None:
    """A parsed feature equals the golden one: dense, sparse or ragged."""
    kind = want.get("kind", "dense")
    if kind == "sparse":
        assert_same(got.indices, array(want["indices"]))
        assert_same(got.values, array(want["values"]))
        assert list(got.dense_shape) == array(want["dense_shape"]).tolist()
    elif kind == "ragged":
        assert got.to_lists() == ragged_lists(want)
        flat = array(want["flat_values"])
        assert_same(got.flat_values, flat)
    else:
        assert_same(got, array(want))


def sparse_tensor(x: dict[str, Any], make: Any) -> Any:
    """`make(indices, values, dense_shape)` of a golden sparse tensor, an array of a dense one."""
    if x.get("kind") == "sparse":
        return make(*(array(x[part]) for part in ("indices", "values", "dense_shape")))
    return array(x)


def normal(shape: Any, seed: int) -> np.ndarray:
    """Normal numbers that the oracle's scripts and weft's tests both make."""
    return np.random.RandomState(seed).standard_normal(tuple(shape))


def coefficients(shape: Any) -> np.ndarray:
    """What the oracle multiplies an output of this shape with, to have one number's gradient."""
    return normal(shape, 99)
