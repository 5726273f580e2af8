"""`sojourn warehouse`: what is in the tables, and loading them anew."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from sojourn.app.access import open_access
from sojourn.app.clock import moment_of
from sojourn.app.data_directory import DataDirectory
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table

app = typer.Typer(
    name="warehouse", no_args_is_help=True, help="The tables: state, schema, replay of raw events."
)

Moment = Annotated[str, typer.Option(help="ISO date or time, UTC; empty: no bound.")]


@app.command()
def status(data_dir: DataDir = None, config: Config = None, json: AsJson = False) -> None:
    """Show how far the warehouse is behind, and its tables with their sizes."""
    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        answer = access.status()
    tables = answer["warehouse"]["tables"]
    if json:
        print_json({"reader": answer["readers"]["warehouse"], "tables": tables})
        return
    lag = answer["readers"]["warehouse"]
    console.print(
        f"To be loaded: {lag['entries']} log entries, the oldest {lag['seconds']:.1f} s old.",
        highlight=False,
    )
    rows = [(name, table["rows"], table["columns"]) for name, table in tables.items()]
    print_table(("table", "rows", "columns"), rows, title="Tables")


@app.command()
def schema(data_dir: DataDir = None, config: Config = None, json: AsJson = False) -> None:
    """List every table's columns with their types."""
    from sojourn.warehouse.description import COLUMNS_QUERY

    with open_access(read_configuration(config, data_dir=data_dir)) as access:
        answer = access.sql(COLUMNS_QUERY)
    if json:
        for row in answer["rows"]:
            print_json(dict(zip(answer["columns"], row, strict=True)))
    else:
        print_table(answer["columns"], answer["rows"])


@app.command()
def sync(data_dir: DataDir = None, config: Config = None) -> None:
    """Load everything that is in the log now. A running server does so by itself."""
    configuration = read_configuration(config, data_dir=data_dir)
    with console.status("Loading …"), open_access(configuration) as access:
        lag = access.status()["readers"]["warehouse"]
    if lag["entries"]:
        console.print(f"The server is loading; {lag['entries']} log entries to go.")
    else:
        console.print("Everything in the log is in the warehouse.")


@app.command()
def replay(
    into: Annotated[Path, typer.Argument(help="DuckDB file to load; made if it is not there.")],
    since: Moment = "",
    until: Moment = "",
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Load a stretch of the raw events into another warehouse, from the log as it is.

    Works beside a running server. Loading the same stretch again changes nothing.
    """
    from sojourn.app.replay import replay as run_replay
    from sojourn.app.separate import separate_tables

    configuration = read_configuration(config, data_dir=data_dir)
    directory = DataDirectory(configuration.data_dir)
    bounds = _moment("--since", since, 0), _moment("--until", until, 1 << 62)

    async def run() -> int:
        async with separate_tables(configuration, directory, into) as (log, tables, clock):
            with Progress(
                SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
                console=console, transient=True,
            ) as progress:  # fmt: skip
                task = progress.add_task("Replaying …")

                def show(events: int, at: int) -> None:
                    day = datetime.fromtimestamp(at / 1000, UTC).date()
                    progress.update(task, description=f"Replaying … {events:,} events, {day}")

                return await run_replay(log, tables, clock, *bounds, show)

    events = asyncio.run(run())
    console.print(f"{events:,} events are in {into}.", highlight=False)


@app.command()
def models(
    warehouse: Annotated[
        str, typer.Argument(help="Name of a configured warehouse.", metavar="[NAME]")
    ] = "",
    dialect: Annotated[
        str, typer.Option(help="postgres, spark, databricks, snowflake, bigquery, …")
    ] = "",
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Run them there (PostgreSQL), in one transaction.")
    ] = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Print the session models as a script that a warehouse runs; with --rebuild, run them.

    They make all sessions anew from the warehouse's own `session_events`, by the rules in force.
    """
    from sojourn.app.warehouse_models import models_script, rebuild_in

    configuration = read_configuration(config, data_dir=data_dir)
    if not rebuild:
        sys.stdout.write(models_script(configuration, warehouse, dialect))
        return
    with console.status("Making the sessions anew …"):
        made = rebuild_in(configuration, warehouse)
    console.print(
        f"{made.sessions:,} sessions of {made.events:,} events in {warehouse}.", highlight=False
    )


def _moment(option: str, text: str, default: int) -> int:
    return int(moment_of(option, text).timestamp() * 1000) if text else default
