"""`weft config`, `weft head FILE...`, `weft check FILE...`, `weft index FILE...`."""

import itertools
import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

import weft
from weft.cli import vocab
from weft.cli.checking import check_file, report
from weft.config import config
from weft.io.sequence_example import decode_either

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Looks at files: what is in them, and whether they are whole.",
)
app.add_typer(vocab.app, name="vocab")
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


def steps(ragged: weft.Ragged) -> list:
    """A feature list as JSON has it."""
    values, ends = plain(ragged.values), ragged.row_splits
    return [values[begin:end] for begin, end in itertools.pairwise(ends)]


def shown_steps(ragged: weft.Ragged) -> str:
    """The first steps of a feature list on one line."""
    text = ", ".join(map(repr, steps(ragged[:SHOWN_VALUES])))
    return text + (", ..." if len(ragged) > SHOWN_VALUES else "")


def kind(values: np.ndarray) -> str:
    """What a list of these values is called."""
    return "bytes" if values.dtype == object else values.dtype.name


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
    """Shows the features, and feature lists, of the first records of each file."""
    console = Console()
    for file in files:
        for number, record in enumerate(weft.io.TFRecordDataset(file).take(count)):
            features, lists = decode_either(record)
            if as_json:
                found = {"features": {key: plain(values) for key, values in features.items()}}
                if lists:
                    found["feature_lists"] = {key: steps(ragged) for key, ragged in lists.items()}
                print(json.dumps({"file": str(file), "record": number, **found}))
                continue
            print(f"{file}: record {number}, {len(record)} bytes")
            table = Table("key", "kind", "values", "")
            for key, values in features.items():
                table.add_row(Text(key), kind(values), str(len(values)), Text(shown(values)))
            for key, ragged in lists.items():
                size = f"{ragged.values.size} in {len(ragged)} steps"
                table.add_row(Text(key), kind(ragged.values), size, Text(shown_steps(ragged)))
            console.print(table)


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Reads files to their end: TFRecord files, vocabulary tables, indexes.

    Of records the checksums, and each one's features as the first one has them; of vocabulary
    tables and indexes checksums and structure. Exits with 1 if anything is wrong.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,} records"))
    stderr = Console(stderr=True)
    quiet = not stderr.is_terminal
    failed = False
    with Progress(*columns, console=stderr, transient=True, disable=quiet) as progress:
        for file in files:
            failed |= report(check_file(file, progress), as_json)
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
