"""`sojourn forget`: delete people, here and at every destination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sojourn.app.erasure.jobs import Order, Receipt
from sojourn.app.erasure.reaching import Forgetting, open_forgetting
from sojourn.cli.options import AsJson, Config, DataDir, read_configuration
from sojourn.cli.output import console, print_json, print_table
from sojourn.core.errors import InvalidSettings

BY = "command line"


def forget(
    user_id: Annotated[
        list[str] | None,
        typer.Option("--user-id", help="Whom to forget; repeat it for several.", metavar="U"),
    ] = None,
    anonymous_id: Annotated[
        list[str] | None,
        typer.Option(
            "--anonymous-id",
            help="A device: its events without a user go as well, whoever else used it.",
            metavar="A",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source", help="Only in this source (name or id). Default: all.", metavar="S"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted; delete nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    receipts: Annotated[
        bool, typer.Option("--receipts", help="List the receipts of all erasures instead.")
    ] = False,
    data_dir: DataDir = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Delete people: their events, sessions and rows here, in every warehouse and destination.

    Their new events are thrown away from now on, answered with 200. Events without a user go too
    if they come from a device that nobody else has used. Works with and without a running server;
    an erasure that is cut short goes on at the next start. It cannot be undone.

    Try `--dry-run` first. At the end there is a receipt, which names people by the SHA-256 of
    their user id only; `--receipts` lists all of them.
    """
    configuration = read_configuration(config, data_dir=data_dir)
    with open_forgetting(configuration) as forgetting:
        if receipts:
            _list(forgetting.receipts(), json)
            return
        users = [{"userId": one} for one in user_id or ()]
        order = Order(users, source or (), anonymous_id or (), by=BY)
        if dry_run:
            _preview(forgetting, order, json)
            return
        if not yes:
            _ask(forgetting, order, json)
        progress = forgetting.forget(order)
        last = _last(progress) if json else _watched(progress)
    _finish(last, json)


def _preview(forgetting: Forgetting, order: Order, json: bool) -> None:
    found = forgetting.preview(order)
    if json:
        print_json(found)
    else:
        _show_preview(found)


def _ask(forgetting: Forgetting, order: Order, json: bool) -> None:
    """Show what would go, and end here unless that is wanted."""
    if json:
        raise InvalidSettings("--json asks nobody; add --yes, or --dry-run to look first")
    _preview(forgetting, order, json)
    if not typer.confirm("Delete all of this? It cannot be undone."):
        raise typer.Exit(1)


def _finish(last: Mapping[str, Any], json: bool) -> None:
    if "receipt" not in last:
        if json:
            print_json(last)
        else:
            console.print(
                f"Not finished: {last.get('waits', 'it was interrupted')}. Erasure {last['job']} "
                "goes on with the server, or with the next `sojourn forget`.",
                markup=False, highlight=False,
            )  # fmt: skip
        raise typer.Exit(1)
    if json:
        print_json(last["receipt"])
    else:
        _show(msgspec.convert(last["receipt"], Receipt))
    if not last["receipt"]["complete"]:
        raise typer.Exit(1)


def _last(progress: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for one in progress:
        last = dict(one)
    return last


def _watched(progress: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    """The last progress, after a bar."""
    last: dict[str, Any] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("waiting", total=1.0)
        for one in progress:
            last = dict(one)
            bar.update(task, description=str(last["step"]).capitalize(), completed=last["done"])
    return last


def _show_preview(found: Mapping[str, Any]) -> None:
    rows = [("log", name, count) for name, count in found["log"].items()]
    rows += [("tables", name, count) for name, count in found["tables"].items()]
    rows += [("warehouse", name, None) for name in found["warehouses"]]
    rows += [("destination", name, None) for name in found["destinations"]]
    print_table(("where", "what", "count"), rows, title="Would be deleted")
    console.print(
        f"{found['devices']} devices were used by nobody else. Warehouses and destinations are "
        "counted when they delete.", highlight=False,
    )  # fmt: skip


def _show(receipt: Receipt) -> None:
    rows: list[Sequence[Any]] = []
    for place in receipt.places:
        counts = place.deleted.items() if place.deleted else [("nothing", 0)]
        state = place.state if place.state == "done" else f"{place.state}: {place.reason}"
        rows += [(place.kind, place.name, what, count, state) for what, count in counts]
    print_table(("where", "name", "what", "deleted", "state"), rows, title=f"Erasure {receipt.id}")
    for user in receipt.users:
        console.print(f"User id with the SHA-256 {user}", highlight=False)
    if not receipt.complete:
        console.print("Not complete: see the state of each place above.", highlight=False)
    elif receipt.users:
        console.print("Their new events are thrown away from now on.", highlight=False)


def _list(receipts: Sequence[Receipt], json: bool) -> None:
    if json:
        for receipt in receipts:
            print_json(receipt)
        return
    rows = [
        (
            one.id,
            _moment(one.finished_at),
            one.by,
            len(one.users),
            sum(count for place in one.places for count in place.deleted.values()),
            one.complete,
        )
        for one in receipts
    ]
    columns = ("id", "finished", "by", "users", "deleted", "complete")
    print_table(columns, rows, title="Erasures")


def _moment(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
