"""Models that users of RudderStack have on PostgreSQL run on our tables, and their figures hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sojourn.core.named_queries import parse_queries
from sojourn.insights.sessions import SessionModel
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.testing.visitors import visitors
from sojourn.warehouse.duckdb import DuckDBTables

MODELS = parse_queries(Path(__file__).with_name("rudder_models.sql").read_text("utf-8"))
VIEWS = ("page", "screen")
Event = dict[str, Any]


def history() -> list[Event]:
    """Visitors of a shop, and people who tell their traits bit by bit."""
    sendings = visitors(seed=5, people=60, days=6, now_ms=1_795_500_000_000)
    events = [event for sending in sendings for event in sending.processed()]
    for event in events:
        if "revenue" in event.get("properties", {}):  # sums with cents, from the first one on
            revenue = event["properties"]["revenue"] + 0.25
            event["properties"] = {**event["properties"], "revenue": revenue}
    told = [
        ("u-1", "a-1", {"email": "old@example.com", "firstName": "Ann", "plan": "free"}),
        ("u-2", "a-2", {"email": "two@example.com"}),
        ("u-1", "a-3", {"email": "new@example.com"}),
        ("u-2", "a-1", {"plan": "team"}),
    ]
    return events + [
        table_event(
            n, "identify", messageId=f"i{n}", userId=user, anonymousId=device, traits=traits
        )
        for n, (user, device, traits) in enumerate(told)
    ]


EVENTS = history()


@pytest.fixture(scope="module")
def modelled(module_database: Any) -> Any:
    """A database with the tables of `EVENTS` and all models."""
    tables = module_database.open()
    tables.load([in_batch(*EVENTS)])
    tables.close()
    module_database.query("CREATE SCHEMA models")
    for statement in MODELS.values():
        module_database.query(statement)
    return module_database


def at(event: Event) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


def stitched() -> dict[str, str]:
    """The last user of each device."""
    found: dict[str, str] = {}
    for event in sorted(EVENTS, key=at):
        found.setdefault(event["anonymousId"], event["anonymousId"])
        if event.get("userId"):
            found[event["anonymousId"]] = event["userId"]
    return found


def by_visitor() -> dict[str, list[Event]]:
    visitor_of = stitched()
    found = defaultdict(list)
    for event in sorted(EVENTS, key=lambda event: (at(event), event["messageId"])):
        if event["type"] in ("track", *VIEWS):
            found[visitor_of[event["anonymousId"]]].append(event)
    return found


def test_devices_belong_to_the_last_user_seen_on_them(modelled: Any) -> None:
    found = dict(modelled.query("SELECT anonymous_id, visitor_id FROM models.id_stitching"))
    assert found == stitched()
    assert (found["a-1"], found["a-3"]) == ("u-2", "u-1")
    assert len(set(found.values())) < len(found)


def test_users_have_their_latest_traits(modelled: Any) -> None:
    found = modelled.query(
        "SELECT user_id, email, first_name, plan FROM models.users_latest"
        " WHERE user_id LIKE 'u-%' ORDER BY 1"
    )
    assert found == [
        ("u-1", "new@example.com", "Ann", "free"),
        ("u-2", "two@example.com", None, "team"),
    ]
    ((count,),) = modelled.query("SELECT count(*) FROM models.users_latest")
    assert count == len({event["userId"] for event in EVENTS if event["type"] == "identify"})


def test_events_are_cut_into_sessions_by_idle_time(modelled: Any) -> None:
    expected = set()
    for visitor, events in by_visitor().items():
        cuts = [
            n
            for n, event in enumerate(events)
            if not n or at(event) - at(events[n - 1]) > timedelta(minutes=30)
        ]
        for sequence, (start, end) in enumerate(zip(cuts, [*cuts[1:], len(events)], strict=True)):
            some = events[start:end]
            kinds = Counter(event["type"] for event in some)
            expected.add(
                (
                    f"{visitor}-{sequence + 1}", at(some[0]), at(some[-1]), len(some),
                    kinds["page"] + kinds["screen"],
                    any(event.get("event") == "Order Completed" for event in some),
                )
            )  # fmt: skip
    found = modelled.query(
        "SELECT session_id, session_start, session_end, events, views, converted"
        " FROM models.sessions"
    )
    assert set(found) == expected
    assert len(found) == len(expected) > 60


def test_sessions_that_the_sdk_counted_are_those_of_our_own_table(modelled: Any) -> None:
    tables = DuckDBTables(None, SOURCES.get, SessionModel(SOURCES.get))
    tables.load([in_batch(*EVENTS)])
    ours = tables.query(
        "SELECT anonymous_id, CAST(sdk_session_id AS BIGINT) AS id, count(*) AS events"
        " FROM main.session_events WHERE type IN ('track', 'page', 'screen')"
        " AND sdk_session_id IS NOT NULL GROUP BY ALL"
    ).to_pylist()
    tables.close()
    found = modelled.query(
        "SELECT anonymous_id, context_session_id, events FROM models.sdk_sessions"
    )
    assert set(found) == {tuple(row.values()) for row in ours}


def test_revenue_and_the_funnel_are_those_of_the_events(modelled: Any) -> None:
    orders = [event for event in EVENTS if event.get("event") == "Order Completed"]
    days: dict[Any, list[Event]] = defaultdict(list)
    for order in orders:
        days[at(order).date()].append(order)
    found = modelled.query("SELECT day::date, orders, revenue, buyers FROM models.revenue_by_day")
    assert {row[0]: (row[1], float(row[2]), row[3]) for row in found} == {
        day: (
            len(some),
            sum(order["properties"]["revenue"] for order in some),
            len({order.get("userId") or order["anonymousId"] for order in some}),
        )
        for day, some in days.items()
    }
    viewed = bought = 0
    for events in by_visitor().values():
        first = [at(e) for e in events if e.get("event") == "Product Viewed"][:1]
        last = [at(e) for e in events if e.get("event") == "Order Completed"][-1:]
        viewed += bool(first)
        bought += bool(first and last and last[0] >= first[0])
    assert modelled.query("SELECT viewed, bought FROM models.funnel") == [(viewed, bought)]
    assert viewed > bought > 0
