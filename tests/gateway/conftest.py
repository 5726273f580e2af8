from __future__ import annotations

import base64
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from sojourn.core.envelope import RequestMeta, unpack_request
from sojourn.core.ports import RAW, EventLog
from sojourn.core.source import Source
from sojourn.gateway import Gateway
from sojourn.log import MemoryLog
from sojourn.log.clock import WallClock

KEY = "2aKmXy0write"
SOURCES = {
    KEY: Source("src_1", "My site", KEY),
    "off": Source("src_2", "Switched off", "off", enabled=False),
    "kéy✓": Source("src_3", "Odd key", "kéy✓"),
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def basic(key: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{key}:{password}".encode()).decode()


class Server:
    """A gateway behind a real uvicorn on a free port."""

    def __init__(self, app: Gateway, log: EventLog) -> None:
        self.app = app
        self.log = log
        config = uvicorn.Config(
            app, port=0, log_level="critical", access_log=False, ws="none", proxy_headers=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self._server.started)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 10,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def post(self, path: str, body: Any, key: str | None = KEY, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["Authorization"] = basic(key)
        return self.request("POST", path, body, named)

    def socket(self, timeout: float = 5) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def exchange(self, data: bytes, timeout: float = 5, leave: bool = False) -> bytes:
        """Send bytes and read until the server closes; `leave`: say that no more will come."""
        with self.socket(timeout) as connection:
            connection.sendall(data)
            if leave:
                connection.shutdown(socket.SHUT_WR)
            return read_to_end(connection)

    def stored(self) -> list[tuple[RequestMeta, bytes]]:
        """The raw stream of a `MemoryLog`."""
        assert isinstance(self.log, MemoryLog)
        return [unpack_request(entry.value) for entry in self.log.partitions(RAW)[0]]


def read_to_end(connection: socket.socket) -> bytes:
    data = b""
    while True:
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not chunk:
            return data
        data += chunk


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


@contextmanager
def serving(log: EventLog | None = None, **options: Any) -> Iterator[Server]:
    log = log or MemoryLog()
    server = Server(Gateway(SOURCES.get, log, WallClock(), **options), log)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _shared_server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def server(_shared_server: Server) -> Server:
    """A server whose log is empty at the start of each test."""
    assert isinstance(_shared_server.log, MemoryLog)
    _shared_server.log.partitions(RAW)[0].clear()
    return _shared_server
