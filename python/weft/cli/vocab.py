"""`weft vocab build`, `weft vocab check`, `weft vocab show`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from weft.cli.checking import check_vocabulary, report
from weft.vocabulary import Vocabulary, build

app = typer.Typer(no_args_is_help=True, help="Builds vocabularies, and looks at them.")
Files = Annotated[list[Path], typer.Argument(help="Vocabularies: table files, text or TFRecord.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout, one object a line.")]


def shown(entry: bytes | int) -> str | int:
    """An entry as text."""
    return entry.decode(errors="backslashreplace") if isinstance(entry, bytes) else entry


@app.command("build")
def build_vocabulary(
    files: Annotated[list[Path], typer.Argument(help="TFRecord files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table file to write.")],
    key: Annotated[str | None, typer.Option(help="Count this feature of Examples.")] = None,
    context_feature: Annotated[
        str | None, typer.Option(help="Count this feature of the context of SequenceExamples.")
    ] = None,
    sequence_feature: Annotated[
        str | None, typer.Option(help="Count this feature list of SequenceExamples.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="string or int64; unless given, what the first values are.")
    ] = None,
    min_count: Annotated[int, typer.Option(min=1, help="Leave out what is rarer.")] = 1,
    top_k: Annotated[int | None, typer.Option(min=1, help="Keep only so many entries.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Write text, an entry a line.")] = False,
) -> None:
    """Counts the values of a feature; the most frequent come first."""
    named = {
        "key": key,
        "context_feature": context_feature,
        "sequence_feature": sequence_feature,
    }
    if sum(name is not None for name in named.values()) != 1:
        raise typer.BadParameter("give one of --key, --context-feature and --sequence-feature")
    made = build(files, **named, dtype=dtype, min_count=min_count, top_k=top_k)
    if text:
        made.to_text(output)
    else:
        made.save(output)
    print(f"{output}: {len(made):,} entries, {made.dtype.name}")


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Reads vocabularies of any kind to their end, text and TFRecord too.

    Exits with 1 if anything is wrong.
    """
    failed = False
    for file in files:
        failed |= report(check_vocabulary(file), as_json)
    sys.exit(int(failed))


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A vocabulary.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Entries from the top.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Shows the first entries with their ids, and how often each was counted."""
    opened = Vocabulary.open(file)
    counts = opened.counts()
    for id in range(min(count, len(opened))):
        entry = shown(opened[id])
        counted = None if counts is None else int(counts[id])
        if as_json:
            print(json.dumps({"id": id, "entry": entry, "count": counted}))
        else:
            print(f"{id:>10}  {entry}" + ("" if counted is None else f"  ({counted:,})"))
