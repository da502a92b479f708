"""Cases for make_parsing.py: well-formed Examples under every kind of feature spec.

A case is `Case(name, records, spec, call, names, note)`. `spec` is JSON (see
make_parsing.spec_from_json); `names` are words that weft's error must contain where an error is
expected.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import wire
from wire import entry, example, features, floats, ints, strings

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
EMPTY_EXAMPLE = b""
NO_KIND = b""


@dataclasses.dataclass
class Case:
    """One question to the oracle."""

    name: str
    records: list[bytes]
    spec: dict[str, Any]
    call: str = "parse_example"
    names: tuple[str, ...] = ()
    note: str = ""


def varlen(dtype: str = "int64") -> dict[str, Any]:
    """A VarLenFeature."""
    return {"type": "VarLenFeature", "dtype": dtype}


def fixed(shape: list[int], dtype: str = "int64", default: Any = None) -> dict[str, Any]:
    """A FixedLenFeature."""
    return {"type": "FixedLenFeature", "shape": shape, "dtype": dtype, "default_value": default}


def sequence(
    shape: list[int], dtype: str = "int64", allow_missing: bool = True, default: Any = None
) -> dict[str, Any]:
    """A FixedLenSequenceFeature."""
    return {
        "type": "FixedLenSequenceFeature",
        "shape": shape,
        "dtype": dtype,
        "allow_missing": allow_missing,
        "default_value": default,
    }


def both(cases: Iterator[Case]) -> Iterator[Case]:
    """Each case, and its records one by one through parse_single_example."""
    for case in cases:
        yield case
        for i, record in enumerate(case.records):
            yield dataclasses.replace(
                case, name=f"{case.name}/single{i}", records=[record], call="parse_single_example"
            )


def varlen_cases() -> Iterator[Case]:
    """VarLenFeature of each dtype; absent, without kind, empty, long, extreme."""
    rows = {
        "int64": [ints(3, 1, 4), ints(), NO_KIND, ints(-1), ints(INT64_MIN, INT64_MAX, 0, -2)],
        "float": [floats(1.5, -0.0, 3e38), floats(), NO_KIND, floats(float("nan"), float("inf"))],
        "string": [
            strings(b"a", b"", b"\0b\0"),
            strings(),
            NO_KIND,
            strings(b"\xff\xfe", b"q" * 40),
        ],
    }
    for dtype, values in rows.items():
        records = [example(k=v) for v in values] + [EMPTY_EXAMPLE, example(other=ints(1))]
        dtype = {"float": "float32"}.get(dtype, dtype)
        yield Case(f"varlen/{dtype}", records, {"k": varlen(dtype)})
        yield Case(f"varlen/{dtype}/all_missing", records[-2:], {"k": varlen(dtype)})
    unpacked = [example(k=ints(1, 2, packed=False)), example(k=ints(7, packed=False))]
    yield Case("varlen/int64/unpacked", unpacked, {"k": varlen()})
    unpacked = [example(k=floats(1, 2.5, packed=False)), example(k=floats(-7, packed=False))]
    yield Case("varlen/float32/unpacked", unpacked, {"k": varlen("float32")})
    widths = [2**i + d for i in range(0, 64, 7) for d in (-1, 0) if 2**i + d < 2**63]
    yield Case("varlen/int64/every_width", [example(k=ints(*widths))], {"k": varlen()})
    many = [example(a=ints(i), b=floats(i / 2), c=strings(str(i).encode())) for i in range(5)]
    spec = {"a": varlen(), "b": varlen("float32"), "c": varlen("string"), "d": varlen()}
    yield Case("varlen/several_keys", many, spec)
    swapped = [
        example(c=strings(b"x"), a=ints(1)),
        example(a=ints(2), b=floats(3)),
        example(b=floats(4), c=strings(b"y"), a=ints(5)),
    ]
    yield Case("varlen/key_order_differs", swapped, spec)
    utf8 = features(entry("ключ", ints(1)), entry("k" * 300, ints(2)), entry("", ints(3)))
    yield Case("varlen/odd_keys", [utf8], {"ключ": varlen(), "k" * 300: varlen(), "": varlen()})


def wrong_kind_cases() -> Iterator[Case]:
    """A list of another kind than the spec's, empty and not."""
    kinds = {"int64": ints, "float32": floats, "string": strings}
    sample = {"int64": 1, "float32": 1.0, "string": b"x"}
    for want in kinds:
        for have, make in kinds.items():
            if want == have:
                continue
            specs = {
                "varlen": varlen(want),
                "fixed": fixed([], want),
                "sequence": sequence([], want),
            }
            for kind, spec in specs.items():
                for suffix, feature in (("", make(sample[have])), ("_empty", make())):
                    name = f"wrong_kind/{kind}_{want}_from_{have}{suffix}"
                    yield Case(name, [example(k=feature)], {"k": spec}, names=("k",))
    good_then_bad = [example(k=ints(1)), example(k=ints(2)), example(k=strings(b"x"))]
    yield Case("wrong_kind/third_record", good_then_bad, {"k": varlen()}, names=("k",))


