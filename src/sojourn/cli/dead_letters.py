"""`sojourn dead-letters`: what could not be processed or delivered."""

from __future__ import annotations

import contextlib
import json as json_module
from typing import Annotated

import typer

from sojourn.app.access import open_access
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table, short_time
from sojourn.core.errors import InvalidSettings

app = typer.Typer(
    name="dead-letters",
    no_args_is_help=True,
    help="Events that could not be processed or delivered: see them, send them again.",
)
Stage = Annotated[str, typer.Option(help="`processor`, `warehouse`, or the name of a destination.")]


@app.command("list")
def list_letters(
    stage: Stage = "", data_dir: DataDir = None, config: Config = None, json: AsJson = False
) -> None:
    """List dead letters, the oldest first, each with its reason."""
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        letters = access.dead_letters(stage)
    if json:
        for letter in letters:
            print_json(letter)
        return
    columns = ("id", "at", "stage", "source", "reason", "replayed")
    print_table(
        columns, [[short_time(letter[c]) for c in columns] for letter in letters], "Dead letters"
    )
    console.print(f"{len(letters)} dead letters", highlight=False)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="Its id, from `sojourn dead-letters list`.")],
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show one dead letter with its event as it was."""
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        (found,) = access.dead_letters(name=letter)
    if json:
        print_json(found)
        return
    event = found.pop("event")
    print_table(("of the letter", ""), list(found.items()))
    with contextlib.suppress(ValueError):  # it may be dead because it is no JSON
        event = json_module.dumps(json_module.loads(event), indent=2, ensure_ascii=False)
    console.print(event, markup=False, highlight=False)


@app.command()
def replay(
    letter: Annotated[str, typer.Argument(help="Its id; none: all of --stage.")] = "",
    stage: Annotated[str, typer.Option(help="The destination.")] = "",
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Deliver dead letters once more, to their own destination only."""
    if not (letter or stage):
        raise InvalidSettings("which letters? Name an id, or --stage for all of a destination")
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        count = access.replay(stage, letter)
    console.print(f"{count} events will be delivered again.", highlight=False)
