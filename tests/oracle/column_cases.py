"""Cases for make_columns.py that need no data: constructors, names, configs, specs, errors.

A case is (name, JSON of the column); see golden.Builder for the JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = Any


def call(name: str, *args: Json, **kwargs: Json) -> Json:
    """JSON of a call in feature_column."""
    return {"call": name, "args": list(args), "kwargs": kwargs}


def identity(key: Json = "a", buckets: Json = 10, **kwargs: Json) -> Json:
    """categorical_column_with_identity."""
    return call("categorical_column_with_identity", key, num_buckets=buckets, **kwargs)


def sequence_identity(key: Json = "a", buckets: Json = 10, **kwargs: Json) -> Json:
    """sequence_categorical_column_with_identity."""
    return call("sequence_categorical_column_with_identity", key, num_buckets=buckets, **kwargs)


def embedding(column: Json, dimension: Json = 3, **kwargs: Json) -> Json:
    """embedding_column."""
    return call("embedding_column", column, dimension=dimension, **kwargs)


def indicator(column: Json) -> Json:
    """indicator_column."""
    return call("indicator_column", column)


def numeric(key: Json = "n", **kwargs: Json) -> Json:
    """numeric_column."""
    return call("numeric_column", key, **kwargs)


def sequence_numeric(key: Json = "n", **kwargs: Json) -> Json:
    """sequence_numeric_column."""
    return call("sequence_numeric_column", key, **kwargs)


def dtype(name: str) -> Json:
    """A dtype."""
    return {"dtype": name}


AFFINE = {"function": "affine"}
BAD_BUCKETS = {"zero": 0, "negative": -1, "none": None, "text": "10", "float": 10.5, "list": [3]}
BAD_DEFAULTS = {"negative": -1, "too_large": 10, "text": "1", "float": 1.5}
BAD_KEYS = {"none": None, "int": 1, "list": ["a"], "empty": ""}
BAD_DIMENSIONS = {"zero": 0, "negative": -2, "none": None, "text": "3", "float": 1.5}
BAD_SHAPES = {
    "zero": [0],
    "negative": [2, -1],
    "float": [1.5],
    "text": ["2"],
    "none": None,
    "int0": 0,
}


def categorical() -> Iterator[tuple[str, Json]]:
    """Identity columns and their sequence forms."""
    for make in (identity, sequence_identity):
        name = make.__name__
        yield f"{name}/plain", make()
        yield f"{name}/default", make(default_value=3)
        yield f"{name}/default_zero", make(default_value=0)
        yield f"{name}/positional", {**make(), "args": ["a", 10, 9], "kwargs": {}}
        yield f"{name}/one_bucket", make(buckets=1)
        yield f"{name}/large", make(buckets=2**40)
        yield f"{name}/odd_name", make(key="a b/c:d-\u0437")
        for what, value in BAD_BUCKETS.items():
            yield f"{name}/buckets_{what}", make(buckets=value)
        for what, value in BAD_DEFAULTS.items():
            yield f"{name}/default_{what}", make(default_value=value)
        for what, value in BAD_KEYS.items():
            yield f"{name}/key_{what}", make(key=value)


def dense() -> Iterator[tuple[str, Json]]:
    """Embedding and indicator columns."""
    for make in (identity, sequence_identity):
        name = make.__name__
        yield f"embedding/{name}", embedding(make())
        yield f"indicator/{name}", indicator(make())
    column = identity()
    for combiner in ("mean", "sqrtn", "sum"):
        yield f"embedding/{combiner}", embedding(column, combiner=combiner)
    yield (
        "embedding/all_arguments",
        embedding(
            column,
            4,
            combiner="sum",
            initializer={"function": "ones"},
            max_norm=2.0,
            trainable=False,
            use_safe_embedding_lookup=False,
        ),
    )
    yield "embedding/initializer_function", embedding(column, initializer={"function": "ramp"})
    yield "embedding/checkpoint", embedding(column, ckpt_to_load_from="p", tensor_name_in_ckpt="t")
    for what, value in BAD_DIMENSIONS.items():
        yield f"embedding/dimension_{what}", embedding(column, value)
    yield "embedding/initializer_not_callable", embedding(column, initializer="ones")
    yield "embedding/checkpoint_without_tensor", embedding(column, ckpt_to_load_from="p")
    yield "embedding/tensor_without_checkpoint", embedding(column, tensor_name_in_ckpt="t")
    yield "embedding/unknown_combiner", embedding(column, combiner="max")
    yield "embedding/combiner_none", embedding(column, combiner=None)
    for what, inner in {
        "text": "a",
        "numeric": numeric(),
        "embedding": embedding(column),
        "indicator": indicator(column),
        "sequence_numeric": sequence_numeric(),
    }.items():
        yield f"embedding/of_{what}", embedding(inner)
        yield f"indicator/of_{what}", indicator(inner)


def numbers() -> Iterator[tuple[str, Json]]:
    """Numeric columns and their sequence forms."""
    for make in (numeric, sequence_numeric):
        name = make.__name__
        yield f"{name}/plain", make()
        yield f"{name}/shape_int", make(shape=2)
        yield f"{name}/shape_list", make(shape=[2, 3])
        yield f"{name}/shape_empty", make(shape=[])
        yield f"{name}/normalizer", make(normalizer_fn=AFFINE)
        yield f"{name}/normalizer_not_callable", make(normalizer_fn="affine")
        for kind in ("int64", "int32", "float64", "float16", "uint8"):
            yield f"{name}/dtype_{kind}", make(dtype=dtype(kind))
        for kind in ("string", "bool"):
            yield f"{name}/dtype_{kind}", make(dtype=dtype(kind))
        for what, value in BAD_SHAPES.items():
            yield f"{name}/shape_{what}", make(shape=value)
        for what, value in BAD_KEYS.items():
            yield f"{name}/key_{what}", make(key=value)
        yield f"{name}/default_float", make(default_value=2.5)
        yield f"{name}/default_int", make(default_value=2)
        yield f"{name}/default_text", make(default_value="x")
        yield f"{name}/default_list", make(shape=[2], default_value=[1.5, 2.5])
        yield f"{name}/default_float_for_int64", make(dtype=dtype("int64"), default_value=1.5)
    yield "numeric/default_for_shape", numeric(shape=[2], default_value=3.0)
    yield "numeric/default_int_for_int64", numeric(dtype=dtype("int64"), default_value=4)
    yield "numeric/default_matrix", numeric(shape=[2, 2], default_value=[[1.0, 2.0], [3.0, 4.0]])
    yield "numeric/default_array", numeric(shape=[2], default_value={"array": f32(1, 2)})
    yield "numeric/default_wrong_length", numeric(shape=[2], default_value=[1.0])
    yield "numeric/default_wrong_rank", numeric(shape=[2, 2], default_value=[1.0, 2.0, 3.0, 4.0])
    yield "numeric/default_list_of_text", numeric(shape=[2], default_value=["a", "b"])


def f32(*values: float) -> Json:
    """A float32 vector."""
    return {"dtype": "float32", "shape": [len(values)], "values": list(values)}


def specs() -> Iterator[tuple[str, Json]]:
    """make_parse_example_spec of several columns."""

    def spec(*columns: Json) -> Json:
        return call("make_parse_example_spec", list(columns))

    yield "spec/none", spec()
    yield (
        "spec/several",
        spec(embedding(sequence_identity()), numeric("n", shape=2, default_value=1.0)),
    )
    yield "spec/same_key_twice", spec(embedding(identity()), indicator(identity()))
    yield "spec/same_key_other_buckets", spec(indicator(identity()), embedding(identity(buckets=5)))
    yield "spec/raw_categorical", spec(identity())
    yield "spec/sequence_numeric", spec(sequence_numeric("x", dtype=dtype("int64")))
    yield "spec/conflict_kind", spec(embedding(identity("k")), numeric("k"))
    yield "spec/conflict_dtype", spec(sequence_numeric("k"), embedding(sequence_identity("k")))
    yield "spec/conflict_default", spec(numeric("k"), numeric("k", default_value=1.0))
    yield "spec/conflict_shape", spec(numeric("k"), numeric("k", shape=2))
    yield "spec/not_a_column", spec("k")
    yield "spec/one_column_not_in_a_list", {"call": "make_parse_example_spec", "args": [numeric()]}
    yield "spec/numeric_int32", spec(numeric("k", dtype=dtype("int32")))


def pairs() -> Iterator[tuple[str, Json]]:
    """Two columns each: whether they are equal."""

    def scaled(name: str) -> Json:
        return numeric(normalizer_fn={"function": name})

    yield "equal/defaults_0_and_0.0", [numeric(default_value=0), numeric(default_value=0.0)]
    yield "equal/defaults_0_and_1", [numeric(default_value=0), numeric(default_value=1)]
    yield "equal/default_and_none", [numeric(default_value=0), numeric()]
    yield (
        "equal/default_spread",
        [numeric(shape=2, default_value=1), numeric(shape=2, default_value=[1, 1.0])],
    )
    yield "equal/shapes_1_and_list", [numeric(shape=1), numeric(shape=[1])]
    yield "equal/normalizers_alike", [scaled("affine"), scaled("affine")]
    yield "equal/normalizers_differ", [scaled("affine"), scaled("ramp")]
    yield "equal/normalizers_bound_methods", [scaled("method"), scaled("method")]
    yield "equal/sequence_and_not", [sequence_identity(), identity()]
    yield "equal/buckets_differ", [identity(), identity(buckets=11)]
    ramp = {"function": "ramp"}
    yield "equal/initializers_alike", [embedding(identity(), initializer=ramp)] * 2


def all_cases() -> Iterator[tuple[str, Json]]:
    """Every case of this file."""
    yield from pairs()
    yield from categorical()
    yield from dense()
    yield from numbers()
    yield from specs()
