"""Cases for make_columns.py with data: SequenceFeatures and DenseFeatures over features."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from column_cases import (
    AFFINE,
    dtype,
    embedding,
    identity,
    indicator,
    numeric,
    sequence_identity,
    sequence_numeric,
)

Json = Any


@dataclasses.dataclass
class LayerCase:
    """Columns and features of one layer: arrays or ("sparse", indices, values, shape)."""

    name: str
    layer: str
    columns: list[Json]
    features: dict[str, Any]
    note: str = ""


def sparse(rows: list[Any], width: int | None = None, kind: str = "int64") -> tuple[Any, ...]:
    """A SparseTensor from rows; None is an absent cell, a list in a row's cell makes rank 3."""
    rank3 = any(isinstance(cell, list) for row in rows for cell in row)
    indices, values, depth = [], [], 0
    for b, row in enumerate(rows):
        for t, cell in enumerate(row):
            for k, value in enumerate(cell if rank3 and cell is not None else [cell]):
                if value is not None:
                    indices.append([b, t, k] if rank3 else [b, t])
                    values.append(value)
                    depth = max(depth, k + 1)
    shape = [len(rows), max([len(r) for r in rows], default=0) if width is None else width]
    shape += [depth] if rank3 else []
    index = np.array(indices, np.int64).reshape(-1, len(shape))
    return "sparse", index, np.array(values, kind if values else kind), np.array(shape, np.int64)


ROWS = [[1, 2, 3], [], [4], [0, 0, 9, 5]]
HOLES = [[1, None, 3], [None, 2], [None, None], [5]]
RANK3 = [[[1, 2], [3]], [[]], [[4, 4, 4], None, [0, 9]], [[7], [], [8]]]
EMB = embedding(sequence_identity())
EMB_DEFAULT = embedding(sequence_identity(default_value=2))
IND = indicator(sequence_identity())


def sequence_ids() -> Iterator[LayerCase]:
    """Identity columns under SequenceFeatures."""

    def case(name: str, columns: Any, feature: Any, note: str = "") -> LayerCase:
        columns = columns if isinstance(columns, list) else [columns]
        return LayerCase(f"sequence/{name}", "SequenceFeatures", columns, {"a": feature}, note)

    for name, column in {"embedding": EMB, "indicator": IND}.items():
        yield case(f"{name}/rows", column, sparse(ROWS))
        yield case(f"{name}/holes", column, sparse(HOLES))
        yield case(f"{name}/wider_than_longest_row", column, sparse(ROWS, width=7))
        yield case(f"{name}/last_rows_empty", column, sparse([[1], [], []]))
        yield case(f"{name}/first_rows_empty", column, sparse([[], [], [1, 2]]))
        yield case(f"{name}/rank3", column, sparse(RANK3))
        yield case(f"{name}/all_rows_empty", column, sparse([[], []]))
        yield case(f"{name}/all_rows_empty_but_wide", column, sparse([[], []], width=3))
        yield case(f"{name}/no_rows", column, sparse([]))
        yield case(f"{name}/dense_rank2", column, np.array([[1, -1, 3], [-1, -1, -1], [0, 9, -1]]))
        yield case(f"{name}/dense_rank1", column, np.array([1, -1, 3]))
        yield case(f"{name}/dense_rank3", column, np.array([[[1, 2], [-1, 3]], [[-1, -1], [4, 4]]]))
        yield case(f"{name}/out_of_range", column, sparse([[1], [2, 10]]))
        yield case(f"{name}/negative", column, sparse([[1, -1, 2], [-5]]))
        for kind in ("int32", "int16", "uint8", "uint64"):
            yield case(f"{name}/{kind}", column, sparse(ROWS, kind=kind))
        yield case(f"{name}/float", column, sparse(ROWS, kind="float32"))
        yield case(f"{name}/bool", column, sparse([[True]], kind="bool"))
        yield case(f"{name}/string", column, sparse([[b"1"]], kind="object"))
        yield case(
            f"{name}/sparse_rank1",
            column,
            ("sparse", np.array([[0], [2]]), np.array([1, 2]), np.array([3])),
        )
    for combiner in ("mean", "sqrtn", "sum"):
        column = embedding(sequence_identity(), combiner=combiner)
        yield case(f"combiner/{combiner}", column, sparse(RANK3))
    ids = [[-1, 3, 10, 2**40], [-(2**63), 2**63 - 1, 0]]
    yield case("default/embedding", EMB_DEFAULT, sparse(ids))
    yield case("default/indicator", indicator(sequence_identity(default_value=2)), sparse(ids))
    yield case("default/dense", EMB_DEFAULT, np.array([[-1, -2, 3], [10, -1, -1]]))
    for norm in (0.5, 1.5, 100.0):
        yield case(f"max_norm/{norm}", embedding(sequence_identity(), max_norm=norm), sparse(RANK3))
    yield case("max_norm/rank2", embedding(sequence_identity(), max_norm=1.0), sparse(ROWS))
    unsafe = embedding(sequence_identity(), use_safe_embedding_lookup=False)
    yield case("unsafe_lookup/rows", unsafe, sparse(ROWS))
    yield case("one_bucket", embedding(sequence_identity(buckets=1)), sparse([[0, 0], [0]]))
    yield case("wide", embedding(sequence_identity(), 17), sparse(ROWS))
    yield case("two_columns_one_key", [EMB, IND], sparse(ROWS))