def fixed_cases() -> Iterator[Case]:
    """FixedLenFeature: shapes, defaults, missing, empty, wrong count."""
    two = [example(k=ints(5)), example(k=ints(-6))]
    yield Case("fixed/scalar", two, {"k": fixed([])})
    yield Case("fixed/shape1", two, {"k": fixed([1])})
    yield Case("fixed/float", [example(k=floats(2.5))], {"k": fixed([], "float32")})
    yield Case("fixed/string", [example(k=strings(b"a\0"))], {"k": fixed([], "string")})
    grid = [example(k=ints(*range(6))), example(k=ints(*range(6, 12)))]
    yield Case("fixed/shape2x3", grid, {"k": fixed([2, 3])})
    yield Case("fixed/shape_with_zero", [example(k=ints())], {"k": fixed([0])})
    texts = [example(k=strings(b"a", b"")), example(k=strings(b"\0", b"longer than the rest"))]
    yield Case("fixed/string_shape2", texts, {"k": fixed([2], "string")})
    absent = [example(k=ints(5)), EMPTY_EXAMPLE, example(k=NO_KIND)]
    yield Case("fixed/default", absent, {"k": fixed([], default=9)})
    yield Case("fixed/default_float", [EMPTY_EXAMPLE], {"k": fixed([2], "float32", [0.5, -1.0])})
    yield Case("fixed/default_string", [EMPTY_EXAMPLE], {"k": fixed([], "string", "none")})
    grid = [example(k=ints(1, 2, 3, 4)), EMPTY_EXAMPLE]
    yield Case("fixed/default_shape", grid, {"k": fixed([2, 2], default=[[9, 8], [7, 6]])})
    yield Case("fixed/default_flat", grid, {"k": fixed([2, 2], default=[9, 8, 7, 6])})
    yield Case(
        "fixed/default_scalar_for_vector", grid, {"k": fixed([2, 2], default=9)}, names=("k",)
    )
    yield Case("fixed/default_short", grid, {"k": fixed([2, 2], default=[9, 8])}, names=("k",))
    yield Case("fixed/default_dtype", absent, {"k": fixed([], default="x")}, names=("k",))
    yield Case("fixed/default_float_for_int", absent, {"k": fixed([], default=1.5)}, names=("k",))
    yield Case("fixed/missing", absent[:2], {"k": fixed([])}, names=("k",))
    yield Case("fixed/no_kind", absent[2:], {"k": fixed([])}, names=("k",))
    yield Case("fixed/empty", [example(k=ints())], {"k": fixed([])}, names=("k",))
    yield Case(
        "fixed/empty_default", [example(k=ints())], {"k": fixed([], default=9)}, names=("k",)
    )
    yield Case("fixed/too_many", [example(k=ints(1, 2))], {"k": fixed([])}, names=("k",))
    yield Case("fixed/too_few", [example(k=ints(1))], {"k": fixed([2])}, names=("k",))


