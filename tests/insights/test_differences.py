"""What other tools would count equals a walk over every event by their rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SID = 1772452800000
HOUR = 3600

steps = st.tuples(
    st.sampled_from([0, 1, 600, 1799, 1800, 1801, 5 * HOUR, 11 * HOUR]),
    st.sampled_from([SID, SID + 1000, SID + 2000, None]),
    st.sampled_from(["", "", "?utm_source=news", "?utm_source=ads&utm_medium=cpc"]),
)
visits = st.lists(st.lists(steps, min_size=1, max_size=12), min_size=1, max_size=3)


def walked(rows: list[tuple[Any, ...]], zone: str) -> dict[str, int]:
    """Rows of (visitor, time, campaign, SDK's id), in order, under the rules."""
    found = {"ga4": 0, "matomo": 0}
    for _, events in groupby(rows, key=lambda row: row[0]):
        earlier: Any = None
        campaign = None
        for _, at, tag, _ in events:
            local = at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date()
            is_visit = earlier is None or at - earlier[0] > timedelta(minutes=30)
            is_other = tag is not None and campaign is not None and tag != campaign
            found["ga4"] += is_visit
            found["matomo"] += is_visit or earlier[1] != local or is_other
            earlier, campaign = (at, local), tag or campaign
    return found | {"amplitude": len({(row[0], row[3]) for row in rows if row[3] is not None})}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(people=visits, zone=st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]))
def test_other_tools_count_what_a_walk_over_all_events_counts(
    make_shop: Callable[..., Any], event: Any, people: list[Any], zone: str
) -> None:
    shop, events = make_shop(), []
    for who, line in enumerate(people):
        at = 0
        for pause, sid, tag in line:
            at += pause
            context = {"page": {"url": f"https://shop.example/a{tag}"}}
            events.append(event(at, *([sid] if sid else []), who=f"v{who}", context=context))
    shop.load(events)
    rows = shop.rows(
        """
        SELECT visitor_hash, event_time,
            nullif(concat_ws('|', utm_source, utm_medium, utm_campaign), ''), sdk_session_no
        FROM session_events ORDER BY visitor_hash, event_time, session_key, event_index
        """
    )
    report = shop.reports().run("differences", {"zone": zone, "from": "2026-03-01"})
    counts = {row[0]: row[2] for row in report.rows}
    assert {name: counts[name] for name in ("ga4", "matomo", "amplitude")} == walked(rows, zone)
    assert report.extra["out_of_session"] == sum(row[3] is None for row in rows)
    assert report.extra["visitors"] == len(people)
