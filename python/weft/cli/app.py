"""`weft config`, `weft head FILE...`, `weft check FILE...`, `weft index FILE...`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

import weft
from weft.config import config

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Looks at TFRecord files: what is in them, and whether they are whole.",
)
Files = Annotated[list[Path], typer.Argument(help="TFRecord files, plain, gzip or zlib.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, one object a line.")]

SHOWN_VALUES = 8


def plain(values: np.ndarray) -> list:
    """Values as JSON has them: bytes as text, float32 in as many digits as it has."""
    if values.dtype == object:
        return [value.decode(errors="backslashreplace") for value in values.tolist()]
    if values.dtype == np.float32:
        return [float(str(value)) for value in values]
    return values.tolist()


def shown(values: np.ndarray) -> str:
    """The first values of a feature on one line."""
    text = ", ".join(repr(value) for value in plain(values[:SHOWN_VALUES]))
    return text + (", ..." if len(values) > SHOWN_VALUES else "")


@app.command("config")
def show_config(as_json: AsJson = False) -> None:
    """Version, code path, threads and memory."""
    if as_json:
        print(json.dumps(config()))
    else:
        weft.show_config()


@app.command()
def head(
    files: Files,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Records of each file.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Shows the features of the first records of each file of Examples."""
    console = Console()
    for file in files:
        for number, record in enumerate(weft.io.TFRecordDataset(file).take(count)):
            features = weft.io.decode_example(record)
            if as_json:
                lists = {key: plain(values) for key, values in features.items()}
                print(json.dumps({"file": str(file), "record": number, "features": lists}))
                continue
            print(f"{file}: record {number}, {len(record)} bytes")
            table = Table("key", "kind", "values", "")
            for key, values in features.items():
                kind = "bytes" if values.dtype == object else values.dtype.name
                table.add_row(Text(key), kind, str(len(values)), Text(shown(values)))
            console.print(table)


def guessed_spec(file: Path) -> dict[str, weft.io.VarLenFeature]:
    """What the first record with features holds; nothing if none of them has any."""
    for record in weft.io.TFRecordDataset(file, on_error="skip"):
        if features := weft.io.decode_example(record):
            return {key: weft.io.VarLenFeature(values.dtype) for key, values in features.items()}
    return {}


def check_file(file: Path, progress: Progress) -> dict[str, Any]:
    """Reads one file to its end: checksums, and every record as the first one promises."""
    problems: list[Exception] = []
    spec: dict[str, weft.io.VarLenFeature] = {}
    dataset = weft.io.TFRecordDataset(file, on_error=problems.append)
    batches = dataset.batch(512)
    task = progress.add_task(str(file), total=None)
    try:
        spec = guessed_spec(file)
    except weft.Error as error:
        problems.append(error)
    try:
        for _ in batches.parse(spec) if spec else batches:
            progress.update(task, completed=dataset.counters()["records"])
    except weft.Error as error:
        problems.append(error)
    counts = dataset.counters()
    return {
        "file": str(file),
        "records": counts["records"],
        "bytes": counts["bytes"],
        "features": sorted(spec),
        "errors": [str(problem) for problem in problems],
    }


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Reads files to their end: checksums, and each record's features as the first one has them.

    Exits with 1 if anything is wrong.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,} records"))
    stderr = Console(stderr=True)
    quiet = not stderr.is_terminal
    failed = False
    with Progress(*columns, console=stderr, transient=True, disable=quiet) as progress:
        for file in files:
            found = check_file(file, progress)
            failed |= bool(found["errors"])
            if as_json:
                print(json.dumps(found))
                continue
            print(
                f"{file}: {found['records']:,} records, {found['bytes']:,} bytes, "
                f"{len(found['features'])} features"
            )
            for error in found["errors"]:
                print(f"  {error}")
    sys.exit(int(failed))


@app.command()
def index(files: Files, as_json: AsJson = False) -> None:
    """Writes FILE.idx beside each plain file: where its records are, for `weft.io.RecordFile`.

    Exits with 1 if a file has none: it is compressed or damaged.
    """
    failed = False
    for file in files:
        try:
            made = weft.io.build_index(file)
        except weft.Error as error:
            failed = True
            print(error, file=sys.stderr)
            continue
        count = len(weft.io.RecordFile(file))
        if as_json:
            print(json.dumps({"file": str(file), "index": made, "records": count}))
        else:
            print(f"{made}: {count:,} records")
    sys.exit(int(failed))
