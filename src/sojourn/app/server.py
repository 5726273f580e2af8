"""`sojourn serve`: gateway, processor, warehouse and console in one process."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable

from sojourn.app.collector import calm_collector
from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.app.faces import build_console, everything_but_events
from sojourn.app.footprint import go_without_pandas
from sojourn.app.listening import Server, listen, url_of
from sojourn.app.platform import Platform
from sojourn.console import Console
from sojourn.core.errors import InvalidSettings
from sojourn.gateway import Gateway, Limits
from sojourn.settings import Configuration

Account = tuple[str, str]
"""Name and password of the account that was made at the first start."""
Ready = Callable[[Platform, RunningServer, Account | None], None]


async def serve(configuration: Configuration, ready: Ready) -> None:
    """Run until SIGINT or SIGTERM; calls `ready` once the port is open.

    Raises `DataDirectoryInUse` and `InvalidSettings` (the port is taken, …).
    """
    _check_open_console(configuration)
    go_without_pandas()
    directory = DataDirectory(configuration.data_dir)
    directory.lock()
    try:
        with listen(configuration["host"], configuration["port"]) as listener:
            platform = Platform(configuration, directory)
            try:
                await _serve(platform, listener, ready)
            finally:
                await platform.close()
    finally:
        directory.release()


async def _serve(platform: Platform, listener: socket.socket, ready: Ready) -> None:
    platform.deliveries.check()
    platform.warehouses.open()
    token = secrets.token_urlsafe(24)
    running = RunningServer(url_of(listener), token, os.getpid())
    console = build_console(platform)
    open_console = platform.configuration["open_console"]
    account = None if open_console else console.accounts.first_start()

    def started() -> None:
        platform.directory.announce(running)
        ready(platform, running, account)

    server = Server(build_app(platform, console, token), started, stopping=console.stop)
    stop = asyncio.Event()
    background = asyncio.create_task(platform.run(stop))
    background.add_done_callback(lambda _: server.handle_exit(signal.SIGTERM, None))
    calm_collector()
    await server.serve(sockets=[listener])
    stop.set()
    await background


def build_app(platform: Platform, console: Console, token: str) -> Gateway:
    """The whole HTTP face: the gateway first, everything else behind it."""
    options = platform.configuration.options
    platform.gateway = Gateway(
        platform.sources.by_write_key,
        platform.log,
        platform.clock,
        Limits(request_bytes=options["max_request_size"], events_per_minute=options["rate_limit"]),
        fallback=everything_but_events(platform, console, token),
        suppressed=platform.suppressions,
        alerts=lambda: [alert.name for alert in platform.disk.alerts],
    )
    return platform.gateway


def _check_open_console(configuration: Configuration) -> None:
    host = configuration["host"]
    if configuration["open_console"] and not _is_loopback(host):
        raise InvalidSettings(
            f"open_console lets everybody in, and {host} is not loopback; leave one of the two out"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: where it leads may change
        return False


def configure_logging(level: str) -> None:
    """Log to standard error. Raises `InvalidSettings` for a level that does not exist."""
    names = logging.getLevelNamesMapping()
    if level.upper() not in names:
        raise InvalidSettings(f"log_level is '{level}'; it must be debug, info, warning or error")
    logging.basicConfig(
        level=names[level.upper()], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