def sequence_numbers() -> Iterator[LayerCase]:
    """sequence_numeric_column under SequenceFeatures."""

    def case(name: str, column: Any, feature: Any) -> LayerCase:
        return LayerCase(f"numbers/{name}", "SequenceFeatures", [column], {"n": feature})

    rows = [[1.0, 2.5, -3.0], [], [0.5], [0.0, 1.0]]
    yield case("rows", sequence_numeric(), sparse(rows, kind="float32"))
    yield case("holes", sequence_numeric(), sparse([[1.0, None, 2.0], [None, 3.0]], kind="float32"))
    yield case("default", sequence_numeric(default_value=-7.0), sparse(rows, kind="float32"))
    yield case("normalizer", sequence_numeric(normalizer_fn=AFFINE), sparse(rows, kind="float32"))
    both = sequence_numeric(default_value=-7.0, normalizer_fn=AFFINE)
    yield case("normalizer_and_default", both, sparse(rows, kind="float32"))
    pairs = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0], []]
    yield case("shape2", sequence_numeric(shape=2), sparse(pairs, kind="float32"))
    yield case(
        "shape2_odd_row",
        sequence_numeric(shape=2),
        sparse([*pairs, [7.0, 8.0, 9.0]], kind="float32"),
    )
    yield case(
        "shape2_odd_width", sequence_numeric(shape=2), sparse([[1.0, 2.0, 3.0]], kind="float32")
    )
    yield case(
        "shape2x2",
        sequence_numeric(shape=[2, 2]),
        sparse([[1.0, 2.0, 3.0, 4.0], []], kind="float32"),
    )
    rank3 = [[[1.0, 2.0], [3.0]], [[], [4.0, 5.0]]]
    yield case("rank3_shape1", sequence_numeric(), sparse(rank3, kind="float32"))
    yield case("rank3_shape2", sequence_numeric(shape=2), sparse(rank3, kind="float32"))
    yield case("rank3_shape4", sequence_numeric(shape=4), sparse(rank3, kind="float32"))
    yield case("rank3_shape3", sequence_numeric(shape=3), sparse(rank3, kind="float32"))
    for kind in ("int64", "int32", "float64"):
        column = sequence_numeric(dtype=dtype(kind), default_value=0)
        yield case(f"dtype_{kind}", column, sparse([[1, 2], [3]], kind=kind))
    yield case(
        "dtype_int64_fed_floats",
        sequence_numeric(dtype=dtype("int64")),
        sparse(rows, kind="float32"),
    )
    yield case("all_rows_empty", sequence_numeric(), sparse([[], []], kind="float32"))
    yield case("no_rows", sequence_numeric(), sparse([], kind="float32"))
    yield case("nan", sequence_numeric(), sparse([[float("nan")], [1.0, 2.0]], kind="float32"))
    yield case("dense", sequence_numeric(), np.array([[1.0, 2.0], [3.0, 0.0]], np.float32))


