"""A data plane of the tests' own: a real server on loopback that can misbehave in every way."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sojourn import AppInfo, Client, Delivery, MemoryStore

SRC = Path(__file__).parents[2] / "src"


class Stub:
    """Answers as `answers` says, in order, then as `default`; keeps what it accepted.

    An answer is a status, a tuple (status, headers, text), or one of `hang`, `reset`, `close`,
    `lose` (take the events, then cut the connection), or a callable of the request.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.answers: list[Any] = []
        self.default: Any = 200
        self.requests: list[dict[str, Any]] = []
        self.accepted: list[dict[str, Any]] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def ids(self) -> list[str]:
        """The message ids of what was accepted, in order."""
        return [event["messageId"] for event in self.accepted]

    @property
    def names(self) -> list[str]:
        """The names of what was accepted, or the types."""
        return [event.get("event") or event["type"] for event in self.accepted]

    def last(self, client: Client) -> dict[str, Any]:
        """The last event of this client, once it has arrived."""
        assert client.flush()
        return self.accepted[-1]

    def lost(self, sent: list[str]) -> int:
        """How many of these message ids did not arrive."""
        return len(set(sent) - set(self.ids))

    @property
    def doubled(self) -> int:
        return sum(count - 1 for count in Counter(self.ids).values())

    def stop(self) -> None:
        self._released.set()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:  # the client does not trust us
                return
        with connection, connection.makefile("rb") as stream:
            try:
                while self._one(connection, stream):
                    pass
            except OSError:
                pass

    def _one(self, connection: socket.socket, stream: Any) -> bool:
        line = stream.readline()
        if not line:
            return False
        headers: dict[str, str] = {}
        while (header := stream.readline().strip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        batch = json.loads(raw)["batch"]
        request = {"line": line.decode().strip(), "headers": headers, "batch": batch, "raw": raw}
        with self._lock:
            self.requests.append(request)
            answer = self.answers.pop(0) if self.answers else self.default
        return self._answer(connection, request, answer(request) if callable(answer) else answer)

    def _answer(self, connection: socket.socket, request: dict[str, Any], answer: Any) -> bool:
        if answer == "hang":
            self._released.wait(60)
            return False
        if answer == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return False
        if answer in ("close", "lose"):
            if answer == "lose":
                self._keep(request)
            return False
        status, extra, text = answer if isinstance(answer, tuple) else (answer, {}, "ok")
        if 200 <= status < 300:
            self._keep(request)
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(text)}"]
        lines += [f"{name}: {value}" for name, value in extra.items()]
        connection.sendall("\r\n".join([*lines, "", text]).encode())
        return True

    def _keep(self, request: dict[str, Any]) -> None:
        with self._lock:
            self.accepted.extend(request["batch"])


@pytest.fixture(scope="session")
def playing() -> Any:
    """The module `playing.py` beside this file."""
    spec = importlib.util.spec_from_file_location("playing", Path(__file__).parent / "playing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub()
    yield server
    server.stop()


@pytest.fixture
def dead_url() -> str:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def wait_until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Poll until the condition holds, or fail."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def eventually() -> Callable[..., None]:
    return wait_until


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a Python program that uses the SDK; `argv` follow in `sys.argv`."""

    def run(
        code: str, *argv: object, check: int | None = 0, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "program.py"
        file.write_text(code)
        environment = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONWARNINGS": "error"}
        done = subprocess.run(
            [sys.executable, str(file), *map(str, argv)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            **more,
        )
        if check is not None:
            assert done.returncode == check, done.stderr
        return done

    return run


START = 1_795_516_770_000


class Clock:
    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(stub: Any, clock: Clock) -> Iterator[Client]:
    c = Client("key", stub.url, strict=True, clock=clock, delivery=Delivery(interval=0.01))
    yield c
    c.close()


@pytest.fixture
def desktop(stub: Any, clock: Clock) -> Iterator[Client]:
    c = Client(
        "key",
        stub.url,
        profile="desktop",
        storage=MemoryStore(),
        app=AppInfo("Shop", "1.2", 7),
        strict=True,
        clock=clock,
        delivery=Delivery(interval=0.01),
    )
    yield c
    c.close()


@pytest.fixture
def client(stub: Any) -> Iterator[Client]:
    c = Client("key", stub.url, strict=True, delivery=Delivery(interval=0.01))
    yield c
    c.close()


@pytest.fixture
def serve_wsgi() -> Iterator[Callable[[Any], str]]:
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    servers = []

    def serve(app: Any) -> str:
        server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
