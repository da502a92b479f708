"""Cases for make_sequence_example.py: SequenceExamples under every kind of spec, and odd bytes."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any

from parsing_cases import INT64_MAX, INT64_MIN, NO_KIND, fixed, sequence, varlen
from parsing_structured import ragged, sparse
from wire import VARINT, block, entry, floats, ints, strings, tag, varint

Spec = dict[str, Any]


@dataclasses.dataclass
class Case:
    """One question to the oracle; `names` are words that weft's error must contain."""

    name: str
    records: list[bytes]
    context: Spec | None = None
    lists: Spec | None = None
    names: tuple[str, ...] = ()
    single: bool = False


def steps(*features: bytes) -> bytes:
    """The bytes of a FeatureList."""
    return b"".join(block(1, feature) for feature in features)


def record(context: dict[str, bytes] | None, lists: dict[str, bytes] | None) -> bytes:
    """A SequenceExample; None: without that field."""
    fields = ((1, context), (2, lists))
    return b"".join(
        block(number, b"".join(entry(key, value) for key, value in entries.items()))
        for number, entries in fields
        if entries is not None
    )


def listed(*lists: bytes | None) -> list[bytes]:
    """Records with a feature list "v" each; None: without it."""
    return [record({}, {} if one is None else {"v": one}) for one in lists]


def alone(cases: Iterator[Case]) -> Iterator[Case]:
    """Each case, and its records one by one through parse_single_sequence_example."""
    for case in cases:
        yield case
        for i, one in enumerate(case.records):
            yield dataclasses.replace(
                case, name=f"{case.name}/single{i}", records=[one], single=True
            )


ONES = {
    "int64": [ints(3), ints(0), ints(-1), ints(INT64_MAX), ints(300), ints(1 << 40)],
    "float32": [floats(1.5), floats(-0.0), floats(float("inf")), floats(3e38)],
    "string": [strings(b"a"), strings(b""), strings(b"b\0"), strings(b"x" * 200)],
}
MANY = {
    "int64": [ints(1, 2, 3), ints(), ints(INT64_MIN), ints(*range(100, 400, 7))],
    "float32": [floats(1.5, 2.5), floats(), floats(float("-inf"), -0.0)],
    "string": [strings(b"a", b"", b"c"), strings(), strings(b"long" * 40, b"d")],
}


def kind_cases() -> Iterator[Case]:
    """Every kind of list of every dtype: one value a step, many, none; missing and empty lists."""
    for dtype, ones in ONES.items():
        rows = listed(steps(*ones), None, steps(), steps(ones[0]), steps(*ones * 4)) + [
            b"",
            record({}, None),
            record(None, {"v": steps(ones[1])}),
        ]
        yield Case(f"fixed/{dtype}", rows, lists={"v": sequence([], dtype)})
        yield Case(f"fixed_one/{dtype}", rows, lists={"v": sequence([1], dtype)})
        yield Case(
            f"fixed_required/{dtype}",
            [r for r in rows if b"v" in r],
            lists={"v": sequence([], dtype, allow_missing=False)},
        )
        yield Case(f"varlen_ones/{dtype}", rows, lists={"v": varlen(dtype)})
        rows = listed(
            steps(*MANY[dtype]),
            None,
            steps(),
            steps(MANY[dtype][1]),
            steps(NO_KIND, MANY[dtype][0], NO_KIND),
            steps(NO_KIND),
        )
        for name, spec in (("varlen", varlen(dtype)), ("ragged", ragged(dtype=dtype))):
            yield Case(f"{name}/{dtype}", rows, lists={"v": spec})
            yield Case(f"{name}/{dtype}/all_missing", listed(None, None), lists={"v": spec})
            yield Case(
                f"{name}/{dtype}/no_values", listed(steps(NO_KIND, NO_KIND)), lists={"v": spec}
            )


