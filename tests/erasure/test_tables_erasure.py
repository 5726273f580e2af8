"""Erased tables are those that would be there if the people had never come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sojourn.app.erasure.embedded import Embedded
from sojourn.core.erasure import People
from sojourn.core.ports import Batch
from sojourn.core.source import Source
from sojourn.insights.sessions import SessionModel
from sojourn.pipeline.erasing import Eraser
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.session_feed import SessionFeed

START = 1_795_518_460_000
SOURCES = {"web": Source("web", "Web Shop", "k1"), "app": Source("app", "App", "k2", "ios")}
Event = dict[str, Any]


def iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def first_identify(message_id: str) -> Event:
    """Somebody else comes first, so that it is not the erased person who gives columns types."""
    times = dict.fromkeys(("receivedAt", "originalTimestamp", "sentAt", "timestamp"), iso(START))
    traits = {"plan": "none", "age": 1}
    ids = {"messageId": message_id, "userId": "first", "anonymousId": "first"}
    return {"type": "identify", **times, **ids, "context": {"traits": traits}}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Event]]:
    """(source id, event), in order of reception."""
    found = [(source, first_identify(f"first-{source}")) for source in SOURCES]
    at = START
    for number in range(draw(st.integers(1, 25))):
        at += draw(st.sampled_from([1_000, 60_000, 40 * 60_000, 5 * 3_600_000]))
        user = draw(st.sampled_from(["anna", "bert", " anna ", None, None]))
        device = draw(st.sampled_from(["d1", "d2", "d3", None if user else "d4"]))
        kind = draw(st.sampled_from(["track", "page", "identify", "alias"]))
        if kind in ("identify", "alias") and user is None:
            kind = "page"
        event: Event = {
            "type": kind,
            "messageId": f"m{number}",
            "receivedAt": iso(at),
            "originalTimestamp": iso(at),
            "sentAt": iso(at),
            "timestamp": iso(at),
            "rudderId": "r",
            "request_ip": "203.0.113.9",
            "context": {"page": {"path": f"/{number % 3}"}},
        }
        if draw(st.booleans()):
            event["context"]["sessionId"] = START + draw(st.sampled_from([0, 90_000]))
        event |= {"userId": user} if user else {}
        event |= {"anonymousId": device} if device else {}
        if kind == "track":
            event |= {"event": f"Thing {number % 2}", "properties": {"value": number}}
        if kind == "page":
            event |= {"name": "Home", "properties": {"path": f"/{number % 3}"}}
        if kind == "identify":
            # A boolean does not fit a column of numbers: discarded.
            odd = draw(st.sampled_from([number, "odd"]))
            event["context"]["traits"] = {"plan": f"plan {number}", "age": odd}
        if kind == "alias":
            event["previousId"] = draw(st.sampled_from(["d1", "carl", "anna"]))
        found.append((draw(st.sampled_from(["web", "app"])), event))
    return found


class Warehouse:
    """The embedded tables with their sessions, in memory."""

    def __init__(self) -> None:
        self.feed = SessionFeed(SessionModel(SOURCES.get))
        self.tables = DuckDBTables(None, SOURCES.get, self.feed)
        self.embedded = Embedded(self.tables, self.feed, SOURCES)

    def load(self, history: Sequence[tuple[str, Event]]) -> Warehouse:
        for start in range(0, len(history), 14):
            some = history[start : start + 14]
            self.tables.load([Batch(s, START, [json.dumps(event).encode()]) for s, event in some])
        return self

    def dump(self) -> dict[str, list[str]]:
        """Rows by table, without what depends on the moment, without columns of nulls only."""
        found: dict[str, list[str]] = {}
        named = self.tables.query("SELECT schema_name, table_name FROM duckdb_tables()").to_pylist()
        for schema, table in (tuple(row.values()) for row in named):
            if schema == "sojourn" and table in ("session_changes", "session_followers"):
                continue
            rows = self.tables.query(f'SELECT * FROM "{schema}"."{table}"').to_pylist()
            content = [
                {name: str(v) for name, v in row.items() if v is not None and name != "uuid_ts"}
                for row in rows
            ]
            if content and table != "session_policies":
                found[f"{schema}.{table}"] = sorted(
                    json.dumps(row, sort_keys=True) for row in content
                )
        return found


def without(history: Sequence[tuple[str, Event]], people: People) -> list[tuple[str, Event]]:
    eraser = Eraser(people)
    return [(s, e) for s, e in history if not eraser.theirs(s, json.dumps(e).encode())]


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(histories(), st.sampled_from([frozenset(), frozenset({"web"})]))
def test_erased_tables_are_those_of_a_rebuild_without_the_person(
    history: list[tuple[str, Event]], sources: frozenset[str]
) -> None:
    warehouse = Warehouse().load(history)
    asked = People(frozenset({"anna"}), sources)
    people = People(asked.user_ids, sources, frozenset(warehouse.embedded.devices(asked, ())))
    before = warehouse.dump()
    foreseen = warehouse.embedded.look(people)
    assert warehouse.dump() == before
    assert warehouse.embedded.erase(people) == foreseen
    left = without(history, people)
    expected = Warehouse().load(left)
    assert warehouse.dump() == expected.dump()
    # and more comes: nothing that was forgotten gets in the way
    late = [(source, event | {"messageId": f"late-{event['messageId']}"}) for source, event in left]
    assert warehouse.load(late).dump() == expected.load(late).dump()


def test_a_device_that_others_used_as_well_keeps_its_anonymous_events() -> None:
    def page(number: int, **ids: str) -> tuple[str, Event]:
        at = iso(START + number * 1000)
        event = {"type": "page", "messageId": f"m{number}", "receivedAt": at, "timestamp": at}
        return "web", event | {"originalTimestamp": at, "sentAt": at, **ids}

    history = [
        page(1, anonymousId="own"),
        page(2, anonymousId="own", userId="anna"),
        page(3, anonymousId="shared"),
        page(4, anonymousId="shared", userId="anna"),
        page(5, anonymousId="shared", userId="bert"),
    ]
    warehouse = Warehouse().load(history)
    devices = warehouse.embedded.devices(People(frozenset({"anna"})), [("web", "elsewhere")])
    assert devices == {("web", "own"), ("web", "elsewhere")}
    warehouse.embedded.erase(People(frozenset({"anna"}), devices=frozenset(devices)))
    left = warehouse.tables.query("SELECT message_id FROM session_events ORDER BY 1").to_pylist()
    assert [row["message_id"] for row in left] == ["m3", "m5"]