def sequence_cases() -> Iterator[Case]:
    """FixedLenSequenceFeature: padding, defaults, inner shapes, missing."""
    rows = [example(k=ints(1, 2, 3)), example(k=ints(4)), example(k=ints()), EMPTY_EXAMPLE]
    yield Case("sequence/int64", rows, {"k": sequence([])})
    yield Case("sequence/default", rows, {"k": sequence([], default=-7)})
    yield Case("sequence/no_kind", [example(k=NO_KIND), rows[0]], {"k": sequence([])})
    yield Case("sequence/all_missing", [EMPTY_EXAMPLE] * 2, {"k": sequence([])})
    yield Case("sequence/missing_not_allowed", rows[:3], {"k": sequence([], allow_missing=False)})
    floats_ = [example(k=floats(1.5)), example(k=floats(2.5, 3.5))]
    yield Case("sequence/float", floats_, {"k": sequence([], "float32", default=0.25)})
    texts = [example(k=strings(b"a", b"b")), example(k=strings(b"c")), EMPTY_EXAMPLE]
    yield Case("sequence/string", texts, {"k": sequence([], "string")})
    yield Case("sequence/string_default", texts, {"k": sequence([], "string", default="pad")})
    pairs = [example(k=ints(1, 2, 3, 4)), example(k=ints(5, 6)), EMPTY_EXAMPLE]
    yield Case("sequence/shape2", pairs, {"k": sequence([2], default=9)})
    yield Case("sequence/shape2x1", pairs, {"k": sequence([2, 1])})
    odd = [example(k=ints(1, 2, 3))]
    yield Case("sequence/not_a_multiple", odd, {"k": sequence([2])}, names=("k",))
    yield Case("sequence/default_vector", rows, {"k": sequence([], default=[1, 2])}, names=("k",))
    yield Case("sequence/default_one_element", rows, {"k": sequence([], default=[5])})


def spec_cases() -> Iterator[Case]:
    """Specs that cannot work, and odd ones that do."""
    one = [example(k=ints(1))]
    yield Case("spec/empty", one, {})
    for dtype in ("int32", "float64", "bool", "uint64"):
        yield Case(f"spec/varlen_{dtype}", one, {"k": varlen(dtype)}, names=("k",))
        yield Case(f"spec/fixed_{dtype}", one, {"k": fixed([], dtype)}, names=("k",))
    yield Case("spec/fixed_unknown_dimension", one, {"k": fixed([None])}, names=("k",))
    yield Case("spec/fixed_unknown_inner_dimension", one, {"k": fixed([1, None])}, names=("k",))
    yield Case("spec/fixed_negative_dimension", one, {"k": fixed([-1])}, names=("k",))
    yield Case("spec/fixed_int_shape", one, {"k": fixed(1)})
    yield Case("spec/no_shape", one, {"k": fixed(None)}, names=("k",))
    yield Case("spec/no_dtype", one, {"k": {"type": "VarLenFeature", "dtype": None}}, names=("k",))
    yield Case("spec/not_a_feature", one, {"k": 5}, names=("k",))
    same = {"k": varlen(), "r": {**varlen(), "type": "RaggedFeature", "value_key": "k"}}
    yield Case("spec/ragged_and_sparse_same_key", one, same, names=("k",))


def batch_cases() -> Iterator[Case]:
    """Batches without records, records without bytes, foreign messages."""
    spec = {
        "a": varlen(),
        "b": varlen("string"),
        "c": fixed([2], "float32"),
        "d": fixed([], "string", "x"),
        "e": sequence([]),
        "f": {"type": "RaggedFeature", "dtype": "int64", "row_splits_dtype": "int64"},
    }
    yield Case("batch/empty", [], spec)
    yield Case("batch/empty_varlen", [], {"a": varlen()})
    yield Case("batch/empty_sequence_with_shape", [], {"e": sequence([3], "float32")})
    free = {k: v for k, v in spec.items() if k != "c"}
    yield Case("batch/records_without_bytes", [b"", b""], free)
    yield Case("batch/empty_features_message", [wire.block(1, b"")], free)
    context = features(entry("a", ints(1, 2)))
    step = wire.block(1, ints(7))
    lists = wire.block(2, wire.block(1, wire.block(1, b"hist") + wire.block(2, step)))
    note = "A SequenceExample: weft refuses it by name (strict=False warns and parses its context)."
    yield Case(
        "batch/sequence_example",
        [context + lists],
        {"a": varlen()},
        names=("SequenceExample",),
        note=note,
    )
    yield Case(
        "batch/unknown_field_2_varint", [context + wire.tag(2, 0) + b"\x05"], {"a": varlen()}
    )


def all_cases() -> Iterator[Case]:
    """Every case of this file."""
    yield from both(varlen_cases())
    yield from wrong_kind_cases()
    yield from both(fixed_cases())
    yield from both(sequence_cases())
    yield from spec_cases()
    yield from batch_cases()