def fixed_cases() -> Iterator[Case]:
    """FixedLenSequenceFeature: shapes, what does not fit, what is missing."""
    pairs = listed(steps(ints(1, 2), ints(3, 4)), steps(ints(5, 6)), steps())
    yield Case("shape/two", pairs, lists={"v": sequence([2])})
    yield Case("shape/two_by_one", pairs, lists={"v": sequence([2, 1])})
    words = listed(
        steps(strings(b"a", b"b")), steps(), steps(strings(b"c", b""), strings(b"", b""))
    )
    yield Case("shape/strings", words, lists={"v": sequence([2], "string")})
    bad = {
        "short": steps(ints(1, 2), ints(3)),
        "long": steps(ints(1, 2), ints(3, 4, 5)),
        "fits_only_over_list": steps(ints(1), ints(2, 3, 4)),
        "empty": steps(ints()),
        "no_kind": steps(ints(1, 2), NO_KIND),
        "kind": steps(ints(1, 2), floats(1, 2)),
    }
    for name, list_ in bad.items():
        yield Case(f"bad_steps/{name}", listed(list_), lists={"v": sequence([2])}, names=("v",))
    yield Case(
        "missing/required",
        listed(steps(ints(1)), None),
        lists={"v": sequence([], allow_missing=False)},
        names=("v",),
    )
    yield Case("missing/default", listed(None), lists={"v": sequence([], default=7)}, names=("v",))


def wrong_kind_cases() -> Iterator[Case]:
    """A step of another kind, empty or not."""
    for name, spec in (("varlen", varlen()), ("ragged", ragged()), ("fixed", sequence([]))):
        for what, step in (("values", floats(1)), ("empty", floats())):
            yield Case(
                f"wrong_kind/{name}/{what}",
                listed(steps(ints(1), step)),
                lists={"v": spec},
                names=("v",),
            )


def partition_cases() -> Iterator[Case]:
    """Partitions of the values of each step."""
    n = {
        "RowSplits": steps(ints(0, 1, 3), ints(0), ints(0, 0, 1)),
        "RowLengths": steps(ints(1, 2), ints(), ints(0, 1)),
        "RowStarts": steps(ints(0, 1), ints(), ints(0, 0)),
        "RowLimits": steps(ints(1, 3), ints(), ints(0, 1)),
        "ValueRowIds": steps(ints(0, 1, 1), ints(), ints(1)),
    }
    values = steps(ints(1, 2, 3), ints(), ints(4))
    for kind, partition in n.items():
        records = [
            record({}, {"v": values, "n": partition}),
            record({}, {}),
            record({}, {"n": partition, "v": values}),
        ]
        yield Case(f"partition/{kind}", records, lists={"v": ragged([kind, "n"])})
    uniform = listed(steps(ints(1, 2), ints(), ints(4, 5, 6, 7)), None, steps(ints(8, 9)))
    yield Case("partition/uniform", uniform, lists={"v": ragged(["UniformRowLength", 2])})
    inner = [
        record({}, {"v": steps(ints(1, 2, 3, 4), ints(5, 6)), "o": steps(ints(1, 1), ints(1))})
    ]
    spec = ragged(["RowLengths", "o"], ["UniformRowLength", 2])
    yield Case("partition/uniform_inside", inner, lists={"v": spec})
    nested = [
        record(
            {},
            {
                "v": steps(strings(b"a", b"b", b"c"), strings(b"d")),
                "n": steps(ints(1, 2), ints(1)),
                "o": steps(ints(2), ints(1, 0)),
            },
        ),
        record({}, {}),
    ]
    spec = ragged(["RowLengths", "o"], ["RowLengths", "n"], dtype="string", value_key="v")
    yield Case("partition/nested", nested, lists={"words": spec})
    shared = {"a": ragged(["RowLengths", "n"], value_key="v"), "n": ragged()}
    yield Case(
        "partition/key_is_list_too", [record({}, {"v": values, "n": n["RowLengths"]})], lists=shared
    )
    bad = {
        "steps_differ": (steps(ints(1, 2), ints(3)), steps(ints(2))),
        "does_not_fit": (steps(ints(1, 2)), steps(ints(1))),
        "fits_only_over_list": (steps(ints(1, 2), ints(3)), steps(ints(1), ints(2))),
        "absent": (steps(ints(1, 2)), None),
    }
    for name, (v, lengths) in bad.items():
        lists = {"v": v} if lengths is None else {"v": v, "n": lengths}
        yield Case(
            f"bad_partition/{name}",
            [record({}, lists)],
            lists={"v": ragged(["RowLengths", "n"])},
            names=("v",),
        )


