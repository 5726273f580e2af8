"""A console over the real reports on two weeks of simulated visitors, served on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import uvicorn

from sojourn.console import Console, ConsoleSettings
from sojourn.core.ports import Report, ReportSpec
from sojourn.core.source import Source
from sojourn.insights.reports import Reports
from sojourn.insights.sessions import SessionModel
from sojourn.log import SqliteStateStore
from sojourn.testing.visitors import visitors

NOW_MS = 1_795_520_000_000
EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


class Breakable:
    """The real reports, but one that is asked about the channel `boom` fails as a bug would."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def describe(self) -> Sequence[ReportSpec]:
        return self._reports.describe()

    def run(self, name: str, parameters: Mapping[str, str]) -> Report:
        if parameters.get("channel") == "boom":
            raise RuntimeError("boom")
        return self._reports.run(name, parameters)


def evil_events(model: dict[str, Any]) -> list[dict[str, Any]]:
    """Events of somebody who tries to get markup into the console."""
    made = []
    for number, kind in enumerate(("page", "track", "identify")):
        event = copy.deepcopy(model)
        event |= {"type": kind, "messageId": f"evil-{number}{EVIL}", "anonymousId": EVIL}
        event |= {"userId": EVIL, "event": EVIL, "name": EVIL}
        event["properties"] = {EVIL: EVIL, "element": EVIL}
        event["context"]["page"] |= {"url": f"https://evil.example/{EVIL}", "path": f"/{EVIL}"}
        event["context"]["page"] |= {"title": EVIL, "referrer": f"https://{EVIL}/"}
        event["context"]["campaign"] = {"source": EVIL, "medium": EVIL, "name": EVIL}
        made.append(event)
    return made


@pytest.fixture(scope="session")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the session model, filled."""
    sendings = list(visitors(2026, now_ms=NOW_MS))
    events = [event for sending in sendings for event in sending.processed()]
    last_page = next(one for one in reversed(events) if one["type"] == "page")
    connection = duckdb.connect(":memory:")
    model = SessionModel(lambda source: Source(source, source, "key"))
    connection.execute("BEGIN")
    model.prepare(connection)
    model.update(connection, "default", [*events, *evil_events(last_page)])
    connection.execute("COMMIT")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def reports(warehouse: duckdb.DuckDBPyConnection) -> Breakable:
    """The real reports over it."""

    @contextlib.contextmanager
    def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
        with contextlib.closing(warehouse.cursor()) as one:
            yield one

    return Breakable(Reports(cursor, lambda: NOW_MS))


def fake_status() -> dict[str, Any]:
    return {
        "sources": [
            {"id": "default", "name": "default", "platform": "web", "events": 16851},
            {"id": "app", "name": EVIL, "platform": "ios", "enabled": False},
        ],
        "readers": {
            "processor": {"entries": 0, "seconds": 0.0},
            "warehouse": {"entries": 12, "seconds": 0.4},
        },
        "destinations": [
            {"name": "hook", "lag_entries": 3, "lag_seconds": 1.5, "delivered": 900, "dead": 2},
            {"name": "broken", "delivered": 0, "last_error": EVIL},
        ],
        "warehouse": {"tables": {"tracks": {"rows": 6000}, EVIL: {"rows": 1}}, "path": "w.duckdb"},
    }


class Clock:
    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms


class Visitor(httpx.Client):
    """A client that can fill in forms."""

    def token(self, path: str = "/login") -> str:
        """The token that the forms of this page carry."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]


# One context for all clients: making one takes longer than most tests.
NO_TLS = ssl.create_default_context()


@dataclass
class Served:
    """A console on a port of its own."""

    console: Console
    url: str
    clock: Clock
    password: str
    done: list[str] = field(default_factory=list)

    def client(self, **more: Any) -> Visitor:
        """A client of this console."""
        return Visitor(base_url=self.url, timeout=60, verify=NO_TLS, **more)

    @contextlib.contextmanager
    def log_in(self, name: str, password: str) -> Iterator[Visitor]:
        """A client that is logged in."""
        with self.client() as one:
            fields = {"name": name, "password": password, "csrf": one.token()}
            answer = one.post("/login", data={**fields, "next": "/settings"})
            assert answer.status_code == 303, answer.text
            assert answer.headers["location"] == "/settings"
            yield one


@contextlib.contextmanager
def serve(path: Path, reports: Any, settings: ConsoleSettings) -> Iterator[Served]:
    clock = Clock()
    store = SqliteStateStore(path / "state.db", clock)
    done: list[str] = []

    def replay(given: Mapping[str, str]) -> str:
        done.append(given["destination"])
        return f"replayed {given['destination']}"

    events = [{"at": NOW_MS, "source": "default", "type": "track", "name": EVIL, "error": EVIL}]
    console = Console(
        reports,
        fake_status,
        settings,
        store,
        clock,
        write_key=lambda source: "secret-key-1",
        recent_events=lambda: events,
        operations={"replay": replay, "forget": lambda given: f"forgot {given['user']}"},
    )
    made = console.accounts.first_start()
    assert made is not None
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(console, lifespan="off", log_config=None, timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield Served(console, url, clock, made[1], done)
    finally:
        console.stop()
        server.should_exit = True
        thread.join(10)
        listener.close()
        store.close()


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory, reports: Any) -> Iterator[Served]:
    """A console with a login."""
    with serve(tmp_path_factory.mktemp("closed"), reports, ConsoleSettings()) as served:
        yield served


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory, reports: Any) -> Iterator[Served]:
    """A console that is open to this machine."""
    settings = ConsoleSettings(open_access=True, live_interval_s=0.2)
    with serve(tmp_path_factory.mktemp("opened"), reports, settings) as served:
        yield served


@pytest.fixture(scope="module")  # while it is there, no other event loop can run here
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def serve_console(
    tmp_path: Path, reports: Any
) -> Callable[[ConsoleSettings], contextlib.AbstractContextManager[Served]]:
    """Serves one more console, with these settings."""
    return lambda settings: serve(tmp_path, reports, settings)


@pytest.fixture(scope="session")
def cookies(closed: Any) -> dict[str, httpx.Cookies]:
    """Logins that the tests share, for a hashed password takes its time."""
    passwords = {"admin": closed.password, "vera": closed.console.accounts.add("vera", "viewer")}
    made = {}
    for name, password in passwords.items():
        with closed.log_in(name, password) as one:
            made[name] = one.cookies
    return made


@pytest.fixture
def admin(closed: Any, cookies: dict[str, httpx.Cookies]) -> Iterator[Visitor]:
    with closed.client(cookies=cookies["admin"]) as one:
        yield one


@pytest.fixture
def viewer(closed: Any, cookies: dict[str, httpx.Cookies]) -> Iterator[Visitor]:
    with closed.client(cookies=cookies["vera"]) as one:
        yield one
