"""Makes columns.json, feature_layers.json and sequence_ops.json: feature columns and the layers
over them.

columns.json        "column": JSON of the constructor call (golden.Builder), and the outcome: the
                    error, or type, name, config, parse_example_spec, num_buckets, variable_shape,
                    and whether the column comes back from its config; of two columns in a list:
                    whether they are equal, and their hashes
feature_layers.json "columns", "features" and "weights" (in the layer's order, with names) and the
                    outcome: data and lengths for SequenceFeatures, the array for DenseFeatures
sequence_ops.json   tf.sequence_mask and concatenate_context_input
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import column_cases
import column_kinds
import column_layers
import golden
import numpy as np
import tensorflow as tf
from tensorflow.python.feature_column.sequence_feature_column import concatenate_context_input


def affine(x: Any) -> Any:
    """The normalizer of the cases; TensorFlow's sequence columns pass a SparseTensor."""
    if isinstance(x, tf.SparseTensor):
        return tf.SparseTensor(x.indices, affine(x.values), x.dense_shape)
    return x * 2 + 1


class Method:
    """Has the normalizer as a method: each look at it makes a new object."""

    def method(self, x: Any) -> Any:
        """The normalizer."""
        return affine(x)


class Functions(dict):
    """The functions of the cases by name; "method" is bound anew each time."""

    bound = Method()

    def __getitem__(self, name: str) -> Any:
        return self.bound.method if name == "method" else super().__getitem__(name)


def ramp(shape: Any, dtype: Any = None) -> Any:
    """An initializer that is a function."""
    return tf.reshape(tf.range(tf.reduce_prod(shape), dtype=tf.float32), shape)


FUNCTIONS = Functions(affine=affine, ramp=ramp, ones=tf.keras.initializers.Ones())
BUILD = golden.Builder(tf.feature_column, tf.as_dtype, FUNCTIONS)


def plain(x: Any) -> Any:
    """Configs and specs as JSON: tuples as lists, dtypes and functions by name."""
    if isinstance(x, tf.DType):
        return {"dtype": x.name}
    if isinstance(x, tf.TensorShape):
        return x.as_list()
    if callable(x) and hasattr(x, "__name__"):
        return {"function": x.__name__}
    if hasattr(x, "_fields"):
        return {"type": type(x).__name__, **{f: plain(getattr(x, f)) for f in x._fields}}
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, str) and "/golden-" in x:  # golden.file_of
        return Path(x).name
    return x


def describe(column: Any) -> Any:
    """What a column says about itself; {"raises": type} where it cannot say."""
    if isinstance(column, dict):
        return plain(column)
    if isinstance(column, list):
        one, two = column
        return {"equal": one == two, "hashes_equal": hash(one) == hash(two)}
    parts = {
        "name": lambda: column.name,
        "config": lambda: plain(column.get_config()),
        "parse_example_spec": lambda: plain(column.parse_example_spec),
        "round_trip": lambda: type(column).from_config(column.get_config(), FUNCTIONS) == column,
        "num_buckets": lambda: plain(column.num_buckets),
        "variable_shape": lambda: plain(column.variable_shape),
    }
    out = {"type": type(column).__name__}
    for part, say in parts.items():
        if not hasattr(type(column), part) and part in ("num_buckets", "variable_shape"):
            continue
        try:
            out[part] = say()
        except Exception as error:
            out[part] = {"raises": type(error).__name__}
    return out


def constructor_cases() -> Iterator[dict[str, Any]]:
    """columns.json."""
    for name, column in [*column_cases.all_cases(), *column_kinds.constructors()]:
        yield {
            "name": name,
            "column": column,
            **golden_io.outcome(lambda c=column: BUILD(c), describe),
        }


def feature(x: Any) -> Any:
    """A case's feature as TensorFlow takes it."""
    if isinstance(x, tuple):
        return tf.SparseTensor(x[1], tf.constant(x[2]), x[3])
    return tf.constant(x)


def encode_feature(x: Any) -> Any:
    """A case's feature as JSON."""
    if isinstance(x, tuple):
        names = ("indices", "values", "dense_shape")
        return {
            "kind": "sparse",
            **{n: golden_io.array(v) for n, v in zip(names, x[1:], strict=True)},
        }
    return golden_io.array(x)


