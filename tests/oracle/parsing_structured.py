"""Cases for make_parsing.py: RaggedFeature with row partitions, and SparseFeature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parsing_cases import EMPTY_EXAMPLE, NO_KIND, Case, both, varlen
from wire import example, floats, ints, strings


def ragged(
    *partitions: list[Any],
    dtype: str = "int64",
    value_key: str | None = None,
    splits: str = "int32",
    validate: bool = True,
) -> dict[str, Any]:
    """A RaggedFeature; a partition is [type, key or length], outermost first."""
    return {
        "type": "RaggedFeature",
        "dtype": dtype,
        "value_key": value_key,
        "partitions": list(partitions),
        "row_splits_dtype": splits,
        "validate": validate,
    }


def sparse(
    index_key: Any, value_key: str, dtype: str, size: Any, already_sorted: bool = False
) -> dict[str, Any]:
    """A SparseFeature."""
    return {
        "type": "SparseFeature",
        "index_key": index_key,
        "value_key": value_key,
        "dtype": dtype,
        "size": size,
        "already_sorted": already_sorted,
    }


def flat_ragged_cases() -> Iterator[Case]:
    """RaggedFeature without partitions."""
    rows = [
        example(v=ints(1, 2, 3)),
        example(v=ints()),
        EMPTY_EXAMPLE,
        example(v=NO_KIND),
        example(v=ints(-4)),
    ]
    yield Case("ragged/int64", rows, {"v": ragged()})
    yield Case("ragged/int64_splits64", rows, {"v": ragged(splits="int64")})
    yield Case("ragged/value_key", rows, {"r": ragged(value_key="v")})
    yield Case("ragged/two_features_one_key", rows, {"r": ragged(value_key="v"), "v": ragged()})
    real = [example(v=floats(1, 2.5)), example(v=floats(3.5, packed=False))]
    yield Case("ragged/float", real, {"v": ragged(dtype="float32")})
    text = [example(v=strings(b"a", b"")), EMPTY_EXAMPLE, example(v=strings(b"b\0"))]
    yield Case("ragged/string", text, {"v": ragged(dtype="string")})
    yield Case("ragged/wrong_kind", text, {"v": ragged()}, names=("v",))
    yield Case("ragged/empty_batch", [], {"v": ragged()})
    yield Case("ragged/all_missing", [EMPTY_EXAMPLE] * 2, {"v": ragged()})


# Rows 3 1 | 4 | | 1 5 9, then 2 | 6, then no rows, then two empty rows.
PARTITIONED = [
    example(
        v=ints(3, 1, 4, 1, 5, 9),
        RowSplits=ints(0, 2, 3, 3, 6),
        RowLengths=ints(2, 1, 0, 3),
        RowStarts=ints(0, 2, 3, 3),
        RowLimits=ints(2, 3, 3, 6),
        ValueRowIds=ints(0, 0, 1, 3, 3, 3),
    ),
    example(
        v=ints(2, 6),
        RowSplits=ints(0, 1, 2),
        RowLengths=ints(1, 1),
        RowStarts=ints(0, 1),
        RowLimits=ints(1, 2),
        ValueRowIds=ints(0, 1),
    ),
    example(
        v=ints(),
        RowSplits=ints(0),
        RowLengths=ints(),
        RowStarts=ints(),
        RowLimits=ints(),
        ValueRowIds=ints(),
    ),
    example(
        v=ints(),
        RowSplits=ints(0, 0, 0),
        RowLengths=ints(0, 0),
        RowStarts=ints(0, 0),
        RowLimits=ints(0, 0),
        ValueRowIds=ints(),
    ),
]


def partition_cases() -> Iterator[Case]:
    """One partition of each kind; uniform rows; two and three levels."""
    for kind in ("RowSplits", "RowLengths", "RowStarts", "RowLimits", "ValueRowIds"):
        for splits in ("int32", "int64"):
            spec = {"v": ragged([kind, kind], splits=splits)}
            yield Case(f"partition/{kind}/{splits}", PARTITIONED, spec)
        yield Case(f"partition/{kind}/empty_batch", [], {"v": ragged([kind, kind])})
        yield Case(f"partition/{kind}/all_absent", [EMPTY_EXAMPLE], {"v": ragged([kind, kind])})
    six = [example(v=ints(1, 2, 3, 4, 5, 6), s=ints(0, 1, 3)), example(v=ints(7, 8), s=ints(0, 1))]
    uniform2 = ["UniformRowLength", 2]
    yield Case("partition/uniform", six, {"v": ragged(uniform2)})
    yield Case("partition/uniform_absent", [EMPTY_EXAMPLE], {"v": ragged(uniform2)})
    yield Case(
        "partition/uniform_twice", [example(v=ints(*range(12)))], {"v": ragged(uniform2, uniform2)}
    )
    yield Case("partition/uniform_inside_splits", six, {"v": ragged(["RowSplits", "s"], uniform2)})
    outside = [
        example(v=ints(1, 2, 3, 4, 5), s=ints(0, 2, 3, 5, 5)),
        example(v=ints(6), s=ints(0, 0, 1)),
    ]
    yield Case(
        "partition/uniform_outside_splits", outside, {"v": ragged(uniform2, ["RowSplits", "s"])}
    )
    nested = [
        example(v=ints(3, 1, 4, 1, 5, 9), inner=ints(0, 2, 3, 3, 6), outer=ints(0, 2, 3, 4)),
        example(v=ints(2, 7, 1, 8, 2, 8, 1), inner=ints(0, 3, 4, 5, 7), outer=ints(0, 1, 1, 4)),
        example(v=ints(), inner=ints(0), outer=ints(0)),
    ]
    yield Case(
        "partition/nested_splits",
        nested,
        {"v": ragged(["RowSplits", "outer"], ["RowSplits", "inner"])},
    )
    lengths = [
        example(v=strings(b"a", b"b", b"c"), items=ints(2, 0, 1), baskets=ints(1, 2)),
        example(v=strings(b"d"), items=ints(1), baskets=ints(1)),
    ]
    spec = ragged(["RowLengths", "baskets"], ["RowLengths", "items"], dtype="string")
    yield Case("partition/nested_lengths", lengths, {"v": spec})
    spec = ragged(["RowLengths", "baskets"], ["RowLengths", "items"], dtype="string", value_key="v")
    yield Case("partition/nested_value_key", lengths, {"baskets_of_items": spec})
    mixed = [example(v=ints(1, 2, 3, 4), inner=ints(0, 0, 1, 2), outer=ints(2, 3))]
    spec = {"v": ragged(["RowLimits", "outer"], ["ValueRowIds", "inner"])}
    yield Case("partition/nested_mixed", mixed, spec)
    shared = {
        "a": ragged(["RowLengths", "n"], value_key="x"),
        "b": ragged(["RowLengths", "n"], value_key="y"),
    }
    two = [example(x=ints(1, 2, 3), y=ints(4, 5, 6), n=ints(1, 2))]
    yield Case("partition/shared_key", two, shared)
    with_key = {"v": ragged(["RowSplits", "s"]), "s": ragged()}
    yield Case("partition/key_is_feature_too", outside, with_key)


def bad_partition_cases() -> Iterator[Case]:
    """Partitions that do not fit their values: an error in weft, `validate` or not."""
    bad = {
        "splits_not_from_zero": (["RowSplits", "p"], ints(1, 3)),
        "splits_decrease": (["RowSplits", "p"], ints(0, 2, 1, 3)),
        "splits_end_early": (["RowSplits", "p"], ints(0, 2)),
        "splits_end_late": (["RowSplits", "p"], ints(0, 4)),
        "splits_negative": (["RowSplits", "p"], ints(0, -1, 3)),
        "lengths_sum_short": (["RowLengths", "p"], ints(1, 1)),
        "lengths_sum_long": (["RowLengths", "p"], ints(1, 3)),
        "lengths_negative": (["RowLengths", "p"], ints(4, -1)),
        "starts_not_from_zero": (["RowStarts", "p"], ints(1, 2)),
        "starts_decrease": (["RowStarts", "p"], ints(0, 2, 1)),
        "starts_past_end": (["RowStarts", "p"], ints(0, 5)),
        "limits_end_early": (["RowLimits", "p"], ints(1, 2)),
        "limits_decrease": (["RowLimits", "p"], ints(2, 1, 3)),
        "rowids_decrease": (["ValueRowIds", "p"], ints(0, 1, 0)),
        "rowids_negative": (["ValueRowIds", "p"], ints(-1, 0, 0)),
        "rowids_short": (["ValueRowIds", "p"], ints(0, 0)),
        "uniform_no_multiple": (["UniformRowLength", 2], ints()),
        "absent_splits": (["RowSplits", "p"], NO_KIND),
        "splits_of_strings": (["RowSplits", "p"], strings(b"0")),
    }
    for name, (partition, feature) in bad.items():
        records = [example(v=ints(1, 2, 3), p=feature)]
        # A list of another kind is the fault of the key that holds it.
        at_fault = "p" if name == "splits_of_strings" else "v"
        yield Case(f"bad_partition/{name}", records, {"v": ragged(partition)}, names=(at_fault,))
    uniform0 = {"v": ragged(["UniformRowLength", 0])}
    yield Case("bad_partition/uniform_zero", [example(v=ints(1, 2))], uniform0, names=("v",))
    crossing = [example(v=ints(1), p=ints(0, 2)), example(v=ints(2, 3), p=ints(0, 1))]
    note = "Each record's partition must fit that record; fitting only over the batch is no fit."
    yield Case(
        "bad_partition/fits_only_over_batch",
        crossing,
        {"v": ragged(["RowSplits", "p"])},
        names=("v",),
        note=note,
    )
    crossing = [example(v=ints(1), p=ints(2)), example(v=ints(2, 3), p=ints(1))]
    yield Case(
        "bad_partition/lengths_fit_only_over_batch",
        crossing,
        {"v": ragged(["RowLengths", "p"])},
        names=("v",),
        note=note,
    )
    one = [example(v=ints(1))]
    for name, spec in {
        "dtype": ragged(dtype="int32"),
        "splits_dtype": ragged(splits="float32"),
        "empty_value_key": ragged(value_key=""),
        "unknown_partition": ragged(["Nonsense", "p"]),
    }.items():
        yield Case(f"bad_partition/spec_{name}", one, {"v": spec})


def sparse_cases() -> Iterator[Case]:
    """SparseFeature with one and several index keys, sorted and not, and lists that do not fit."""
    rows = [
        example(i=ints(3, 20), v=floats(0.5, -1)),
        EMPTY_EXAMPLE,
        example(i=ints(9, 0, 5), v=floats(9, 0, 5)),
    ]
    one = sparse("i", "v", "float32", 100)
    yield Case("sparse/unsorted", rows, {"s": one})
    yield Case("sparse/already_sorted", rows[:2], {"s": {**one, "already_sorted": True}})
    yield Case("sparse/already_sorted_is_believed", rows, {"s": {**one, "already_sorted": True}})
    yield Case("sparse/index_key_list", rows, {"s": sparse(["i"], "v", "float32", [100])})
    yield Case("sparse/empty_batch", [], {"s": one})
    for dtype, feature in (("int64", ints(7, 8)), ("string", strings(b"a", b"b"))):
        records = [example(i=ints(4, 2), v=feature)]
        yield Case(f"sparse/{dtype}", records, {"s": sparse("i", "v", dtype, 5)})
    grid = [
        example(x=ints(3, 20, 3), y=ints(1, 0, 0), v=floats(0.5, -1, 2)),
        example(x=ints(0), y=ints(2), v=floats(4)),
    ]
    yield Case("sparse/two_index_keys", grid, {"s": sparse(["x", "y"], "v", "float32", [100, 3])})
    swapped = sparse(["y", "x"], "v", "float32", [3, 100])
    yield Case("sparse/two_index_keys_swapped", grid, {"s": swapped})
    two = {"s": one, "t": sparse("i", "w", "float32", 50)}
    pair = [example(i=ints(3, 1), v=floats(1, 2), w=floats(3, 4))]
    yield Case("sparse/shared_index_key", pair, two)
    yield Case("sparse/value_key_is_feature_too", pair, {"s": one, "v": varlen("float32")})
    twice = [example(i=ints(3, 3), v=floats(1, 2))]
    yield Case("sparse/index_twice", twice, {"s": one})
    for name, record in {
        "index_negative": example(i=ints(-1), v=floats(1)),
        "index_too_large": example(i=ints(100), v=floats(1)),
        "more_indices": example(i=ints(1, 2), v=floats(1)),
        "more_values": example(i=ints(1), v=floats(1, 2)),
        "values_absent": example(i=ints(1)),
        "indices_absent": example(v=floats(1)),
        "values_wrong_kind": example(i=ints(1), v=ints(1)),
        "indices_wrong_kind": example(i=floats(1), v=floats(1)),
    }.items():
        yield Case(f"sparse/{name}", [record], {"s": one})
    note = "Counts that fit only over the batch."
    crossing = [example(i=ints(1, 2), v=floats(1)), example(i=ints(3), v=floats(2, 3))]
    yield Case("sparse/counts_fit_only_over_batch", crossing, {"s": one}, note=note)
    good = [example(i=ints(1), v=floats(1))]
    for name, spec in {
        "no_index_key": sparse("", "v", "float32", 5),
        "no_value_key": sparse("i", "", "float32", 5),
        "no_dtype": sparse("i", "v", None, 5),
        "size_count": sparse(["i"], "v", "float32", [5, 6]),
        "size_int_for_list": sparse(["i"], "v", "float32", 5),
        "size_zero": sparse("i", "v", "float32", 0),
        "value_dtype": sparse("i", "v", "float64", 5),
    }.items():
        yield Case(f"sparse/spec_{name}", good, {"s": spec})
    conflict = {"s": sparse("i", "v", "float32", 5), "i": varlen("float32")}
    yield Case("sparse/spec_conflicting_dtype", good, conflict, names=("i",))


def all_cases() -> Iterator[Case]:
    """Every case of this file."""
    yield from both(flat_ragged_cases())
    yield from both(partition_cases())
    yield from bad_partition_cases()
    yield from both(sparse_cases())
