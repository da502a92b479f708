"""TFRecord files that TensorFlow wrote, whole and damaged (tests/oracle/make_records.py)."""

import gzip
import struct

import golden
import pytest
import weft

FILE = golden.load("records.json")
PAYLOADS = [bytes.fromhex(p) for p in FILE["payloads"]]
FOLDER = golden.FOLDER / "records"
PLAIN = (FOLDER / "plain.tfrecord").read_bytes()
ENDS = {0}
for _payload in PAYLOADS:
    ENDS.add(max(ENDS) + len(_payload) + 16)
FIRST = 21


def damaged(edit):
    kind, what = edit
    if kind == "cut":
        return PLAIN[:what]
    if kind == "append":
        return PLAIN + bytes.fromhex(what)
    changed = bytearray(PLAIN)
    changed[what] ^= 1
    return bytes(changed)


def zipped(what):
    one = gzip.compress(PLAIN, mtime=0)
    parts = {
        "one": [PLAIN],
        "two": [PLAIN[:FIRST], PLAIN[FIRST:]],
        "across": [PLAIN[: FIRST + 5], PLAIN[FIRST + 5 :]],
        "empty": [PLAIN[:FIRST], b"", PLAIN[FIRST:]],
        "none": [],
    }
    if what in parts:
        return b"".join(gzip.compress(p, mtime=0) for p in parts[what])
    return {
        "cut1": one[:-1],
        "cut8": one[:-8],
        "half": one[: len(one) // 2],
        "zeros": one + bytes(8),
    }[what]


def read(path, compression=""):
    """The records before the end or the error, and the error."""
    got = []
    try:
        for record in weft.io.TFRecordDataset([str(path)], compression_type=compression):
            got.append(bytes(record))
    except weft.CorruptDataError as error:
        return got, error
    return got, None


@pytest.mark.parametrize(
    "name,compression",
    [("plain.tfrecord", ""), ("gzip.tfrecord.gz", "GZIP"), ("zlib.tfrecord.zlib", "ZLIB")],
)
def test_reads_what_tensorflow_wrote(name, compression):
    assert read(FOLDER / name, compression) == (PAYLOADS, None)


@pytest.mark.parametrize("name", ["no_records.tfrecord", "no_records.tfrecord.gz"])
def test_reads_nothing_from_nothing(name):
    assert read(FOLDER / name, "GZIP" if name.endswith("gz") else "") == ([], None)


def test_reads_records_of_no_bytes():
    assert read(FOLDER / "empty_records.tfrecord") == ([b"", b"", b""], None)


def test_gzip_is_seen_by_content():
    assert read(FOLDER / "gzip.tfrecord.gz") == (PAYLOADS, None)


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_writes_what_tensorflow_reads(tmp_path, compression):
    path = tmp_path / "out.tfrecord"
    with weft.io.TFRecordWriter(str(path), compression) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    if not compression:
        assert path.read_bytes() == PLAIN
    assert read(path, compression) == (PAYLOADS, None)


EDITS = [c for c in FILE["cases"] if c["edit"][0] in ("cut", "flip", "append")]


@pytest.mark.parametrize("case", EDITS, ids=lambda c: c["name"])
def test_damage_is_found_where_it_is(case, tmp_path):
    """Also the header that ends early, which TensorFlow takes for a clean end."""
    path = tmp_path / "damaged.tfrecord"
    path.write_bytes(damaged(case["edit"]))
    got, error = read(path)
    count = case["tf"]["read"]
    assert got == PAYLOADS[:count]
    if case["edit"][0] == "cut" and case["edit"][1] in ENDS:
        assert error is None
    else:
        assert error.file == str(path)
        assert error.record == count


@pytest.mark.parametrize("what", ["one", "two", "across", "empty"])
def test_gzip_members_are_read_on(what, tmp_path):
    path = tmp_path / "members.gz"
    path.write_bytes(zipped(what))
    assert read(path, "GZIP") == (PAYLOADS, None)


@pytest.mark.parametrize("what", ["cut1", "cut8", "zeros"])
def test_gzip_without_its_footer_loses_no_record(what, tmp_path):
    path = tmp_path / "cut.gz"
    path.write_bytes(zipped(what))
    got, _ = read(path, "GZIP")
    assert got == PAYLOADS


def test_half_a_gzip_file_is_an_error(tmp_path):
    path = tmp_path / "half.gz"
    path.write_bytes(zipped("half"))
    got, error = read(path, "GZIP")
    assert got == PAYLOADS[: len(got)]
    assert error is not None


def test_checksums(tmp_path):
    """The CRC of every length, as written and as TensorFlow wrote it."""
    path = tmp_path / "crc.tfrecord"
    with weft.io.TFRecordWriter(str(path)) as writer:
        for payload, _, _ in FILE["crc"]:
            writer.write(bytes.fromhex(payload))
    data, at = path.read_bytes(), 0
    for payload, _, masked in FILE["crc"]:
        at += 16 + len(payload) // 2
        assert struct.unpack("<I", data[at - 4 : at]) == (masked,)
