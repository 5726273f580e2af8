"""`sojourn sessions` and `sojourn session KEY`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from sojourn.app.access import Access, open_access
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table
from sojourn.cli.reading import pairs, print_report
from sojourn.core.ports import Report

app = typer.Typer(name="sessions", invoke_without_command=True, rich_markup_mode="markdown")

SHOWN = ("session_key", "start_time", "duration", "views", "channel", "entry_page")
"""The columns of the list that fit a terminal; `--json` has them all."""
SHOWN_EVENTS = ("event_index", "event_time", "gap", "type", "name", "node", "is_error")

Limit = Annotated[int, typer.Option(help="Most sessions to show.", min=1)]


@app.callback()
def sessions(
    context: typer.Context,
    data_dir: DataDir = None,
    config: Config = None,
    limit: Limit = 20,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Filter, as name=value (channel=Email); may be repeated."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Renew the table every second.")] = False,
    json: AsJson = False,
) -> None:
    """List sessions, the newest first; `sojourn session KEY` shows one."""
    if context.invoked_subcommand is not None:
        return
    parameters = {"limit": str(limit)}
    parameters |= pairs(where or [])
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        if watch:
            _watch(access, parameters)
        answer = access.report("sessions", parameters)
    if json:
        _print_rows(answer)
    else:
        print_report(answer, SHOWN)
        total = answer.extra.get("total", len(answer.rows))
        console.print(f"{len(answer.rows)} of {total} sessions", highlight=False)


@app.command()
def redefine(
    timeout: Annotated[str, typer.Option(help="The gap that ends a session: 15m.")] = "",
    max_length: Annotated[str, typer.Option(help="The longest session: 12h.")] = "",
    source: Annotated[str, typer.Option(help="Id of the source; none: every source.")] = "",
    apply: Annotated[bool, typer.Option("--apply", help="Switch; history follows.")] = False,
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show what another definition of a session would change; with --apply, switch to it.

    Nothing is lost: the events stay as they are, and the old definition can be had again.
    """
    from sojourn.app.definition import Definition

    definition = Definition(timeout, max_length, source)
    with (
        console.status("Making the sessions anew …"),
        open_access(read_configuration(config, data_dir=data_dir)) as access,
    ):
        answer = access.redefine(definition, apply)
    if json:
        print_json(answer)
        return
    print_report(answer)
    changed = answer.extra["sessions"]
    print_table(("sessions", "number"), list(changed.items()))
    console.print("Switched." if apply else "Nothing is switched yet; --apply does it.")


def session(
    key: Annotated[str, typer.Argument(help="The session's key, from `sojourn sessions`.")],
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show one session: its events in order, with the gaps between them."""
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        answer = access.report("session", {"key": key})
    if json:
        print_json({**answer.extra, "events": _rows(answer)})
        return
    row = answer.extra.get("session", {})
    print_table(
        ("of the session", ""),
        [(name.replace("_", " "), value) for name, value in row.items() if value not in (None, "")],
    )
    print_report(answer, SHOWN_EVENTS)


def _watch(access: Access, parameters: dict[str, str]) -> None:
    while True:
        answer = access.report("sessions", parameters)
        console.clear()
        print_report(answer, SHOWN)
        time.sleep(1)


def _rows(answer: Report) -> list[dict[str, object]]:
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _print_rows(answer: Report) -> None:
    for row in _rows(answer):
        print_json(row)
