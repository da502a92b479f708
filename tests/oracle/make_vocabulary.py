"""Makes vocabulary.json: how TensorFlow reads vocabulary files.

Each case has "content" (hex), "dtype" and "size" (or null), and, as "table", the entries by id
that the table of categorical_column_with_vocabulary_file holds, or the error; as "count", the
vocabulary_size that the column takes from the file when none is given. Cases with "records" (hex)
instead of "content" are gzip TFRecord files of these records.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

BOM = b"\xef\xbb\xbf"
TEXTS: dict[str, bytes] = {
    "plain": b"a\nb\nc\n",
    "last_line_open": b"a\nb\nc",
    "crlf": b"a\r\nb\r\nc\r\n",
    "crlf_last_line_open": b"a\r\nb\r",
    "cr_alone_at_end": b"a\nb\n\r",
    "cr_line": b"a\n\r\nb\n",
    "two_cr": b"a\r\r\nb\n",
    "cr_inside": b"a\rb\nc\n",
    "spaces": b" a\nb \n c c \n\td\n",
    "only_spaces": b" \n  \n",
    "empty_file": b"",
    "one_line_end": b"\n",
    "empty_line": b"a\n\nb\n",
    "empty_line_first": b"\na\n",
    "empty_line_last": b"a\nb\n\n",
    "repeated": b"a\nb\na\n",
    "repeated_at_once": b"a\na\n",
    "repeated_but_for_cr": b"a\nb\na\r\n",
    "bom": BOM + b"a\nb\n",
    "nul": b"a\0\nb\0c\n\0\n",
    "utf8": "история\n日本語\nnaïve\n".encode(),
    "not_utf8": b"\xff\xfe\n\x80\n",
    "form_feed": b"a\x0c\n\x0bb\n\x85\n",
    "long_line": b"x" * 2000 + b"\ny\n",
    "delimiter": b"a\t1\nb\t2\n",
    "case": b"a\nA\n",
}
SIZES: list[tuple[str, int | None]] = [
    ("plain", 1),
    ("plain", 3),
    ("plain", 4),
    ("last_line_open", 3),
    ("last_line_open", 4),
    ("empty_line", 1),
    ("empty_line", 2),
    ("empty_line_last", 2),
    ("repeated", 2),
    ("repeated", 3),
    ("empty_file", 1),
]
INTEGERS: dict[str, bytes] = {
    "plain": b"1\n2\n30\n",
    "negative": b"-1\n-0\n-20\n",
    "limits": b"9223372036854775807\n-9223372036854775808\n",
    "too_large": b"9223372036854775808\n",
    "too_small": b"-9223372036854775809\n",
    "spaces": b" 1\n2 \n\t3\t\n4\x0b\n5\x0c\n",
    "crlf": b"1\r\n2\r\n",
    "inner_space": b"1 2\n",
    "plus": b"+1\n",
    "minus_space": b"- 1\n",
    "two_minus": b"--1\n",
    "leading_zeros": b"007\n",
    "same_number": b"7\n007\n",
    "minus_zero": b"0\n-0\n",
    "hexadecimal": b"0x10\n",
    "float": b"1.0\n",
    "exponent": b"1e3\n",
    "text": b"a\n",
    "only_space": b"1\n \n",
    "empty_line": b"1\n\n2\n",
    "underscore": b"1_000\n",
    "bom": BOM + b"1\n",
    "nul": b"1\0\n",
    "minus": b"-\n",
    "repeated": b"1\n2\n1\n",
}
RECORDS: dict[str, list[bytes]] = {
    "plain": [b"a", b"b", b"c"],
    "empty_record": [b"a", b"", b"b"],
    "line_ends": [b"a\n", b"b\r", b"c\r\n"],
    "repeated": [b"a", b"b", b"a"],
    "none": [],
}
INTEGER_RECORDS: dict[str, list[bytes]] = {
    "plain": [b"1", b"-2"],
    "spaces": [b" 1", b"2 "],
    "text": [b"a"],
    "empty": [b""],
}


def column(path: Path, dtype: str, size: int | None) -> Any:
    """The column of a file."""
    return tf.feature_column.categorical_column_with_vocabulary_file(
        "k", str(path), vocabulary_size=size, dtype=tf.as_dtype(dtype)
    )


def entries(path: Path, dtype: str, size: int | None) -> dict[str, Any]:
    """The entries in the order of their ids."""
    table = column(path, dtype, size)._make_table(tf.as_dtype(dtype), None)
    keys, ids = table.export()
    if sorted(ids.numpy()) != list(range(len(ids))):
        raise ValueError(f"ids are not 0 to V - 1: {ids}")
    by_id = np.empty(len(ids), keys.numpy().dtype)
    by_id[ids.numpy()] = keys.numpy()
    return golden_io.array(by_id)


def text_case(name: str, data: bytes, dtype: str, size: int | None) -> dict[str, Any]:
    """What TensorFlow makes of a text file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return {"name": name, "content": data.hex(), **answers(path, dtype, size)}


def record_case(name: str, records: list[bytes], dtype: str) -> dict[str, Any]:
    """What TensorFlow makes of a gzip record file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.tfrecord.gz"
        with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
            for record in records:
                writer.write(record)
        return {
            "name": name,
            "records": [r.hex() for r in records],
            **answers(path, dtype, None),
        }


def answers(path: Path, dtype: str, size: int | None) -> dict[str, Any]:
    """The table, the count, and how they were asked for."""
    made = {
        "table": golden_io.outcome(lambda: entries(path, dtype, size), lambda x: x),
        "count": golden_io.outcome(lambda: int(column(path, dtype, None).num_buckets), int),
    }
    for answer in made.values():
        if "error" in answer:
            answer["error"]["message"] = answer["error"]["message"].replace(str(path), "FILE")
    return {"dtype": dtype, "size": size, **made}


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    cases = [text_case(f"text/{n}", data, "string", None) for n, data in TEXTS.items()]
    cases += [text_case(f"text/{n}/size_{s}", TEXTS[n], "string", s) for n, s in SIZES]
    cases += [text_case(f"integers/{n}", data, "int64", None) for n, data in INTEGERS.items()]
    cases += [record_case(f"records/{n}", r, "string") for n, r in RECORDS.items()]
    cases += [record_case(f"integer_records/{n}", r, "int64") for n, r in INTEGER_RECORDS.items()]
    golden_io.write(out / "vocabulary.json", "How vocabulary files are read.", cases)


if __name__ == "__main__":
    main()
