"""`sojourn serve`, `sojourn gateway` and `sojourn demo`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.cli.options import Config, DataDir, read_configuration
from sojourn.cli.output import console
from sojourn.core.errors import SojournError

if TYPE_CHECKING:
    from sojourn.app.demo import Demo
    from sojourn.app.platform import Platform
    from sojourn.app.sources import Sources

People = Annotated[int, typer.Option(help="How many visitors.", min=1, max=100_000)]
Days = Annotated[int, typer.Option(help="Days of history.", min=1, max=365)]


def serve(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    config: Config = None,
    open_console: Annotated[
        bool | None,
        typer.Option("--open-console", help="No login for the console; loopback only."),
    ] = None,
    play_demo: Annotated[
        bool, typer.Option("--demo", help="Play simulated visitors of a small shop as well.")
    ] = False,
) -> None:
    """Run Sojourn: gateway, processor, warehouse and console in one process.

    Point an SDK's data plane URL (and config URL) at the printed address. Stops cleanly on
    Ctrl-C; what was accepted is on disk.
    """
    import uvloop

    from sojourn.app.server import configure_logging
    from sojourn.app.server import serve as run_server

    configuration = read_configuration(
        config, data_dir=data_dir, host=host, port=port, open_console=open_console
    )
    configure_logging(configuration["log_level"])
    playing: set[asyncio.Task[None]] = set()

    def ready(platform: Platform, server: RunningServer, account: tuple[str, str] | None) -> None:
        _greet(platform, server)
        if account is not None:
            console.print("Console login, shown only now: [bold]{}[/]  {}".format(*account))
        if play_demo:
            from sojourn.app.demo import Demo  # brings an HTTP client, which takes 9 MB

            key = platform.sources.all[0].write_key
            demo = Demo(server.url, key, platform.directory.path)
            playing.add(asyncio.get_running_loop().create_task(_play_beside(demo)))

    uvloop.run(run_server(configuration, ready))


def gateway(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.")] = None,
    config: Config = None,
) -> None:
    """Take events for a `sojourn serve` on another machine, through a log on NATS.

    Any number of them may run; `sojourn serve` makes sessions of what they take. The file must
    name the same log and the same sources. Needs no data folder.
    """
    import uvloop

    from sojourn.app.gateways import serve_gateway
    from sojourn.app.server import configure_logging

    configuration = read_configuration(config, host=host, port=port)
    configure_logging(configuration["log_level"])

    def ready(url: str, sources: Sources) -> None:
        console.print(f"[bold]A gateway is running.[/]  Data plane and config URL: {url}")
        console.print("Sources: " + ", ".join(source.name for source in sources.all))

    uvloop.run(serve_gateway(configuration, ready))


def demo(
    data_dir: DataDir = None,
    config: Config = None,
    url: Annotated[str, typer.Option(help="Data plane; default: the data folder's server.")] = "",
    write_key: Annotated[str, typer.Option(help="Default: that of the first source.")] = "",
    people: People = 500,
    days: Days = 14,
    live: Annotated[bool, typer.Option(help="Go on with live traffic until Ctrl-C.")] = True,
) -> None:
    """Play simulated visitors of a small shop to a running Sojourn, over HTTP.

    Two weeks of history of web and mobile visitors, then live traffic. There is a problem
    planted in it; the console's Problems page finds it.
    """
    from sojourn.app.demo import Demo

    configuration = read_configuration(config, data_dir=data_dir)
    directory = DataDirectory(configuration.data_dir)
    note_in = None if url else directory.path
    url = url or directory.require_server().url
    write_key = write_key or directory.first_write_key(configuration)
    played = Demo(url, write_key, note_in, people=people, days=days)
    try:
        asyncio.run(_play(played, live=live))
    except KeyboardInterrupt:
        console.print("Stopped.")


async def _play_beside(demo: Demo) -> None:
    try:
        await _play(demo, live=True)
    except SojournError as error:
        console.print(f"The demo has stopped: {error}", highlight=False)


async def _play(demo: Demo, live: bool) -> None:
    with Progress(
        TextColumn("Playing the demo's history"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("history", total=None)
        sent = await demo.play_history(
            lambda done, total: progress.update(bar, completed=done, total=total)
        )
    console.print(
        f"The demo's history is in: {sent:,} events."
        if sent
        else "The demo's history was in already."
    )
    if live:
        console.print("Live visitors come and go; Ctrl-C stops.")
        await demo.play_live()


def _greet(platform: Platform, server: RunningServer) -> None:
    source = platform.sources.all[0]
    console.print(f"[bold]Sojourn is running.[/]  Console: [link={server.url}]{server.url}[/link]")
    console.print(f"Data plane and config URL for SDKs: {server.url}")
    if not platform.configuration.sources:
        console.print(f"Write key of the source '{source.name}': {source.write_key}")
    else:
        names = ", ".join(each.name for each in platform.sources.all)
        console.print(f"Sources: {names}")
    console.print(f"Data folder: {Path(platform.directory.path).resolve()}", soft_wrap=True)