def run_layer(case: column_layers.LayerCase, weights: list[Any]) -> dict[str, Any]:
    """Builds the layer, gives it weights, calls it; `weights` receives [name, array]."""
    cls = {
        "SequenceFeatures": getattr(tf.keras.experimental, "SequenceFeatures", None),
        "DenseFeatures": getattr(tf.keras.layers, "DenseFeatures", None),
    }[case.layer]
    layer = cls([BUILD(c) for c in case.columns], name="layer")
    layer.build(None)
    rng = np.random.RandomState(5)
    for weight in layer.weights:
        value = rng.standard_normal(weight.shape).astype(np.float32)
        weight.assign(value)
        weights.append([weight.name, golden_io.array(value)])
    out = layer({k: feature(v) for k, v in case.features.items()})
    return (
        {"data": out[0], "lengths": out[1]} if case.layer == "SequenceFeatures" else {"data": out}
    )


def layer_cases() -> Iterator[dict[str, Any]]:
    """feature_layers.json."""
    for case in [*column_layers.all_cases(), *column_kinds.layers()]:
        weights: list[Any] = []
        result = golden_io.outcome(lambda c=case, w=weights: run_layer(c, w))
        out = {
            "name": case.name,
            "layer": case.layer,
            "columns": case.columns,
            "features": {k: encode_feature(v) for k, v in case.features.items()},
            "weights": weights,
            **result,
        }
        yield {**out, "note": case.note} if case.note else out


def mask_cases() -> Iterator[dict[str, Any]]:
    """tf.sequence_mask."""
    lengths = {
        "vector": np.array([1, 3, 2, 0]),
        "vector_int32": np.array([1, 3, 2], np.int32),
        "zeros": np.array([0, 0]),
        "empty": np.zeros(0, np.int64),
        "scalar": np.array(2),
        "matrix": np.array([[1, 3], [2, 0]]),
        "negative": np.array([-1, 2]),
        "floats": np.array([1.0, 2.5], np.float32),
    }
    kinds = ["bool", "float16", "float32", "float64"]
    kinds += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    asked: list[tuple[str, Any, str]] = [("vector", None, k) for k in kinds]
    asked += [(n, None, "bool") for n in lengths if n != "vector"]
    asked += [(n, m, "bool") for n in ("vector", "matrix", "zeros", "empty") for m in (0, 2, 3, 5)]
    asked += [("vector", -1, "bool"), ("vector", 2.5, "bool"), ("vector", [2], "bool")]
    asked += [("vector", None, "string")]
    for name, maxlen, kind in asked:
        result = golden_io.outcome(
            lambda n=name, m=maxlen, k=kind: tf.sequence_mask(lengths[n], m, tf.as_dtype(k))
        )
        yield {
            "name": f"sequence_mask/{name}/{maxlen}/{kind}",
            "lengths": golden_io.array(lengths[name]),
            "maxlen": maxlen,
            "dtype": kind,
            **result,
        }


def context_cases() -> Iterator[dict[str, Any]]:
    """concatenate_context_input."""
    context = np.array([[10, 20], [30, 40]], np.float32)
    sequence = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    asked = {
        "plain": (context, sequence),
        "no_steps": (context, sequence[:, :0]),
        "no_rows": (context[:0], sequence[:0]),
        "context_width_0": (context[:, :0], sequence),
        "context_rank_1": (context[0], sequence),
        "context_rank_3": (context[None], sequence),
        "sequence_rank_2": (context, sequence[0]),
        "context_dtype": (context.astype(np.int64), sequence),
        "sequence_dtype": (context, sequence.astype(np.int64)),
        "context_float64": (context.astype(np.float64), sequence),
        "batches_differ": (context[:1], sequence),
    }
    for name, (c, s) in asked.items():
        result = golden_io.outcome(
            lambda c=c, s=s: concatenate_context_input(tf.constant(c), tf.constant(s))
        )
        arrays = {"context": golden_io.array(c), "sequence": golden_io.array(s)}
        yield {"name": f"concatenate_context_input/{name}", **arrays, **result}


def compat_names() -> list[str]:
    """The names of tf.compat.v1.feature_column."""
    return sorted(n for n in dir(tf.compat.v1.feature_column) if not n.startswith("_"))


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    golden_io.write(
        out / "columns.json",
        "Feature columns: constructors, names, configs, parse specs.",
        list(constructor_cases()),
        compat_v1=compat_names(),
    )
    golden_io.write(
        out / "feature_layers.json", "SequenceFeatures and DenseFeatures.", list(layer_cases())
    )
    operations = [*mask_cases(), *context_cases()]
    golden_io.write(
        out / "sequence_ops.json", "sequence_mask, concatenate_context_input.", operations
    )


if __name__ == "__main__":
    main()
