"""Cases for make_parsing.py: bytes that a protobuf parser must accept or refuse whatever the spec.

All use the same spec, one VarLenFeature of each dtype: `i` int64, `f` float32, `s` string.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import wire
from parsing_cases import Case, varlen
from wire import (
    FLOAT_LIST,
    INT64_LIST,
    block,
    entry,
    example,
    features,
    floats,
    ints,
    strings,
    tag,
    varint,
)

SPEC = {"i": varlen(), "f": varlen("float32"), "s": varlen("string")}
ONE = entry("i", ints(1, 2))
KEY_I = block(1, b"i")


def group(number: int, inner: bytes, end: int | None = None) -> bytes:
    """A group; `end` closes it under another number."""
    return tag(number, wire.GROUP) + inner + tag(end or number, wire.END_GROUP)


UNKNOWN = {
    "varint": tag(15, 0) + b"\x96\x01",
    "fixed64": tag(15, 1) + bytes(8),
    "bytes": block(15, b"abc"),
    "fixed32": tag(15, 5) + bytes(4),
    "group": group(15, tag(1, 0) + b"\x05" + group(2, block(3, b"x"))),
    "large_number": tag(2**29 - 1, 0) + b"\x01",
}


def map_cases() -> Iterator[tuple[str, bytes]]:
    """Entries as legal protobuf may write them."""
    reverse = block(1, block(2, ints(1, 2)) + KEY_I)
    yield "entry_value_first", block(1, reverse)
    yield "entry_key_missing", features(block(1, block(2, ints(5))), ONE)
    yield "entry_value_missing", features(block(1, KEY_I))
    yield "entry_value_empty", features(entry("i", b""))
    yield "entry_empty", features(block(1, b""), ONE)
    yield "entry_key_twice", features(block(1, block(1, b"x") + KEY_I + block(2, ints(4))))
    yield (
        "entry_value_twice_same_kind",
        features(block(1, KEY_I + block(2, ints(1)) + block(2, ints(2, 3)))),
    )
    yield (
        "entry_value_twice_other_kind",
        features(block(1, KEY_I + block(2, strings(b"x")) + block(2, ints(2, 3)))),
    )
    yield (
        "entry_value_then_empty_value",
        features(block(1, KEY_I + block(2, ints(1)) + block(2, b""))),
    )
    yield "entry_value_key_value", features(block(1, block(2, ints(1)) + KEY_I + block(2, ints(2))))
    yield "key_twice", features(entry("i", ints(1)), entry("f", floats(2)), entry("i", ints(3, 4)))
    yield "key_twice_other_kind_last", features(entry("i", strings(b"x")), entry("i", ints(3)))
    yield "key_twice_last_is_wrong_kind", features(entry("i", ints(3)), entry("i", strings(b"x")))
    yield "key_twice_last_has_no_kind", features(entry("i", ints(3)), entry("i", b""))
    yield "key_twice_last_is_empty", features(entry("i", ints(3)), entry("i", ints()))
    yield "key_twice_first_entry_wins_nothing", features(entry("i", ints(1)), block(1, KEY_I))
    yield "key_thrice", features(*(entry("i", ints(n)) for n in (1, 2, 3)))
    yield "key_twice_value_first", features(block(1, block(2, ints(8)) + KEY_I), ONE)
    yield "key_invalid_utf8", features(entry(b"\xff\xfe", ints(1)), ONE)
    yield "key_with_nul", features(entry(b"i\0", ints(9)), ONE)
    yield "key_prefix_of_key", features(entry(b"ii", ints(9)), ONE, entry(b"", ints(7)))


def merge_cases() -> Iterator[tuple[str, bytes]]:
    """Messages in several pieces."""
    yield "features_twice", features(ONE) + features(entry("f", floats(1)))
    yield "features_twice_same_key", features(ONE) + features(entry("i", ints(3)))
    yield "examples_concatenated", example(i=ints(1), s=strings(b"a")) + example(s=strings(b"b"))
    yield "features_empty_then_full", block(1, b"") + features(ONE)
    twice = block(INT64_LIST, wire.int64_list([1])) + block(INT64_LIST, wire.int64_list([2, 3]))
    yield "list_twice_concatenates", features(entry("i", twice))
    yield "list_twice_first_empty", features(entry("i", block(INT64_LIST, b"") + ints(2)))
    yield "list_twice_last_empty", features(entry("i", ints(2) + block(INT64_LIST, b"")))
    yield "list_twice_floats", features(entry("f", floats(1) + floats(2, 3, packed=False)))
    yield "list_twice_strings", features(entry("s", strings(b"a") + strings(b"b", b"")))
    yield "kinds_mixed_last_wins", features(entry("i", strings(b"x") + floats(1) + ints(4)))
    yield "kinds_mixed_a_b_a", features(entry("i", ints(1) + strings(b"x") + ints(4)))
    yield "kinds_mixed_last_empty", features(entry("i", strings(b"x") + block(INT64_LIST, b"")))
    yield "kinds_mixed_wrong_last", features(entry("i", ints(4) + floats(1)))
    runs = block(1, varint(1)) + block(1, varint(2) + varint(300))
    yield "packed_runs", features(entry("i", block(INT64_LIST, runs)))
    mixed = (
        block(1, varint(1)) + tag(1, 0) + varint(5) + block(1, varint(2)) + tag(1, 0) + varint(-1)
    )
    yield "packed_and_unpacked", features(entry("i", block(INT64_LIST, mixed)))
    mixed = tag(1, 0) + varint(5) + block(1, varint(2) + varint(3))
    yield "unpacked_then_packed", features(entry("i", block(INT64_LIST, mixed)))
    yield "packed_run_empty", features(entry("i", block(INT64_LIST, block(1, b""))))
    runs = block(1, b"") + block(1, varint(7)) + block(1, b"")
    yield "packed_runs_with_empty", features(entry("i", block(INT64_LIST, runs)))
    pair = struct.pack("<ff", 1, 2)
    runs = block(1, pair) + tag(1, 5) + pair[:4] + block(1, pair[4:])
    yield "float_runs_mixed", features(entry("f", block(FLOAT_LIST, runs)))


def unknown_cases() -> Iterator[tuple[str, bytes]]:
    """Unknown fields at every level; known fields with another wire type are unknown too."""
    for name, field in UNKNOWN.items():
        yield f"unknown_{name}_in_example", field + features(ONE) + field
        yield (
            f"unknown_{name}_in_features",
            features(field, ONE, field, entry("f", floats(1)), field),
        )
        yield (
            f"unknown_{name}_in_entry",
            features(block(1, field + KEY_I + field + block(2, ints(1)) + field)),
        )
        yield f"unknown_{name}_in_feature", features(entry("i", field + ints(1, 2) + field))
        yield f"unknown_{name}_alone_in_feature", features(entry("i", field))
        for key, number, inner in (
            ("i", INT64_LIST, wire.int64_list([1, 2])),
            ("f", FLOAT_LIST, wire.float_list([1, 2])),
            ("s", wire.BYTES_LIST, wire.bytes_list([b"a", b""])),
        ):
            name_ = f"unknown_{name}_in_list_{key}"
            yield name_, features(entry(key, block(number, field + inner + field)))
        single = tag(1, 0) + b"\x07"
        inner = field + single + field + single
        yield f"unknown_{name}_among_unpacked", features(entry("i", block(INT64_LIST, inner)))
    other = {0: b"\x05", 1: bytes(8), 5: bytes(4)}
    for wire_type, payload in other.items():
        yield f"features_as_wire_type_{wire_type}", tag(1, wire_type) + payload + features(ONE)
        yield f"entry_as_wire_type_{wire_type}", features(tag(1, wire_type) + payload, ONE)
        bad_key = tag(1, wire_type) + payload + KEY_I + block(2, ints(1))
        yield f"key_as_wire_type_{wire_type}", features(block(1, bad_key))
        bad_value = KEY_I + tag(2, wire_type) + payload + block(2, ints(1))
        yield f"value_as_wire_type_{wire_type}", features(block(1, bad_value))
        bad_kind = tag(INT64_LIST, wire_type) + payload
        yield f"kind_as_wire_type_{wire_type}", features(entry("i", bad_kind + ints(6)))
        yield f"kind_only_as_wire_type_{wire_type}", features(entry("i", bad_kind))
        for key, number, good in (("i", 3, {0, 2}), ("f", 2, {5, 2}), ("s", 1, {2})):
            if wire_type not in good:
                bad_item = tag(1, wire_type) + payload
                yield (
                    f"item_{key}_as_wire_type_{wire_type}",
                    features(entry(key, block(number, bad_item))),
                )
    as_group = group(1, b"")
    yield "features_as_group", as_group + features(ONE)
    yield "item_i_as_group", features(entry("i", block(INT64_LIST, as_group)))


def varint_cases() -> Iterator[tuple[str, bytes]]:
    """Long, overlong, cut and overflowing varints; tags and lengths at their limits."""

    def items(payload: bytes) -> bytes:
        return features(entry("i", block(INT64_LIST, payload)))

    yield "varint_overlong", items(block(1, varint(1, 3) + varint(300, 2)))
    yield "varint_overlong_to_ten", items(block(1, varint(1, 9)))
    yield "varint_overlong_unpacked", items(tag(1, 0) + varint(1, 4) + tag(1, 0) + varint(2))
    yield "varint_tag_overlong", items(tag(1, 2, 2) + b"\x01\x05")
    yield "varint_tag_overlong_to_five", items(tag(1, 2, 4) + b"\x01\x05")
    yield "varint_tag_six_bytes", items(tag(1, 2, 5) + b"\x01\x05")
    yield "varint_tag_ten_bytes", items(tag(1, 2, 9) + b"\x01\x05")
    yield "varint_length_overlong", features(block(1, KEY_I + block(2, ints(3), 3)))
    yield "varint_length_overlong_to_five", features(block(1, KEY_I + block(2, ints(3), 4)))
    yield "varint_length_six_bytes", features(block(1, KEY_I + block(2, ints(3), 5)))
    yield "varint_ten_bytes_high_bits", items(block(1, b"\xff" * 9 + b"\x7f"))
    yield "varint_ten_bytes_two", items(block(1, b"\x80" * 9 + b"\x02"))
    yield "varint_eleven_bytes", items(block(1, b"\x80" * 10 + b"\x01"))
    yield "varint_eleven_bytes_unpacked", items(tag(1, 0) + b"\x80" * 10 + b"\x01")
    yield "varint_cut_in_run", items(block(1, b"\x01\x80"))
    yield "varint_cut_in_run_more_follows", items(block(1, b"\x01\x80") + tag(1, 0) + b"\x01")
    yield "varint_cut_unpacked", items(tag(1, 0) + b"\x80")
    yield "varint_cut_no_value", items(tag(1, 0))
    yield "varint_cut_tag", items(b"\x8a")
    yield "varint_unknown_eleven_bytes", items(tag(9, 0) + b"\x80" * 10 + b"\x01")


def malformed_cases() -> Iterator[tuple[str, bytes]]:
    """Bytes that are not protobuf."""
    yield from malformed_lengths()
    yield from malformed_tags()
    yield from malformed_unread()


def malformed_lengths() -> Iterator[tuple[str, bytes]]:
    """Lengths that do not fit what they are in."""
    good = features(ONE)
    floats_ = struct.pack("<ff", 1, 2)
    for cut in (1, 2, 3, 5, 7):
        yield (
            f"float_run_of_{cut}_bytes",
            features(entry("f", block(FLOAT_LIST, block(1, floats_[:cut])))),
        )
    yield "float_cut", features(entry("f", block(FLOAT_LIST, tag(1, 5) + floats_[:3])))
    yield (
        "length_past_end_of_list",
        features(entry("i", block(INT64_LIST, tag(1, 2) + b"\x05\x01"))),
    )
    yield (
        "length_past_end_of_feature",
        features(entry("i", tag(INT64_LIST, 2) + b"\x09" + b"\x0a\x01\x01")),
    )
    yield "length_past_end_of_entry", features(block(1, KEY_I + tag(2, 2) + b"\x20" + ints(1)))
    yield "length_past_end_of_features", block(1, tag(1, 2) + b"\x30" + ONE[2:])
    yield "length_past_end_of_example", tag(1, 2) + varint(len(ONE) + 1) + ONE
    yield "length_past_end_of_string", features(entry("s", block(1, tag(1, 2) + b"\x05abc")))
    yield "length_past_end_of_key", features(block(1, tag(1, 2) + b"\x05i"))
    yield "length_past_end_of_unknown", good + tag(15, 2) + b"\x05abc"
    for bits in (31, 32, 35, 63, 64):
        huge = tag(1, 2) + varint(2**bits - 1) + b"\x01"
        yield f"length_2_to_{bits}_less_1_of_run", features(entry("i", block(INT64_LIST, huge)))
        yield f"length_2_to_{bits}_less_1_of_features", huge
        yield f"length_2_to_{bits}_less_1_of_unknown", good + tag(15, 2) + varint(2**bits - 1)
    yield (
        "length_inner_past_outer_but_inside_record",
        features(entry("i", block(INT64_LIST, tag(1, 2) + b"\x03\x01")), entry("f", floats(1))),
    )


def malformed_tags() -> Iterator[tuple[str, bytes]]:
    """Tags that no field has."""
    good = features(ONE)
    for wire_type in (6, 7):
        yield f"wire_type_{wire_type}_in_example", good + bytes([15 << 3 | wire_type])
        yield f"wire_type_{wire_type}_in_features", features(ONE, bytes([1 << 3 | wire_type, 0]))
        bad = bytes([1 << 3 | wire_type, 0])
        yield f"wire_type_{wire_type}_in_list", features(entry("i", block(INT64_LIST, bad)))
        yield (
            f"wire_type_{wire_type}_in_other_feature",
            features(entry("zz", block(INT64_LIST, bad)), ONE),
        )
    for wire_type in (0, 1, 2, 5):
        payload = {0: b"\x05", 1: bytes(8), 2: b"\x01a", 5: bytes(4)}[wire_type]
        zero = bytes([wire_type]) + payload
        yield f"field_0_wire_type_{wire_type}_in_example", good + zero
        yield f"field_0_wire_type_{wire_type}_in_features", features(ONE, zero)
        yield (
            f"field_0_wire_type_{wire_type}_in_list",
            features(entry("i", block(INT64_LIST, zero))),
        )
    yield "field_number_2_to_29", good + varint(2**29 << 3) + b"\x01"
    yield "field_number_2_to_32", good + varint((2**32 + 15) << 3) + b"\x01"
    yield "group_not_closed", good + tag(15, 3)
    yield "group_closed_by_other", good + group(15, b"", 14)
    yield "group_end_alone", good + tag(15, 4)
    yield "group_end_alone_field_0", good + b"\x04"
    yield "group_end_in_list", features(entry("i", block(INT64_LIST, tag(1, 4))))
    yield "group_across_length", features(entry("i", ints(1) + tag(15, 3))) + tag(15, 4)
    yield "group_cut_inside", good + tag(15, 3) + tag(1, 2) + b"\x09a"
    for depth in (50, 90, 99, 100, 101, 200, 5000):
        yield f"group_depth_{depth}", good + tag(15, 3) * depth + tag(15, 4) * depth


def malformed_unread() -> Iterator[tuple[str, bytes]]:
    """No Example at all, and damage where nobody reads."""
    yield "nul_bytes", bytes(16)
    yield "text", b"This is a line of text, not an Example.\n"
    yield (
        "malformed_in_other_feature",
        features(entry("zz", block(INT64_LIST, block(1, b"\x80"))), ONE),
    )
    yield (
        "malformed_in_replaced_entry",
        features(entry("i", block(INT64_LIST, block(1, b"\x80"))), ONE),
    )
    yield (
        "malformed_in_replaced_kind",
        features(entry("i", block(FLOAT_LIST, block(1, b"ab")) + ints(1))),
    )
    yield "malformed_in_unread_kind", features(entry("zz", block(FLOAT_LIST, block(1, b"ab"))), ONE)


def all_cases() -> Iterator[Case]:
    """Every named case of this file."""
    groups = {
        "map": map_cases,
        "merge": merge_cases,
        "unknown": unknown_cases,
        "varint": varint_cases,
        "malformed": malformed_cases,
    }
    for topic, cases in groups.items():
        for name, record in cases():
            yield Case(f"{topic}/{name}", [record], SPEC)
    bad = features(entry("i", block(INT64_LIST, block(1, b"\x80"))))
    yield Case("malformed/second_record_of_three", [features(ONE), bad, features(ONE)], SPEC)
