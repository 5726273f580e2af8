"""Events by hand, and a warehouse with the session model over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sojourn.core.source import Source
from sojourn.insights.reports import Reports
from sojourn.insights.sessions import SessionModel

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
SID = int(START.timestamp() * 1000)
MINUTE, HOUR, DAY = 60, 3600, 86400
Event = dict[str, Any]


def iso(seconds: float) -> str:
    moment = START + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Events:
    """Makes events; every one gets a message id of its own."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(
        self, at: float, sid: Any = ..., *, who: str = "ann-device", kind: str = "page",
        delay: float = 0, **more: Any,
    ) -> Event:  # fmt: skip
        self.made += 1
        context: dict[str, Any] = dict(more.pop("context", {}))
        if sid is not ...:
            context["sessionId"] = sid
        if kind == "page":
            url = f"https://shop.example/{more.pop('page', 'home')}"
            context.setdefault("page", {"url": url})
        return {
            "type": kind,
            "messageId": f"m{self.made}",
            "anonymousId": who,
            "originalTimestamp": iso(at),
            "timestamp": iso(at),
            "sentAt": iso(at + delay),
            "receivedAt": iso(at + delay),
            "context": context,
            **more,
        }

    def track(self, at: float, name: str, sid: Any = ..., **more: Any) -> Event:
        return self(at, sid, kind="track", event=name, **more)


class Shop:
    """A warehouse in memory with one web source, and what its tables say."""

    def __init__(self, **rules: Any) -> None:
        self.connection = duckdb.connect()
        self.rules = rules
        self.model = SessionModel(self.source)
        self.model.prepare(self.connection)

    def source(self, source_id: str) -> Source:
        return Source(source_id, source_id, "key", **self.rules)

    def load(self, events: Sequence[Event], source: str = "shop") -> int:
        self.connection.execute("BEGIN")
        made = self.model.update(self.connection, source, events)
        self.connection.execute("COMMIT")
        return made

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def sessions(self, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        return self.rows(
            f"SELECT {columns} FROM sessions WHERE {where} ORDER BY start_time, session_no, part"
        )

    def tables(self) -> tuple[list[Any], list[Any]]:
        return (
            self.rows("SELECT * FROM sessions ORDER BY ALL"),
            self.rows("SELECT * FROM session_events ORDER BY ALL"),
        )

    def reports(self, at: float = 20 * DAY) -> Reports:
        now = SID + int(at * 1000)
        return Reports(self.connection.cursor, lambda: now)


@pytest.fixture
def event() -> Events:
    return Events()


@pytest.fixture
def make_shop() -> Iterator[Callable[..., Shop]]:
    made: list[Shop] = []

    def make(**rules: Any) -> Shop:
        made.append(Shop(**rules))
        return made[-1]

    yield make
    for shop in made:
        shop.connection.close()


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()


@pytest.fixture(scope="module")
def module_shop() -> Iterator[tuple[Shop, type[Events]]]:
    """A warehouse for all tests of a module, and what makes events for it."""
    shop = Shop()
    yield shop, Events
    shop.connection.close()


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The public data sets, where they are at hand; the tests' own cases do not need them."""
    for parent in Path(__file__).resolve().parents:
        found = parent.parent / "shared" / "datasets"
        if found.is_dir():
            return found
    pytest.skip("the public data sets are not here")
