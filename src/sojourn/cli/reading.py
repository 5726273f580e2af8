"""Commands that read: `export`, `report`, `sql`, `status`."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sojourn.app.access import open_access
from sojourn.cli.files import write_table
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import (
    console,
    fitting,
    print_csv,
    print_json,
    print_table,
    seconds_as_text,
    short_time,
)
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Report, ReportSpec
from sojourn.settings import format_size

SENTENCE = 60
"""A first column longer than this is read as a sentence."""


class Exported(StrEnum):
    """What can be exported."""

    events = "events"
    sessions = "sessions"


class Format(StrEnum):
    """How it is written."""

    json = "json"
    csv = "csv"
    parquet = "parquet"


def export(
    what: Annotated[Exported, typer.Argument(help="What to export.")],
    data_dir: DataDir = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="json (one object a line), csv or parquet.")
    ] = Format.json,
    to: Annotated[Path | None, typer.Option(help="File to write; none: standard output.")] = None,
) -> None:
    """Print what is stored, one JSON object a line; or write it as CSV or Parquet.

    `events` are the events as they were processed, each once; `sessions` are the rows of the
    sessions table. While a server runs on the folder, it answers; otherwise the folder is
    opened, and brought up to date first.
    """
    form = Format.json if json else form
    if form is Format.parquet and to is None:
        raise InvalidSettings("Parquet needs a file; name it with --to sessions.parquet")
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        lines = (line for line in access.export(what.value) if line)
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(to.open("wb")) if to else sys.stdout.buffer
            if form is Format.json:
                out.writelines(line + b"\n" for line in lines)
            else:
                write_table(lines, form.value, out)
            out.flush()


def report(
    name: Annotated[str, typer.Argument(help="Name of the report; none: list them.")] = "",
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Parameters, as name=value.", metavar="NAME=VALUE…")
    ] = None,
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    show_sql: Annotated[bool, typer.Option("--sql", help="Show the SQL as well.")] = False,
) -> None:
    """Run a report: `sojourn report breakdown by=channel from=2026-01-01`.

    Without a name: the reports there are, with their parameters.
    """
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        if not name:
            _list_reports(access.reports(), json)
            return
        answer = access.report(name, pairs(parameters or []))
    if json:
        print_json(answer)
        return
    if csv:
        print_csv(answer.columns, answer.rows)
        return
    print_report(answer)
    if show_sql and answer.sql:
        console.print(answer.sql, highlight=False, markup=False)


def print_report(answer: Report, columns: Sequence[str] | None = None) -> None:
    """A report as a table (only `columns` of it), the definition of its figures under it.

    A report whose first column is a sentence is a list of sentences; columns that the terminal
    has no room for are named and left out.
    """
    rows = [[short_time(value) for value in row] for row in answer.rows]
    if rows and isinstance(rows[0][0], str) and len(rows[0][0]) > SENTENCE:
        console.print(f"[bold]{answer.spec.title}[/]\n")
        for row in rows:
            console.print(f"• {row[0]}\n", highlight=False, markup=False)
        left_out = list(answer.columns[1:])
    else:
        wanted = [name for name in columns or answer.columns if name in answer.columns]
        places = [list(answer.columns).index(name) for name in wanted]
        shown = fitting(wanted, [[row[place] for place in places] for row in rows])
        print_table(
            wanted[:shown],
            [[row[place] for place in places[:shown]] for row in rows],
            title=answer.spec.title,
        )
        left_out = wanted[shown:]
    if columns is None:
        if left_out:
            console.print(f"[dim]Also (--json, --csv): {', '.join(left_out)}[/]", highlight=False)
        console.print(f"[dim]{answer.spec.definition}[/]", highlight=False)


def pairs(parameters: list[str]) -> dict[str, str]:
    """`name=value` texts as a mapping. Raises `InvalidSettings` for one without `=`."""
    given = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise InvalidSettings(f"'{parameter}' is no parameter; write name=value")
        given[name] = value
    return given


def _list_reports(specs: list[ReportSpec], json: bool) -> None:
    if json:
        print_json(specs)
        return
    shared = _shared(specs)
    print_table(
        ("report", "what it tells", "its own parameters"),
        [
            (s.name, s.definition, ", ".join(p.name for p in s.parameters if p.name not in shared))
            for s in specs
        ],
        title="Reports",
    )
    console.print("Filters, for every report: " + ", ".join(sorted(shared)))


def _shared(specs: list[ReportSpec]) -> set[str]:
    """Parameters that most reports have: the filters."""
    counted = Counter(p.name for spec in specs for p in spec.parameters)
    return {name for name, times in counted.items() if 2 * times > len(specs)}


def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT; see `sojourn sql 'SHOW TABLES'`.")],
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Ask the warehouse in SQL (DuckDB's dialect), read-only."""
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        answer = access.sql(statement)
    if json:
        for row in answer["rows"]:
            print_json(dict(zip(answer["columns"], row, strict=True)))
    else:
        print_table(answer["columns"], answer["rows"])


def status(data_dir: DataDir = None, config: Config = None, json: AsJson = False) -> None:
    """Show how each part is doing: sources, readers of the log, destinations."""
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        answer = access.status()
    if json:
        print_json(answer)
        return
    for alert in answer.pop("alerts"):
        console.print(f"[bold red]Alert:[/] {escape(alert['text'])}\n", highlight=False)
    answer["disk"] = {
        name.removesuffix("_bytes"): format_size(value)
        for name, value in answer["disk"].items()
        if value is not None
    }
    answer["warehouse"].pop("tables", None)  # `sojourn warehouse status` has them
    for section, value in answer.items():
        rows = _as_rows(value)
        if rows:
            columns = list(rows[0])
            print_table(columns, [[row.get(c) for c in columns] for row in rows], section.title())


def _as_rows(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return value
    if value and all(isinstance(entry, dict) for entry in value.values()):
        return [
            {"name": name}
            | {k: seconds_as_text(v) if k == "seconds" else v for k, v in entry.items()}
            for name, entry in value.items()
        ]
    return [value] if value else []
