"""`python -m weft` is the command `weft`."""

import sys

import weft


def main() -> None:
    """Runs the command line, or says what to install for it."""
    try:
        from weft.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit("the command line needs more packages: pip install 'weft[cli]'")
    try:
        app()
    except weft.Error as error:
        sys.exit(f"weft: {error}")


if __name__ == "__main__":
    main()