def several_columns() -> Iterator[LayerCase]:
    """Columns concatenated in order of name; lengths and widths that differ."""

    def case(name: str, columns: list[Any], features: dict[str, Any], note: str = "") -> LayerCase:
        return LayerCase(f"several/{name}", "SequenceFeatures", columns, features, note)

    b_ids = embedding(sequence_identity("b", 6), 2)
    n = sequence_numeric("n")
    rows_b = [[5, 4, 3], [], [1], [0, 1, 2, 3]]
    rows_n = [[0.5, 1.5, 2.5], [], [3.5], [1.0, 2.0, 3.0, 4.0]]
    features = {"a": sparse(ROWS), "b": sparse(rows_b), "n": sparse(rows_n, kind="float32")}
    yield case("in_order", [EMB, b_ids, n], features)
    yield case("other_order", [n, b_ids, EMB], features)
    yield case("with_indicator", [IND, n, b_ids], features)
    ordered = [sequence_numeric(k) for k in ("a_x", "aB", "a", "Z", "a1")]
    data = sparse([[1.0], [2.0, 3.0]], kind="float32")
    scaled = {
        k: ("sparse", data[1], data[2] * i, data[3])
        for i, k in enumerate(["a_x", "aB", "a", "Z", "a1"], 1)
    }
    yield case("order_of_names", ordered, scaled)
    short = {**features, "b": sparse([[5, 4], [], [1], [0, 1, 2, 3]])}
    yield case("lengths_differ", [EMB, b_ids], short)
    wide = {**features, "b": sparse(rows_b, width=6)}
    yield case("widths_differ", [EMB, b_ids], wide, "weft pads the narrower column.")
    fewer = {**features, "b": sparse(rows_b[:3])}
    yield case("batches_differ", [EMB, b_ids], fewer)


def dense_case(name: str, columns: Any, features: dict[str, Any]) -> LayerCase:
    """One case of DenseFeatures; `columns` may be one column."""
    columns = columns if isinstance(columns, list) else [columns]
    return LayerCase(f"dense/{name}", "DenseFeatures", columns, features, "")


def dense_layers() -> Iterator[LayerCase]:
    """DenseFeatures."""
    yield from dense_categorical()
    yield from dense_numeric()
    features = {
        "a": sparse(ROWS),
        "n": np.ones((4, 1), np.float32),
        "m": np.arange(8, dtype=np.float32).reshape(4, 2),
    }
    emb, ind = embedding(identity()), indicator(identity())
    yield dense_case("several", [numeric(), ind, emb, numeric("m", shape=2)], features)
    yield dense_case(
        "several_batches_differ", [numeric(), emb], {**features, "n": np.ones((3, 1), np.float32)}
    )


def dense_categorical() -> Iterator[LayerCase]:
    """DenseFeatures of one categorical column."""
    case = dense_case
    emb, ind = embedding(identity()), indicator(identity())
    for combiner in ("mean", "sqrtn", "sum"):
        for name, rows in {"rows": ROWS, "holes": HOLES}.items():
            yield case(
                f"{combiner}/{name}", embedding(identity(), combiner=combiner), {"a": sparse(rows)}
            )
    for name, column in {"embedding": emb, "indicator": ind}.items():
        yield case(f"{name}/rows", column, {"a": sparse(ROWS)})
        yield case(
            f"{name}/dense_rank2", column, {"a": np.array([[1, -1, 3], [-1, -1, -1], [3, 3, 0]])}
        )
        yield case(f"{name}/dense_rank1", column, {"a": np.array([1, -1, 3])})
        yield case(f"{name}/no_rows", column, {"a": sparse([])})
        yield case(f"{name}/all_rows_empty", column, {"a": sparse([[], []])})
        yield case(f"{name}/out_of_range", column, {"a": sparse([[1], [2, 10]])})
        yield case(f"{name}/negative", column, {"a": sparse([[1, -1, 2], [-5], [3]])})
        yield case(f"{name}/rank3", column, {"a": sparse(RANK3)})
        yield case(f"{name}/float", column, {"a": sparse(ROWS, kind="float32")})
    yield case("default", embedding(identity(default_value=2)), {"a": sparse([[-1, 3, 10], [99]])})
    yield case(
        "default_dense",
        embedding(identity(default_value=2)),
        {"a": np.array([[-1, 3, 10], [-2, -1, -1]])},
    )
    yield case("max_norm", embedding(identity(), max_norm=0.75), {"a": sparse(ROWS)})
    unsafe = embedding(identity(), use_safe_embedding_lookup=False)
    yield case("unsafe_lookup/empty_row_inside", unsafe, {"a": sparse(ROWS)})
    yield case("unsafe_lookup/empty_row_last", unsafe, {"a": sparse([[1], []])})


