"""All commands, put together."""

from __future__ import annotations

import typer

from sojourn.cli import (
    accounts,
    configuration,
    dead_letters,
    forgetting,
    importing,
    mcp,
    reading,
    saved,
    sending,
    serving,
    sessions,
    warehouse,
)

app = typer.Typer(
    name="sojourn",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Session tracking for web sites, apps and Python programs.

Start with `sojourn serve --demo --open-console`, open the printed URL, then look at
`sojourn sessions`. Every command explains itself with `--help`.""",
)
app.command()(serving.serve)
app.command()(serving.demo)
app.command()(serving.gateway)
app.add_typer(sessions.app)
app.command()(sessions.session)
app.command()(reading.export)
app.command()(reading.report)
app.command()(reading.sql)
app.command()(reading.status)
app.add_typer(warehouse.app)
app.command(name="import")(importing.import_history)
app.add_typer(dead_letters.app)
app.command()(forgetting.forget)
app.add_typer(accounts.app)
app.add_typer(saved.app)
app.command()(configuration.config)
app.command()(sending.send)
app.command()(mcp.mcp)
