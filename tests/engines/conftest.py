"""A history of generated visitors and of every odd case, as the embedded DuckDB has it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sojourn.core.source import Source
from sojourn.insights.sessions import SessionModel
from sojourn.testing.visitors import visitors
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.session_feed import SessionFeed

START = datetime(2026, 3, 2, tzinfo=UTC)
SID = int(START.timestamp() * 1000)
HOUR_MS = 3_600_000
SOURCES = {
    "shop": Source("shop", "Shop", "key"),
    "odd": Source("odd", "Odd Ones", "key2", timeout_ms=1_800_000, max_length_ms=4 * HOUR_MS),
}
IDS: list[Any] = [
    ..., ..., None, -1, 0, "undefined", 12, SID, SID // 1000, SID + 5_000, SID + 20 * HOUR_MS,
    "a-session-of-the-caller", 10**20,
]  # fmt: skip


def iso(seconds: float) -> str:
    moment = START + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(number: int, at: float, sid: Any, who: str | None, **more: Any) -> dict[str, Any]:
    received = iso(at + more.pop("delay", 0))
    context = {"page": {"url": f"https://shop.example/{number % 5}?utm_source=mail{number % 3}"}}
    if sid is not ...:
        context |= {"sessionId": sid, "sessionStart": number % 3 == 0}
    return {
        "type": "page", "messageId": f"{'mM'[number % 2]}{number}", "anonymousId": who,
        "originalTimestamp": iso(at), "timestamp": iso(at), "sentAt": received,
        "receivedAt": received, "context": context, **more,
    }  # fmt: skip


def odd_events(count: int) -> Iterator[dict[str, Any]]:
    """Reused and unusable ids, ids in seconds, sibling tabs, changes of user, events of the same
    moment, late ones, sessions of days, texts that languages sort in other ways than bytes."""
    chance = random.Random(7)
    for number in range(count):
        more: dict[str, Any] = {"userId": chance.choice(["", "", "", "ann", "Bob", "émile"])}
        more["type"] = kind = chance.choice(["page", "page", "track", "identify", "screen"])
        if kind == "track":
            more["event"] = chance.choice(["Order Completed", "Page Unloaded", "App Crashed"])
            more["properties"] = {
                "revenue": chance.choice([0.1, 19.995, -3, 1.00015]), "visitDuration": 5000,
                "nonInteraction": chance.random() < 0.3,
            }  # fmt: skip
        more["delay"] = chance.choice([0, 0, 2, 7200, 90_000])
        at = chance.randint(0, 250) * 400 + chance.choice([0, 0, 0.5, 31.25])
        who = chance.choice([None, *(f"v{n}" for n in range(25))])
        yield event(number, at, chance.choice(IDS), who, **more)


def robot(count: int) -> Iterator[dict[str, Any]]:
    """One session without a pause, far longer than any may be."""
    for number in range(count):
        yield event(100_000 + number, 60_000 + number * 900, SID + 1, "robot")


def sibling_tabs(visits: int) -> Iterator[dict[str, Any]]:
    """Tabs that rotate side by side, and ids that a caller chose."""
    for number in range(visits):
        begin = number * 7200
        for step in range(6):
            sid = SID + begin * 1000 + 4000 * (step % 2)
            yield event(200_000 + number * 10 + step, begin + step * 5, sid, "tabs")
        yield event(200_009 + number * 10, begin + 300, 1_234_567_890_123 + number, "tabs")


@pytest.fixture(scope="session")
def embedded() -> Iterator[DuckDBTables]:
    """The embedded warehouse with the history: some 3,000 events."""
    model = SessionModel(SOURCES.get)
    tables = DuckDBTables(None, SOURCES.get, SessionFeed(model))
    history = visitors(seed=4, people=60, days=4, now_ms=SID + 96 * HOUR_MS)
    with tables.cursor() as cursor:
        cursor.execute("BEGIN")
        shop = [event for sending in history for event in sending.processed()]
        SessionFeed(model).update(cursor, "shop", shop)
        SessionFeed(model).update(
            cursor, "odd", [*odd_events(1500), *robot(140), *sibling_tabs(20)]
        )
        cursor.execute("COMMIT")
    yield tables
    tables.close()


Rows = dict[str, list[tuple[Any, ...]]]
PLACED = "source_id, message_id, session_key, event_index, gap"
"""What a rebuild says of each event, after what tells it apart."""


@pytest.fixture(scope="session")
def expected(embedded: DuckDBTables) -> Rows:
    """The rows of both tables as the embedded DuckDB made them, in order."""
    sessions = embedded.query("SELECT * FROM sessions ORDER BY session_key").to_pylist()
    events = embedded.query(f"SELECT {PLACED} FROM session_events ORDER BY 1, 2").to_pylist()
    repairs = {word for row in sessions for word in (row["repairs"] or "").split(",")}
    reasons = {row["start_reason"] for row in sessions}
    assert {"split_gap", "split_user", "split_length", "siblings_merged", "id_joined"} <= repairs
    assert {
        "first_event",
        "timeout",
        "inferred",
        "user_change",
        "cut_off",
        "reset",
        "manual",
    } <= reasons
    return {
        "columns": [(name,) for name in sessions[0]],
        "sessions": [plain(row.values()) for row in sessions],
        "session_events": [plain(row.values()) for row in events],
    }


def plain(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values of whatever engine as ours: times in UTC without saying so, decimals as floats."""
    return tuple(_plain(value) for value in values)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return float(value) if isinstance(value, Decimal) else value


@pytest.fixture(scope="session")
def same() -> Callable[[Rows, Rows], None]:
    """Compares two sets of rows; what differs is named by its column."""

    def compare(found: Rows, expected: Rows) -> None:
        names = [name for (name,) in expected["columns"]]
        assert len(found["sessions"]) == len(expected["sessions"])
        for one, other in zip(map(plain, found["sessions"]), expected["sessions"], strict=True):
            differing = {n: (a, b) for n, a, b in zip(names, one, other, strict=True) if a != b}
            assert differing == {}
        assert [plain(row) for row in found["session_events"]] == expected["session_events"]

    return compare
