"""How a server listens: the port, uvicorn, and a clean end on a signal."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from sojourn.core.errors import InvalidSettings
from sojourn.gateway import Gateway

GRACE_S = 10
"""How long a stop waits for requests under way, seconds."""
_LAST_PORT = 65_535


class Server(uvicorn.Server):
    """A uvicorn that tells when its port is open, and whose process ends well on a signal."""

    def __init__(
        self,
        app: Gateway,
        started: Callable[[], None],
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        """`started` hears when the port is open, `stopping` when a signal asks for the end."""
        config = uvicorn.Config(
            app,
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
        )
        super().__init__(config)
        self._started = started
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port."""
        await super().startup(sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End once the requests under way are answered."""
        self._stopping()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM ask for a stop; uvicorn would raise them again at the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def url_of(listener: socket.socket) -> str:
    """The URL at which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:  # every interface: this machine is one of them
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Take the port. Raises `InvalidSettings` where it cannot be used."""
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