def context_cases() -> Iterator[Case]:
    """The context, alone, beside lists, and under keys that both have."""
    records = [
        record({"i": ints(3), "f": floats(0.5), "s": strings(b"a"), "m": ints(1, 2)}, {}),
        record({"m": ints()}, {"m": steps(ints(7), ints(8, 9))}),
        record({"i": ints(-4)}, None),
        b"",
    ]
    spec = {
        "i": fixed([], default=9),
        "f": fixed([1], "float32", default=[1.25]),
        "s": fixed([], "string", default="none"),
        "m": varlen(),
    }
    yield Case("context/kinds", records, context=spec)
    yield Case("context/ragged", records, context={"r": ragged(value_key="m")})
    yield Case(
        "context/and_list_of_one_key", records, context={"m": varlen()}, lists={"m": ragged()}
    )
    parts = [record({"v": ints(1, 2, 3), "n": ints(1, 2)}, {}), record({}, {})]
    yield Case("context/partition", parts, context={"v": ragged(["RowLengths", "n"])})
    yield Case("context/missing", records[1:2], context={"i": fixed([])}, names=("i",))
    yield Case("context/no_kind", [record({"i": NO_KIND}, {})], context={"i": fixed([], default=9)})
    yield Case("context/wrong_kind", records[:1], context={"i": varlen("float32")}, names=("i",))
    yield Case("context/too_many", records[:1], context={"m": fixed([])}, names=("m",))


def spec_cases() -> Iterator[Case]:
    """Specs that cannot work, and batches of no records."""
    for name, spec in (("fixed", sequence([2])), ("varlen", varlen()), ("ragged", ragged())):
        yield Case(f"empty_batch/{name}", [], lists={"v": spec})
    yield Case("spec/none", [b""])
    yield Case("spec/empty", [b""], context={}, lists={})
    yield Case("spec/list_fixed_len", [b""], lists={"v": fixed([])}, names=("v",))
    yield Case("spec/list_sparse", [b""], lists={"v": sparse("i", "w", "int64", 3)}, names=("v",))
    yield Case("spec/dtype", [b""], lists={"v": varlen("int32")}, names=("v",))
    yield Case(
        "spec/varlen_and_ragged",
        [b""],
        lists={"v": varlen(), "r": ragged(value_key="v")},
        names=("v",),
    )


