"""What `weft check` finds in a file, which its first bytes tell the kind of."""

import json
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.progress import Progress

import weft
from weft.io.sequence_example import decode_either
from weft.vocabulary import Vocabulary

_TABLE, _INDEX = b"\x89VOC\r\n\x1a\n", b"weftidx1"
_BATCH = 512

Specs = tuple[dict[str, weft.io.VarLenFeature], dict[str, weft.io.VarLenFeature]]


def guessed_specs(file: Path) -> Specs:
    """What the first record with features holds; nothing if none of them has any."""
    for record in weft.io.TFRecordDataset(file, on_error="skip"):
        features, lists = decode_either(record)
        if features or lists:
            return (
                {key: weft.io.VarLenFeature(values.dtype) for key, values in features.items()},
                {key: weft.io.VarLenFeature(ragged.dtype) for key, ragged in lists.items()},
            )
    return {}, {}


def parsed(batches: weft.io.TFRecordDataset, context: dict, lists: dict) -> Iterable[Any]:
    """The batches, parsed if there is anything to parse."""
    if lists:
        return batches.parse_sequence(context, lists)
    return batches.parse(context) if context else batches


def check_records(file: Path, progress: Progress) -> dict[str, Any]:
    """Reads a record file to its end: checksums, and every record as the first one promises."""
    problems: list[Exception] = []
    context, lists = {}, {}
    dataset = weft.io.TFRecordDataset(file, on_error=problems.append)
    batches = dataset.batch(_BATCH)
    task = progress.add_task(str(file), total=None)
    try:
        context, lists = guessed_specs(file)
    except weft.Error as error:
        problems.append(error)
    try:
        for _ in parsed(batches, context, lists):
            progress.update(task, completed=dataset.counters()["records"])
    except weft.Error as error:
        problems.append(error)
    counts = dataset.counters()
    return {
        "file": str(file),
        "kind": "records",
        "records": counts["records"],
        "bytes": counts["bytes"],
        "features": sorted(context),
        "feature_lists": sorted(lists),
        "errors": list(dict.fromkeys(map(str, problems))),
    }


def check_vocabulary(file: Path) -> dict[str, Any]:
    """Reads a vocabulary to its end: of a table file checksums, and the id of each entry."""
    found = {"file": str(file), "kind": "vocabulary", "entries": None, "dtype": None}
    try:
        opened = Vocabulary.open(file, verify=True)
    except (OSError, ValueError) as error:
        return {**found, "errors": [str(error)]}
    with open(file, "rb") as opened_file:
        head = opened_file.read(12)
    return {
        **found,
        "entries": len(opened),
        "dtype": opened.dtype.name,
        "version": struct.unpack("<I", head[8:])[0] if head.startswith(_TABLE) else None,
        "counts": opened.counts() is not None,
        "bytes": os.path.getsize(file),
        "errors": [],
    }


def check_index(file: Path) -> dict[str, Any]:
    """Reads the index of a record file, and all records that it knows."""
    found = {"file": str(file), "kind": "index", "records": None}
    if file.suffix != ".idx":
        return {**found, "errors": [f"{file}: the index of FILE must be called FILE.idx"]}
    try:
        records = weft.io.RecordFile(file.with_suffix(""), file)
        for begin in range(0, len(records), _BATCH):
            records[begin : begin + _BATCH]
    except weft.Error as error:
        return {**found, "errors": [str(error)]}
    return {**found, "records": len(records), "errors": []}


def check_file(file: Path, progress: Progress) -> dict[str, Any]:
    """Whatever is wrong in `file`, in `errors`, and what it holds."""
    try:
        with open(file, "rb") as opened:
            head = opened.read(len(_TABLE))
    except OSError:
        head = b""  # which reading it as records reports
    if head == _TABLE:
        return check_vocabulary(file)
    if head == _INDEX:
        return check_index(file)
    return check_records(file, progress)


def described(found: dict[str, Any]) -> str:
    """What a file holds, on one line."""
    if found["kind"] == "records":
        return (
            f"{found['records']:,} records, {found['bytes']:,} bytes, "
            f"{len(found['features'])} features, {len(found['feature_lists'])} feature lists"
        )
    if found["errors"]:
        return f"{found['kind']} with errors"
    if found["kind"] == "index":
        return f"index of {found['records']:,} records"
    version = "" if found["version"] is None else f" table, version {found['version']}"
    counted = ", with counts" if found["counts"] else ""
    held = f"{found['entries']:,} entries, {found['dtype']}, {found['bytes']:,} bytes{counted}"
    return f"vocabulary{version}: {held}"


def report(found: dict[str, Any], as_json: bool) -> bool:
    """Prints what a check found; whether anything is wrong."""
    if as_json:
        print(json.dumps(found))
    else:
        print(f"{found['file']}: {described(found)}")
        for error in found["errors"]:
            print(f"  {error}")
    return bool(found["errors"])
