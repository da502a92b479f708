"""`weft config`, `weft head FILE...`, `weft check FILE...`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

import weft
from weft.cli import wire
from weft.config import config

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Looks at TFRecord files: what is in them, and whether they are whole.",
)
Files = Annotated[list[Path], typer.Argument(help="TFRecord files, plain, gzip or zlib.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, one object a line.")]

SHOWN_VALUES = 8
DTYPES = {"int64": weft.int64, "float": weft.float32, "bytes": weft.string}


def plain(value: object) -> object:
    """A value as JSON has it: bytes as text, float32 in as many digits as it has."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return float(f"{value:.7g}") if isinstance(value, float) else value


def shown(view: wire.View) -> str:
    """The first values of a feature on one line."""
    values = [[plain(v) for v in step] if view.steps else plain(step) for step in view.values]
    text = ", ".join(repr(v) for v in values[:SHOWN_VALUES])
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
    """Shows the features of the first records of each file, Example or SequenceExample."""
    console = Console()
    for file in files:
        for number, record in enumerate(weft.io.TFRecordDataset(file).take(count)):
            views = wire.read(record)
            if as_json:
                features = {
                    key: [[plain(v) for v in s] if view.steps else plain(s) for s in view.values]
                    for key, view in views.items()
                }
                print(json.dumps({"file": str(file), "record": number, "features": features}))
                continue
            print(f"{file}: record {number}, {len(record)} bytes")
            table = Table("key", "kind", "values", "")
            for key, view in sorted(views.items()):
                kind = view.kind + (" steps" if view.steps else "")
                table.add_row(key, kind, str(len(view.values)), shown(view))
            console.print(table, markup=False)


def batches(file: Path, problems: list[Exception]) -> Iterator[list[bytes]]:
    """The records of a file, damaged places left out and put into `problems`."""
    dataset = weft.io.TFRecordDataset(file, on_error=problems.append)
    yield from (batch.tolist() for batch in dataset.batch(512))


def guessed_spec(record: bytes) -> dict[str, object] | None:
    """What the first record says about all of them; None if it is no Example with features."""
    views = wire.read(record)
    if not views or any(view.steps for view in views.values()):
        return None
    kinds = {key: DTYPES[view.kind] for key, view in views.items() if view.kind}
    return {key: weft.io.VarLenFeature(dtype) for key, dtype in kinds.items()} or None


def check_file(file: Path, progress: Progress) -> dict[str, object]:
    """Reads one file to its end: checksums, and every record as the first one promises."""
    problems: list[Exception] = []
    records = size = 0
    spec = None
    task = progress.add_task(str(file), total=None)
    try:
        for batch in batches(file, problems):
            spec = spec if records else guessed_spec(batch[0])
            records += len(batch)
            size += sum(map(len, batch))
            progress.update(task, completed=records)
            if spec is not None:
                weft.io.parse_example(batch, spec)
    except (ValueError, OSError) as error:
        problems.append(error)
    return {
        "file": str(file),
        "records": records,
        "bytes": size,
        "errors": [str(problem) for problem in problems],
    }


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Reads files to their end: checksums, and each record as the first one promises.

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
            print(f"{file}: {found['records']:,} records, {found['bytes']:,} bytes")
            for error in found["errors"]:
                print(f"  {error}")
    sys.exit(int(failed))