def wire_cases() -> Iterator[Case]:
    """Legal and malformed protobuf under one spec."""
    one, two = steps(ints(1)), steps(ints(2), ints(3))
    unknown = tag(15, VARINT) + varint(7)
    lists = {
        "lists_before_context": block(2, entry("v", one)) + block(1, entry("c", ints(5))),
        "lists_twice": block(2, entry("v", one)) + block(2, entry("w", two)),
        "lists_twice_one_key": block(2, entry("v", one)) + block(2, entry("v", two)),
        "concatenated": record({"c": ints(1)}, {"v": one}) + record({"c": ints(2)}, {"v": two}),
        "concatenated_disjoint": record({"c": ints(1)}, {"w": one}) + record({}, {"v": two}),
        "key_twice": block(2, entry("v", two) + entry("v", one)),
        "value_first": block(2, block(1, block(2, one) + block(1, b"v"))),
        "value_twice": block(2, block(1, block(1, b"v") + block(2, one) + block(2, two))),
        "value_missing": block(2, block(1, block(1, b"v"))),
        "key_missing": block(2, block(1, block(2, one))),
        "entry_empty": block(2, block(1, b"") + entry("v", one)),
        "unpacked": record({}, {"v": steps(ints(1, 2, packed=False), ints(3))}),
        "packed_twice": record({}, {"v": steps(block(3, block(1, b"\1") + block(1, b"\2")))}),
        "kinds_in_one_step": record({}, {"v": steps(floats(1) + ints(2))}),
        "list_twice_in_one_step": record({}, {"v": steps(ints(1) + ints(2, 3))}),
        "unknown_in_record": unknown + record({}, {"v": one}) + unknown,
        "unknown_in_lists": block(2, entry("v", one) + unknown),
        "unknown_in_list": block(2, entry("v", unknown + one + unknown)),
        "unknown_in_step": block(2, entry("v", steps(ints(1) + unknown))),
        "step_as_varint": block(2, entry("v", one + tag(1, VARINT) + varint(3))),
        "overlong_lengths": block(
            2, block(1, block(1, b"v", 1) + block(2, block(1, ints(1), 2), 1), 2)
        ),
        "overlong_step_length": block(2, entry("v", block(1, ints(1), 1) + block(1, ints(2)))),
        "overlong_value": block(2, entry("v", steps(block(3, block(1, b"\x85\x00")), ints(2)))),
        "ten_byte_values": record({}, {"v": steps(ints(-1), ints(INT64_MIN), ints(5)) * 6}),
        "malformed_length": b"\x12\x05ab",
        "malformed_step_length": block(2, entry("v", b"\x0a\x09" + ints(1))),
        "malformed_varint": block(2, entry("v", steps(block(3, block(1, b"\x80"))))),
        "malformed_long_varint": block(
            2, entry("v", steps(block(3, block(1, b"\x80" * 10 + b"\1"))))
        ),
        "malformed_in_unread_list": block(2, entry("u", b"\x0a\x09" + ints(1)) + entry("v", one)),
        "malformed_in_replaced_list": block(2, entry("v", b"\x0f") + entry("v", one)),
        "malformed_float_run": block(2, entry("u", steps(block(2, block(1, b"\0" * 7))))),
        "malformed_key": block(2, block(1, block(1, b"\xff") + block(2, one))),
        "malformed_kind_zero": block(2, entry("v", one + b"\x0a\x05\x00\x03\x0a\x01\x05")),
        "malformed_field_zero": block(2, entry("v", one)) + b"\0\0",
    }
    for name, data in lists.items():
        yield Case(f"wire/{name}", [data], {"c": varlen()}, {"v": varlen()})
    whole = record({"c": ints(1)}, {"v": steps(ints(1), ints(2, 300), NO_KIND, ints(4))})
    for size in range(len(whole)):
        yield Case(f"prefix/{size}", [whole[:size]], {"c": varlen()}, {"v": varlen()})


def random_cases() -> Iterator[Case]:
    """Batches of random records as a library writes them."""
    rng = random.Random(5)
    make = {
        "i": lambda n: ints(
            *(rng.getrandbits(rng.choice([3, 7, 14, 20, 40, 64])) for _ in range(n))
        ),
        "f": lambda n: floats(*(rng.uniform(-9, 9) for _ in range(n))),
        "s": lambda n: strings(*(rng.randbytes(rng.choice([0, 1, 5, 30, 140])) for _ in range(n))),
    }
    dtypes = {"i": "int64", "f": "float32", "s": "string"}
    for case in range(8):
        records = []
        for _ in range(rng.randrange(1, 7)):
            lists = {}
            for key in rng.sample(["i1", "f1", "s1", "i2", "s2", "i*", "f*", "s*"], 7):
                sizes = {"1": [1], "2": [2], "*": [0, 1, 2, 5]}[key[1]]
                lists[key] = steps(
                    *(make[key[0]](rng.choice(sizes)) for _ in range(rng.choice([0, 1, 3, 25])))
                )
            context = {key: make[key[0]](rng.randrange(3)) for key in ("i*", "s*")}
            records.append(record(context, lists))
        spec = {
            **{key: sequence([], dtypes[key[0]]) for key in ("i1", "f1", "s1")},
            **{key: sequence([2], dtypes[key[0]]) for key in ("i2", "s2")},
            **{
                key: (varlen, lambda d: ragged(dtype=d))[case % 2](dtypes[key[0]])
                for key in ("i*", "f*", "s*")
            },
        }
        yield Case(f"random/{case}", records, {"i*": varlen(), "s*": varlen("string")}, spec)


def all_cases() -> Iterator[Case]:
    """Every case."""
    yield from alone(kind_cases())
    yield from alone(fixed_cases())
    yield from wrong_kind_cases()
    yield from alone(partition_cases())
    yield from alone(context_cases())
    yield from spec_cases()
    yield from wire_cases()
    yield from random_cases()
