"""`sojourn saved`: funnels, reports and segments of the console as TOML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sojourn.app.administration import open_administration
from sojourn.cli.options import Config, DataDir, read_configuration
from sojourn.cli.output import console
from sojourn.core.errors import InvalidSettings

app = typer.Typer(
    name="saved",
    no_args_is_help=True,
    help="Funnels, reports and segments of the console: as TOML, out and in.",
)


@app.command()
def export(data_dir: DataDir = None, config: Config = None) -> None:
    """Print everything that is saved, as TOML for `sojourn.toml` or another console."""
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        sys.stdout.write(run("export"))


@app.command(name="import")
def import_views(
    file: Annotated[Path, typer.Argument(help="A TOML file; `-` reads standard input.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Save what a TOML file says; entries of the same name are replaced.

    All of it or, where something is wrong, nothing. Other parts of the file are passed over.
    """
    text = sys.stdin.read() if str(file) == "-" else _read(file)
    with open_administration(read_configuration(config, data_dir=data_dir)) as run:
        count = run("import", toml=text)
    console.print(f"Saved {count} funnels, reports and segments.", highlight=False)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} cannot be read: {error}") from None
