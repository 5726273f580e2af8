"""`sojourn serve`: gateway, processor, warehouse and console in one process."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from sojourn.app.collector import calm_collector
from sojourn.app.data_directory import DataDirectory, RunningServer
from sojourn.app.faces import build_console, everything_but_events
from sojourn.app.platform import Platform
from sojourn.console import Console
from sojourn.core.errors import InvalidSettings
from sojourn.gateway import Gateway, Limits
from sojourn.settings import Configuration

GRACE_S = 10
"""How long a stop waits for requests under way, seconds."""
_LAST_PORT = 65_535

Account = tuple[str, str]
"""Name and password of the account that was made at the first start."""
Ready = Callable[[Platform, RunningServer, Account | None], None]


async def serve(configuration: Configuration, ready: Ready) -> None:
    """Run until SIGINT or SIGTERM; calls `ready` once the port is open.

    Raises `DataDirectoryInUse` and `InvalidSettings` (the port is taken, …).
    """
    _check_open_console(configuration)
    directory = DataDirectory(configuration.data_dir)
    directory.lock()
    try:
        with _listen(configuration["host"], configuration["port"]) as listener:
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
    running = RunningServer(_url_of(listener), token, os.getpid())
    console = build_console(platform)
    open_console = platform.configuration["open_console"]
    account = None if open_console else console.accounts.first_start()

    def started() -> None:
        platform.directory.announce(running)
        ready(platform, running, account)

    server = _Server(
        uvicorn.Config(
            build_app(platform, console, token),
            access_log=False,
            log_config=None,
            lifespan="off",
            http="httptools",
            ws="none",
            proxy_headers=False,  # the gateway reads X-Forwarded-For itself
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_S,
            server_header=False,
            date_header=False,
        ),
        started,
        stopping=console.stop,
    )
    stop = asyncio.Event()
    background = asyncio.create_task(platform.run(stop))
    background.add_done_callback(lambda _: server.handle_exit(signal.SIGTERM, None))
    calm_collector()
    await server.serve(sockets=[listener])
    stop.set()
    await background


class _Server(uvicorn.Server):
    """A uvicorn that tells when its port is open, and whose process ends well on a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        started: Callable[[], None],
        stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._started = started
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM ask for a stop; uvicorn would raise them again at the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:  # every interface: this machine is one of them
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def build_app(platform: Platform, console: Console, token: str) -> Gateway:
    """The whole HTTP face: the gateway first, everything else behind it."""
    options = platform.configuration.options
    platform.gateway = Gateway(
        platform.sources.by_write_key,
        platform.log,
        platform.clock,
        Limits(request_bytes=options["max_request_size"], events_per_minute=options["rate_limit"]),
        fallback=everything_but_events(platform, console, token),
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


def _listen(host: str, port: int) -> socket.socket:
    if port > _LAST_PORT:
        raise InvalidSettings(f"port is {port}; ports are 0 to {_LAST_PORT}, 0 takes a free one")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InvalidSettings(
            f"port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}); "
            "choose another with --port, or 0 for any free one"
        ) from None


def configure_logging(level: str) -> None:
    """Log to standard error. Raises `InvalidSettings` for a level that does not exist."""
    names = logging.getLevelNamesMapping()
    if level.upper() not in names:
        raise InvalidSettings(f"log_level is '{level}'; it must be debug, info, warning or error")
    logging.basicConfig(
        level=names[level.upper()], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
