"""The tables are a pure function of the set of events: order, copies and batches do not matter."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sojourn.core.source import Source
from sojourn.insights import paths
from sojourn.insights.sessions import SessionModel

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = 60
SECONDS_ID = 1772323200
IDS: list[Any] = [
    "absent", None, -1, 0, "undefined", 12, SECONDS_ID, SECONDS_ID * 1000, SECONDS_ID * 1000 + 700,
    SECONDS_ID * 1000 + 5_000_000, "a-session-of-the-caller", 10**20,
]  # fmt: skip


def sources(source_id: str) -> Source:
    return Source(
        source_id, source_id, "key", timeout_ms=30 * MINUTE * 1000, max_length_ms=2 * 3600_000
    )


def iso(seconds: float) -> str:
    return (
        (START + timedelta(seconds=seconds))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


@st.composite
def event(draw: st.DrawFn) -> dict[str, Any]:
    happened = draw(st.integers(0, 16)) * 13 * MINUTE + draw(st.sampled_from([0, 0, 1, 30, 61]))
    delay = draw(st.sampled_from([0, 0, 1, 4000, 90000]))
    session_id = draw(st.sampled_from(IDS))
    context: dict[str, Any] = {}
    if session_id != "absent":
        context["sessionId"] = session_id
        if draw(st.booleans()):
            context["sessionStart"] = True
    kind = draw(st.sampled_from(["page", "track", "identify", "screen"]))
    if draw(st.booleans()):
        context["page"] = {"url": f"https://shop.example/{draw(st.integers(0, 2))}?utm_source=mail"}
    found: dict[str, Any] = {
        "type": kind,
        "messageId": f"m{draw(st.integers(0, 40))}",
        "originalTimestamp": iso(happened),
        "timestamp": iso(happened),
        "sentAt": iso(happened + delay),
        "receivedAt": iso(happened + delay),
        "userId": draw(st.sampled_from(["", "", "ann", "bob"])),
        "context": context,
    }
    if draw(st.integers(0, 5)):
        found["anonymousId"] = draw(st.sampled_from(["v1", "v1", "v2"]))
    if kind == "track":
        found["event"] = draw(st.sampled_from(["Order Completed", "Page Unloaded", "App Crashed"]))
        found["properties"] = {"revenue": 0.1, "visitDuration": 5000}
    return found


TABLES = ("sessions", "session_events", "session_paths", "path_kinds")


def rows(connection: Any, tables: tuple[str, ...] = TABLES) -> list[list[Any]]:
    return [
        connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables
    ]


def tables(batches: list[list[dict[str, Any]]]) -> list[list[Any]]:
    with duckdb.connect() as connection:
        model = SessionModel(sources)
        for batch in batches:
            connection.execute("BEGIN")
            model.update(connection, "shop", batch)
            connection.execute("COMMIT")
        found = rows(connection)
        for table in TABLES[2:]:
            connection.execute(f"DROP TABLE {table}")
        paths.prepare(connection)
        assert rows(connection) == found, "the index is not what a full build gives"
        return found


@given(st.lists(event(), min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_any_order_any_copies_and_any_batches_give_the_same_tables(
    events: list[dict[str, Any]], chance: random.Random
) -> None:
    expected = tables([events])
    again = events + chance.sample(events, len(events) // 3)
    chance.shuffle(again)
    batches: list[list[dict[str, Any]]] = [[]]
    for one in again:
        batches[-1].append(one)
        if chance.random() < 0.3:
            batches.append([])
    assert tables(batches) == expected