def dense_numeric() -> Iterator[LayerCase]:
    """DenseFeatures of one numeric column."""
    case = dense_case
    column = np.array([[1.5], [-2.0], [0.0]], np.float32)
    yield case("numeric/plain", numeric(), {"n": column})
    yield case("numeric/rank1", numeric(), {"n": column[:, 0]})
    yield case("numeric/normalizer", numeric(normalizer_fn=AFFINE), {"n": column})
    yield case("numeric/shape2", numeric(shape=2), {"n": np.array([[1, 2], [3, 4]], np.float32)})
    yield case(
        "numeric/shape2x3",
        numeric(shape=[2, 3]),
        {"n": np.arange(12, dtype=np.float32).reshape(2, 2, 3)},
    )
    yield case(
        "numeric/shape2x3_flat",
        numeric(shape=[2, 3]),
        {"n": np.arange(12, dtype=np.float32).reshape(2, 6)},
    )
    yield case("numeric/wrong_width", numeric(shape=3), {"n": np.ones((2, 4), np.float32)})
    yield case("numeric/wrong_width_divisible", numeric(), {"n": np.ones((2, 3), np.float32)})
    yield case("numeric/no_rows", numeric(), {"n": np.zeros((0, 1), np.float32)})
    for kind in ("int64", "float64", "float16", "uint8"):
        yield case(f"numeric/dtype_{kind}", numeric(dtype=dtype(kind)), {"n": column.astype(kind)})
    yield case("numeric/dtype_float32_fed_int64", numeric(), {"n": column.astype(np.int64)})
    yield case("numeric/string", numeric(), {"n": np.array([[b"1"]], object)})
    yield case("numeric/sparse", numeric(), {"n": sparse([[1.0]], kind="float32")})


def refused() -> Iterator[LayerCase]:
    """Layers that cannot be: the error may come at construction or at the call."""
    features = {"a": sparse(ROWS), "n": np.ones((4, 1), np.float32)}
    wrong: dict[str, list[tuple[str, Any]]] = {
        "SequenceFeatures": [
            ("none", []),
            ("categorical", [sequence_identity()]),
            ("numeric", [numeric()]),
            ("embedding_of_not_sequence", [embedding(identity())]),
            ("indicator_of_not_sequence", [indicator(identity())]),
            ("same_name_twice", [EMB, embedding(sequence_identity(), 5)]),
            ("text", ["a"]),
        ],
        "DenseFeatures": [
            ("none", []),
            ("categorical", [identity()]),
            ("sequence_numeric", [sequence_numeric()]),
            ("embedding_of_sequence", [EMB]),
            ("indicator_of_sequence", [IND]),
            ("same_name_twice", [embedding(identity()), embedding(identity(), 5)]),
            ("text", ["a"]),
        ],
    }
    for layer, items in wrong.items():
        for name, columns in items:
            yield LayerCase(f"refused/{layer}/{name}", layer, columns, features)
        column = EMB if layer == "SequenceFeatures" else numeric()
        yield LayerCase(f"refused/{layer}/feature_absent", layer, [column], {"z": features["n"]})


def all_cases() -> Iterator[LayerCase]:
    """Every case of this file."""
    yield from sequence_ids()
    yield from sequence_numbers()
    yield from several_columns()
    yield from dense_layers()
    yield from refused()
