"""Rows to an event and to rows again: the same tables, columns and values, whatever the event."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sojourn.warehouse.history.places import place_of
from sojourn.warehouse.history.tables import Column, HistoryTable, finished, joined
from sojourn.warehouse.transform import PROVIDERS, Row, Transformer

TRANSFORMER = Transformer("duckdb", add_origin_to_context=False)
KINDS = ("track", "page", "screen", "identify", "group", "alias")
KNOWN = (
    "page", "traits", "sessionId", "sessionStart", "userAgent", "device", "advertisingId",
    "screen", "innerWidth", "campaign", "name", "url", "ip", "visitDuration", "nonInteraction",
    "order", "select", "a", "A b", "a_b", "2fast", "_", "page_url",
)  # fmt: skip
keys = st.one_of(st.sampled_from(KNOWN), st.text(max_size=8))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=8),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["2026-01-02", "2026-01-02T03:04:05Z", '["a"]', "12"]),
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(keys, inner)),
    max_leaves=8,
)  # fmt: skip
objects = st.dictionaries(keys, values, max_size=6)
ids = st.one_of(st.none(), st.sampled_from(["", "a", "日本"]), st.text(max_size=6))
times = st.sampled_from([None, "2026-01-02T03:04:05.006Z", "2026-01-03T00:00:00.000Z"])


@st.composite
def events(draw: Any) -> dict[str, Any]:
    fields = {
        "userId": ids, "anonymousId": ids, "groupId": ids, "previousId": ids, "name": ids,
        "event": st.one_of(ids, st.sampled_from(["Order Completed", "users", "select"])),
        "channel": ids, "request_ip": ids,
        "originalTimestamp": times, "sentAt": times, "timestamp": times,
        "context": objects, "properties": objects, "traits": objects,
    }  # fmt: skip
    event = {name: draw(field) for name, field in fields.items()}
    known = {name: value for name, value in event.items() if value is not None}
    if not isinstance(known["context"].get("ip", ""), str):
        del known["context"]["ip"]  # no address: its column stays empty, and hides the server's
    kind = draw(st.sampled_from(KINDS))
    return {**known, "type": kind, "messageId": "m", "receivedAt": "2026-01-02T03:04:06.000Z"}


def back(rows: list[Row], kind: str) -> dict[str, Any]:
    """The event that the import makes of its rows."""
    made = []
    for row in sorted(rows, key=lambda row: row.table == "tracks"):
        columns = [Column(name, row.types[name]) for name in row.values]
        if "event_text" not in row.values and row.table not in ("tracks", "pages", "screens"):
            columns.append(Column("event_text", "string"))
        table = HistoryTable("s", row.table, columns)
        make = table.maker(list(row.values))
        made.append((make(list(row.values.values())), table))
    return finished(joined([event for event, _ in made]), kind, made[0][1].plain)


PAGE = {"type": "page", "messageId": "m", "receivedAt": "2026-01-02T03:04:06.000Z"}
TIMES = {"original_timestamp", "sent_at", "timestamp"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(event=events())
@example(event={**PAGE, "context": {"page": "text", "page_url": "u", "traits": {"0": "f"}}})
def test_rows_of_the_event_made_of_rows_are_those_rows(event: dict[str, Any]) -> None:
    rows = [row for row in TRANSFORMER.rows(event) if row.table != "users"]
    again = [row for row in TRANSFORMER.rows(back(rows, event["type"])) if row.table != "users"]
    assert [row.table for row in again] == [row.table for row in rows]
    for one, other in zip(rows, again, strict=True):
        # (The key `_` of a context has the column `context`, which nothing tells from a property.)
        # Times that were missing are those that the processor would have set.
        added = TIMES - one.values.keys()
        found = {n: v for n, v in other.values.items() if n not in added and n != "context"}
        assert found == {n: v for n, v in one.values.items() if n != "context"}


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("context_page_url", ("context", "page", "url")),
        ("context_session_id", ("context", "sessionId")),
        ("context_screen_inner_width", ("context", "screen", "innerWidth")),
        ("context_traits_first_name", ("context", "traits", "first_name")),
        ("context_instance_id", ("context", "instanceId")),
        ("context_anything_else", ("context", "anything_else")),
        ("context_request_ip", ("request_ip",)),
        ("context_passed_ip", ("context", "ip")),
        ("context_source_id", None),
        ("uuid_ts", None),
        ("event", None),
        ("event_text", ("event",)),
        ("visit_duration", ("properties", "visitDuration")),
        ("_order", ("properties", "order")),
        ("_mine", ("properties", "_mine")),
        ("name", ("properties", "name")),
    ],
)
def test_columns_of_a_track_go_where_their_values_stood(column: str, path: Any) -> None:
    reserved = PROVIDERS["postgres"].reserved
    assert place_of("track", column, [column, "context_request_ip"], reserved) == path


def test_the_older_address_column_is_the_address_where_there_is_no_other() -> None:
    assert place_of("page", "context_ip", ["context_ip"], ()) == ("request_ip",)
    assert place_of("page", "context_ip", ["context_ip", "context_request_ip"], ()) is None
