"""Cases for make_columns.py: the kinds beyond identity - hashed, vocabularies, weighted, crossed,
bucketized - as declarations and under a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from column_cases import (
    AFFINE,
    call,
    dtype,
    embedding,
    identity,
    indicator,
    numeric,
    sequence_identity,
    sequence_numeric,
)
from column_layers import LayerCase, sparse

Json = Any

STATES = ["CA", "NY", "TX", "\u00e5\u00e4\u00f6", "a b"]
NUMBERS = [7, -3, 0, 2**40]
TEXT = "".join(f"{entry}\n" for entry in STATES).encode()


def hashed(key: str = "s", size: Json = 20, **kwargs: Json) -> Json:
    """categorical_column_with_hash_bucket."""
    return call("categorical_column_with_hash_bucket", key, hash_bucket_size=size, **kwargs)


def listed(key: str = "s", entries: Json = None, **kwargs: Json) -> Json:
    """categorical_column_with_vocabulary_list."""
    entries = STATES if entries is None else entries
    return call("categorical_column_with_vocabulary_list", key, vocabulary_list=entries, **kwargs)


def filed(key: str = "s", content: bytes = TEXT, **kwargs: Json) -> Json:
    """categorical_column_with_vocabulary_file of a file with this content."""
    file = {"file": content.hex()}
    return call("categorical_column_with_vocabulary_file", key, vocabulary_file=file, **kwargs)


def sequence(column: Json) -> Json:
    """The sequence_ form of a categorical column."""
    return {**column, "call": f"sequence_{column['call']}"}


def weighted(column: Json, key: Json = "w", **kwargs: Json) -> Json:
    """weighted_categorical_column."""
    return call("weighted_categorical_column", column, key, **kwargs)


def crossed(keys: Json, size: Json = 30, **kwargs: Json) -> Json:
    """crossed_column."""
    return call("crossed_column", keys, hash_bucket_size=size, **kwargs)


def bucketized(source: Json = None, boundaries: Json = None) -> Json:
    """bucketized_column."""
    source = numeric() if source is None else source
    return call("bucketized_column", source, [0.0, 1.5, 10.0] if boundaries is None else boundaries)


def constructors() -> Iterator[tuple[str, Json]]:
    """Declarations: names, configs, specs, errors."""
    yield from hashed_constructors()
    yield from vocabulary_constructors()
    yield from combining_constructors()


def hashed_constructors() -> Iterator[tuple[str, Json]]:
    """Hash buckets."""
    for form, make in {
        "hashed": hashed,
        "sequence_hashed": lambda *a, **k: sequence(hashed(*a, **k)),
    }.items():
        yield f"{form}/plain", make()
        for kind in ("int64", "int32", "uint8"):
            yield f"{form}/dtype_{kind}", make(dtype=dtype(kind))
        for kind in ("float32", "bool"):
            yield f"{form}/dtype_{kind}", make(dtype=dtype(kind))
        for what, size in {"zero": 0, "negative": -1, "none": None, "one": 1}.items():
            yield f"{form}/size_{what}", make(size=size)
        yield f"{form}/key_int", {**make(), "args": [3]}


def vocabulary_constructors() -> Iterator[tuple[str, Json]]:
    """Vocabularies in lists and files."""
    for form, wrap in {"": lambda c: c, "sequence_": sequence}.items():
        yield f"{form}list/plain", wrap(listed())
        yield f"{form}list/integers", wrap(listed(entries=NUMBERS))
        yield f"{form}list/dtype_int32", wrap(listed(entries=NUMBERS, dtype=dtype("int32")))
        yield f"{form}list/dtype_of_another_kind", wrap(listed(dtype=dtype("int64")))
        yield f"{form}list/default", wrap(listed(default_value=2))
        yield f"{form}list/oov", wrap(listed(num_oov_buckets=3))
        yield f"{form}list/oov_and_default", wrap(listed(num_oov_buckets=3, default_value=1))
        yield f"{form}list/oov_negative", wrap(listed(num_oov_buckets=-1))
        yield f"{form}list/empty", wrap(listed(entries=[]))
        yield f"{form}list/none", wrap(call("categorical_column_with_vocabulary_list", "s", None))
        yield f"{form}list/repeated", wrap(listed(entries=["a", "b", "a"]))
        yield f"{form}list/floats", wrap(listed(entries=[1.5, 2.5]))
        yield f"{form}file/plain", wrap(filed())
        yield f"{form}file/size", wrap(filed(vocabulary_size=3))
        yield f"{form}file/size_zero", wrap(filed(vocabulary_size=0))
        yield f"{form}file/integers", wrap(filed(content=b"1\n2\n", dtype=dtype("int64")))
        yield f"{form}file/float", wrap(filed(dtype=dtype("float32")))
        yield f"{form}file/default", wrap(filed(default_value=2))
        yield f"{form}file/oov", wrap(filed(num_oov_buckets=3))
        yield f"{form}file/oov_and_default", wrap(filed(num_oov_buckets=3, default_value=1))
        yield f"{form}file/oov_negative", wrap(filed(num_oov_buckets=-1))
        missing = wrap(call("categorical_column_with_vocabulary_file", "s", ""))
        yield f"{form}file/no_name", missing
        gone = call("categorical_column_with_vocabulary_file", "s", "no/such/file")
        yield f"{form}file/not_there", wrap(gone)
        yield (
            f"{form}file/not_there_but_size_given",
            wrap({**gone, "kwargs": {"vocabulary_size": 3}}),
        )
    yield "file/format", filed(vocabulary_size=3, file_format="tfrecord_gzip")


def combining_constructors() -> Iterator[tuple[str, Json]]:
    """Columns of columns: weighted, crossed, bucketized."""
    yield "weighted/plain", weighted(identity())
    yield "weighted/int64", weighted(identity(), dtype=dtype("int64"))
    yield "weighted/string", weighted(identity(), dtype=dtype("string"))
    yield "weighted/embedding", embedding(weighted(identity()))
    yield "weighted/of_hashed", indicator(weighted(hashed()))
    yield "crossed/strings", crossed(["b", "a"])
    yield "crossed/hash_key", crossed(["b", "a", "c"], hash_key=17)
    yield "crossed/columns", crossed([identity("b"), bucketized(), "a"])
    yield "crossed/nested", crossed([crossed(["y", "x"]), "a"])
    yield "crossed/one_key", crossed(["a"])
    yield "crossed/no_key", crossed([])
    yield "crossed/hashed", crossed([hashed(), "a"])
    yield "crossed/number", crossed([3, "a"])
    yield "crossed/numeric", crossed([numeric(), "a"])
    yield "crossed/size_zero", crossed(["a", "b"], 0)
    yield "crossed/size_negative", crossed(["a", "b"], -1)
    yield "crossed/embedding", embedding(crossed(["a", "b"]))
    yield "bucketized/plain", bucketized()
    yield "bucketized/shape2", bucketized(numeric(shape=2))
    yield "bucketized/normalizer", bucketized(numeric(normalizer_fn=AFFINE))
    yield "bucketized/integers", bucketized(boundaries=[1, 2, 3])
    yield "bucketized/one_boundary", bucketized(boundaries=[0.0])
    yield "bucketized/matrix", bucketized(numeric(shape=[2, 2]))
    yield "bucketized/none", bucketized(boundaries=[])
    yield "bucketized/unsorted", bucketized(boundaries=[1.0, 0.0])
    yield "bucketized/repeated", bucketized(boundaries=[1.0, 1.0])
    yield "bucketized/number", bucketized(boundaries=1.0)
    yield "bucketized/of_identity", bucketized(identity())
    yield "bucketized/of_text", bucketized("n")
    yield "bucketized/embedding", embedding(bucketized())
    yield "bucketized/indicator", indicator(bucketized())


WORDS = [["CA", "XX", ""], [], ["NY"], ["a b", "CA", "CA", "\u00e5\u00e4\u00f6"]]
HOLES = [["CA", None, "XX"], [None, "NY"], [None], ["TX"]]
INTS = [[7, 8], [], [-3, -4, 2**63 - 1], [-(2**63), 0]]


def encode(word: Any) -> Any:
    """Text as bytes, also inside a list; None is an absent cell."""
    if isinstance(word, list):
        return [encode(one) for one in word]
    return None if word is None else word.encode()


def words(rows: list[Any] | None = None, width: int | None = None) -> tuple[Any, ...]:
    """Rows of text as a SparseTensor."""
    rows = WORDS if rows is None else rows
    encoded = [[encode(w) for w in row] for row in rows]
    return sparse(encoded, width, kind="object")


def layers() -> Iterator[LayerCase]:
    """Every kind under DenseFeatures and SequenceFeatures."""
    yield from id_layers()
    yield from weighted_layers()
    yield from crossed_layers()
    yield from bucketized_layers()


def id_layers() -> Iterator[LayerCase]:
    """Hashed and vocabulary columns in both layers."""
    kinds = {
        "hashed": (hashed(), words()),
        "hashed_holes": (hashed(), words(HOLES)),
        "hashed_large": (hashed(size=2**10 + 7), words([["CA"]])),
        "hashed_int64": (hashed(dtype=dtype("int64")), sparse(INTS)),
        "hashed_int32": (
            hashed(dtype=dtype("int32")),
            sparse([[1, -1], [2**31 - 1]], kind="int32"),
        ),
        "hashed_dense": (hashed(), np.array([["CA", ""], ["", "b"]], object)),
        "hashed_dense_int": (hashed(dtype=dtype("int64")), np.array([[5, -1], [-1, -2]])),
        "hashed_fed_ints": (hashed(), sparse(INTS)),
        "hashed_int64_fed_text": (hashed(dtype=dtype("int64")), words()),
        "hashed_fed_floats": (hashed(), sparse([[1.5]], kind="float32")),
        "list": (listed(), words()),
        "list_holes": (listed(), words(HOLES)),
        "list_default": (listed(default_value=2), words()),
        "list_oov": (listed(num_oov_buckets=4), words()),
        "list_integers": (listed(entries=NUMBERS), sparse(INTS)),
        "list_integers_oov": (listed(entries=NUMBERS, num_oov_buckets=5), sparse(INTS)),
        "list_int32": (
            listed(entries=[7, 8], dtype=dtype("int32")),
            sparse([[8, 9]], kind="int32"),
        ),
        "list_dense": (listed(num_oov_buckets=1), np.array([["CA", ""], ["", "b"]], object)),
        "list_fed_ints": (listed(), sparse(INTS)),
        "file": (filed(), words()),
        "file_size": (filed(vocabulary_size=2), words()),
        "file_oov": (filed(num_oov_buckets=4), words()),
        "file_default": (filed(default_value=1), words()),
        "file_integers": (
            filed(content=b"7\n-3\n0\n", dtype=dtype("int64"), num_oov_buckets=2),
            sparse(INTS),
        ),
        "file_too_short": (filed(vocabulary_size=9), words()),
    }
    for name in ("hashed", "list_oov", "file_default"):  # several words a step
        column, rank3 = kinds[name][0], words([[["CA", "NY"], ["XX"]], [[]], [[], ["TX"]]])
        wrapped = [embedding(sequence(column)), indicator(sequence(column))]
        yield LayerCase(f"kinds/{name}/rank3", "SequenceFeatures", wrapped, {"s": rank3})
    for name, (column, feature) in kinds.items():
        yield from both(f"kinds/{name}", column, {"s": feature})


def both(name: str, column: Json, features: dict[str, Any]) -> Iterator[LayerCase]:
    """A categorical column embedded and as an indicator, dense and as a sequence."""
    large = name.endswith("large")
    for how, wrap in {"embedding": embedding, "indicator": indicator}.items():
        if large and how == "indicator":
            continue
        combined = {"combiner": "sqrtn"} if how == "embedding" else {}
        yield LayerCase(
            f"{name}/dense_{how}", "DenseFeatures", [wrap(column, **combined)], features
        )
        yield LayerCase(
            f"{name}/sequence_{how}", "SequenceFeatures", [wrap(sequence(column))], features
        )


def weighted_layers() -> Iterator[LayerCase]:
    """Weights under DenseFeatures."""
    ids = [[1, 2, 3], [], [4], [0, 0, 9, 5]]
    weights = [[0.5, 2.0, -1.0], [], [0.0], [1.0, 3.0, 0.25, 0.0]]
    pairs = {
        "rows": (sparse(ids), sparse(weights, kind="float32")),
        "dense": (
            np.array([[1, 2, -1], [-1, -1, -1], [4, 0, 3]]),
            np.array([[0.5, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, -2.0, 3.0]], np.float32),
        ),
        "fewer_weights": (sparse(ids), sparse([[0.5], [], [0.0], [1.0]], kind="float32")),
        "wrong_dtype": (sparse(ids), sparse([[1, 2, 3], [], [4], [5, 6, 7, 8]])),
    }
    for name, (a, w) in pairs.items():
        for combiner in ("mean", "sqrtn", "sum"):
            column = embedding(weighted(identity()), combiner=combiner)
            yield LayerCase(
                f"weighted/{name}/{combiner}", "DenseFeatures", [column], {"a": a, "w": w}
            )
        column = indicator(weighted(identity()))
        yield LayerCase(f"weighted/{name}/indicator", "DenseFeatures", [column], {"a": a, "w": w})
    column = embedding(weighted(identity(), dtype=dtype("int64")), combiner="sum")
    whole = {"a": sparse(ids), "w": sparse([[1, 2, 3], [], [4], [5, 6, 7, 8]])}
    yield LayerCase("weighted/integers", "DenseFeatures", [column], whole)
    column = embedding(weighted(listed("a", STATES)), combiner="mean")
    text = {"a": words([["CA", "zz"], ["TX"]]), "w": sparse([[2.0, 3.0], [4.0]], kind="float32")}
    yield LayerCase("weighted/out_of_vocabulary", "DenseFeatures", [column], text)
    column = embedding(weighted(identity()), combiner="mean", max_norm=0.5)
    yield LayerCase(
        "weighted/max_norm",
        "DenseFeatures",
        [column],
        {"a": sparse(ids), "w": sparse(weights, kind="float32")},
    )


def crossed_layers() -> Iterator[LayerCase]:
    """Crosses under DenseFeatures."""
    a = words([["x", "y"], [], ["z"], [""]])
    b = words([["p"], ["q", "r"], ["p", "q", "r"], ["p"]])
    i = sparse([[1], [2, -3], [2**63 - 1, -(2**63)], [0]])
    n = np.array([[0.5], [-1.0], [12.0], [1.5]], np.float32)
    dense_text = np.array([["k"], [""], ["l"], ["m"]], object)
    dense_ints = np.array([[3, -1], [0, 0], [-1, -1], [5, 6]])
    features = {"a": a, "b": b, "i": i, "n": n, "d": dense_text, "e": dense_ints}
    keys = {
        "strings": ["a", "b"],
        "other_order": ["b", "a"],
        "text_and_integers": ["a", "i"],
        "integers": ["i", "e"],
        "three": ["a", "b", "i"],
        "dense_first": ["d", "a"],
        "dense_integers_first": ["e", "a", "i"],
        "all_dense": ["d", "e"],
        "bucketized": [bucketized(), "b"],
        "identity": ["b", identity("e", 10, default_value=9)],
        "vocabulary": [listed("a", ["x", "y"]), "b"],
        "vocabulary_oov": ["d", listed("a", ["x", "y"], num_oov_buckets=2)],
        "nested": [crossed(["a", "i"]), "b"],
        "float": ["n", "a"],
    }
    for name, crossing in keys.items():
        column = indicator(crossed(crossing))
        yield LayerCase(f"crossed/{name}", "DenseFeatures", [column], features)
    for key in (0, 1, 2**40):
        column = indicator(crossed(["a", "b"], hash_key=key))
        yield LayerCase(f"crossed/hash_key_{key}", "DenseFeatures", [column], features)
    column = embedding(crossed(["a", "b", "d"], 1000), combiner="sum")
    yield LayerCase("crossed/embedding", "DenseFeatures", [column], features)
    column = indicator(crossed(["a", "w"]))
    fewer = {"a": a, "w": words([["p"], ["q"]])}
    yield LayerCase("crossed/batches_differ", "DenseFeatures", [column], fewer)


def bucketized_layers() -> Iterator[LayerCase]:
    """Buckets under DenseFeatures."""
    n = np.array(
        [[0.0], [-0.0], [1.5], [1.4999999], [10.0], [np.inf], [-np.inf], [np.nan]], np.float32
    )
    pairs = np.array([[0.5, 20.0], [-1.0, 1.5]], np.float32)
    for name, wrap in {
        "plain": lambda c: c,
        "embedding": embedding,
        "indicator": indicator,
    }.items():
        yield LayerCase(f"bucketized/{name}", "DenseFeatures", [wrap(bucketized())], {"n": n})
        column = wrap(bucketized(numeric(shape=2)))
        yield LayerCase(f"bucketized/{name}/shape2", "DenseFeatures", [column], {"n": pairs})
    column = bucketized(numeric(normalizer_fn=AFFINE))
    yield LayerCase("bucketized/normalizer", "DenseFeatures", [column], {"n": n})
    column = bucketized(numeric(dtype=dtype("int64")), [1, 5])
    whole = np.array([[0], [1], [5], [2**62]])
    yield LayerCase("bucketized/integers", "DenseFeatures", [column], {"n": whole})
    column = bucketized(numeric(dtype=dtype("float64")), [0.1, 0.3])
    close = np.array([[0.1], [0.3], [0.1 + 1e-12], [0.3 - 1e-12]])
    yield LayerCase("bucketized/float64", "DenseFeatures", [column], {"n": close})
    many = bucketized(boundaries=[i / 8 for i in range(100)])
    spread = np.linspace(-1, 14, 61, dtype=np.float32).reshape(-1, 1)
    yield LayerCase("bucketized/many", "DenseFeatures", [embedding(many)], {"n": spread})
    a, n4 = sparse([[1, 2], [3]]), np.ones((2, 1), np.float32)
    several = [bucketized(), embedding(crossed([bucketized(), "s"], 9)), indicator(hashed())]
    yield LayerCase(
        "bucketized/beside_others",
        "DenseFeatures",
        [*several, embedding(identity())],
        {"a": a, "n": n4, "s": words([["u", "v"], []])},
    )
    several = [embedding(sequence(hashed())), sequence_numeric(), indicator(sequence_identity())]
    rows = {"s": [["u", "v"], ["w"]], "n": [[0.5, 1.5], [2.5]], "a": [[1, 2], [3]]}
    yield LayerCase(
        "several/kinds_side_by_side",
        "SequenceFeatures",
        several,
        {"s": words(rows["s"]), "n": sparse(rows["n"], kind="float32"), "a": sparse(rows["a"])},
    )
