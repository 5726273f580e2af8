"""`sojourn import`: history from RudderStack's tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sojourn.app.access import open_access
from sojourn.app.importing.order import ImportOrder
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table, short_time
from sojourn.core.errors import InvalidSettings
from sojourn.settings import resolve_secret


def import_history(
    address: Annotated[
        str,
        typer.Option(
            "--from",
            help="postgres://user:password@host/database, or a .duckdb file. "
            "env:NAME takes it from the environment.",
            metavar="ADDRESS",
        ),
    ],
    schema: Annotated[
        str, typer.Option(help="Schema of the tables. Default: the one that has any.")
    ] = "",
    source: Annotated[
        str,
        typer.Option(
            help="Source (name or id) that the events belong to. Default: the one called like the "
            "schema, or the only one."
        ),
    ] = "",
    since: Annotated[
        str, typer.Option(help="Only what was received from then on: ISO date or time, UTC.")
    ] = "",
    until: Annotated[str, typer.Option(help="Only what was received before.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is there; import nothing.")
    ] = False,
    deliver: Annotated[
        bool,
        typer.Option(
            "--deliver", help="Send the events to destinations and other warehouses as well."
        ),
    ] = False,
    restart: Annotated[
        bool,
        typer.Option("--restart", help="From the beginning, after an import was interrupted."),
    ] = False,
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Import the tables that RudderStack wrote, so that history has sessions too.

    Reads tracks and the tables of events, pages, screens, identifies, groups, aliases and users
    of one schema. Importing again changes nothing; an import that was interrupted goes on where
    it was.
    """
    order = ImportOrder(_address(address), schema, source, since, until, dry_run, deliver, restart)
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        reports = access.import_history(order)
        result = _last(reports) if json else _watched(reports)
    if json:
        print_json(result)
        return
    if dry_run:
        _show_tables(result)
    else:
        _show_result(result)


def _address(text: str) -> str:
    """The address with its secret; a path as it is seen from here."""
    try:
        address = str(resolve_secret(text, os.environ))
    except ValueError as error:
        raise InvalidSettings(f"--from {error}") from None
    return address if "://" in address else str(Path(address).resolve())


def _last(reports: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for report in reports:
        result = dict(report)
    return result


def _watched(reports: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    """The last report, after a progress bar."""
    result: dict[str, Any] = {}
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"),
        _Rate(), TimeRemainingColumn(), console=console, transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task("Counting …", total=None)
        for report in reports:
            result = dict(report)
            day = str(result.get("at") or result.get("resumed_after") or "")[:10]
            total = result["rows_to_read"]
            bar.update(task, description=f"Importing {day}", total=total, completed=result["rows"])
    return result


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} rows/s")


def _show_tables(result: Mapping[str, Any]) -> None:
    rows = [
        (one["table"], one["kind"], one["rows"], short_time(one["first"]), short_time(one["last"]))
        for one in result["tables"]
    ]
    title = f"Schema {result['schema']}, for the source {result['source']}"
    print_table(("table", "holds", "rows", "first received", "last received"), rows, title=title)
    if result["left_alone"]:
        names = ", ".join(result["left_alone"])
        console.print(f"Left alone: {names}.", highlight=False, markup=False)
    _show_unusable(result)


def _show_result(result: Mapping[str, Any]) -> None:
    if result["resumed_after"]:
        console.print(f"Went on after {result['resumed_after']}.", highlight=False)
    console.print(
        f"{result['imported']:,} events imported from schema {result['schema']} for the source "
        f"{result['source']}; {result['already_there']:,} were there already.",
        highlight=False,
    )
    said = {
        "suppressed": "events are of users who were forgotten; they stay out",
        "users": "users had traits that no identify has; they got one",
        "discarded": "values did not fit their column; see rudder_discards",
        "put_aside": "events could not be loaded; see `sojourn dead-letters list`",
    }
    for name, meaning in said.items():
        if result[name]:
            console.print(f"{result[name]:,} {meaning}.", highlight=False)
    _show_unusable(result)


def _show_unusable(result: Mapping[str, Any]) -> None:
    if result["unusable_rows"]:
        count = result["unusable_rows"]
        console.print(f"{count:,} rows without id or received_at cannot be read.", highlight=False)
