from __future__ import annotations

import base64
import datetime
import doctest
import itertools
import json
import time
import uuid
from collections import defaultdict
from typing import Any

import pytest

import sojourn.testing.visitors as package
from sojourn.testing.visitors import SAFARI_PAYMENT, STEPS, Incident, Sending, live, visitors

NOW_MS = 1_795_500_000_000
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def history() -> list[Sending]:
    return list(visitors(7, now_ms=NOW_MS))


def events_of(sendings: list[Sending]) -> list[dict[str, Any]]:
    return [event for sending in sendings for event in sending.events]


def time_ms(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def sessions_by_step(sendings: list[Sending], day: float, phones: bool) -> dict[str, int]:
    """Sessions of Safari on iOS (or of all others) from `day` on that reach each step."""
    reached = defaultdict(set)
    for event in events_of(sendings):
        safari = "iPhone" in event["context"].get("userAgent", "")
        late = time_ms(event["originalTimestamp"]) >= NOW_MS - 14 * DAY_MS + day * DAY_MS
        if safari == phones and late and event["type"] == "track":
            key = event["anonymousId"], event["context"]["sessionId"]
            reached[event["event"]].add(key)
    return {step: len(reached[step]) for step in STEPS}


def test_the_same_arguments_give_the_same_traffic() -> None:
    first = list(visitors(3, people=40, days=5, now_ms=NOW_MS))
    again = list(visitors(3, people=40, days=5, now_ms=NOW_MS))
    other = list(visitors(4, people=40, days=5, now_ms=NOW_MS))
    assert first == again
    assert first != other


def test_five_hundred_people_make_ten_to_twenty_thousand_events_within_three_seconds() -> None:
    began = time.process_time()
    count = len(events_of(list(visitors(11, now_ms=NOW_MS))))
    assert 10_000 <= count <= 20_000
    assert time.process_time() - began < 3


def test_requests_come_in_time_order_and_none_is_in_the_future(history: list[Sending]) -> None:
    times = [sending.at_ms for sending in history]
    assert times == sorted(times)
    assert times[-1] <= NOW_MS
    assert times[0] >= NOW_MS - 14 * DAY_MS


def test_events_of_the_past_carry_the_timestamp_that_the_server_keeps(
    history: list[Sending],
) -> None:
    for sending in history:
        for event in sending.events:
            assert event["timestamp"] == event["originalTimestamp"]
            waited = time_ms(event["sentAt"]) - time_ms(event["originalTimestamp"])
            # An app's opening is 2 ms older than the act that fills the batch's minute.
            assert 0 <= waited <= 60_002
            assert time_ms(event["sentAt"]) == sending.at_ms


def test_message_ids_are_distinct_version_4_uuids(history: list[Sending]) -> None:
    ids = [event["messageId"] for event in events_of(history)]
    assert len(set(ids)) == len(ids)
    assert {uuid.UUID(text).version for text in ids[:200]} == {4}


def test_session_ids_are_milliseconds_on_the_web_and_seconds_in_apps(
    history: list[Sending],
) -> None:
    for sending in history:
        digits = 13 if sending.platform == "web" else 10
        assert {len(str(e["context"]["sessionId"])) for e in sending.events} == {digits}


def test_sessions_follow_the_rules_of_the_sdks(history: list[Sending]) -> None:
    last: dict[str, tuple[int, int]] = {}
    began = set()
    for event in sorted(events_of(history), key=lambda e: e["originalTimestamp"]):
        who, at = event["anonymousId"], time_ms(event["originalTimestamp"])
        session = event["context"]["sessionId"]
        timeout = (30 if event["channel"] == "web" else 5) * 60_000
        if who in last and last[who][0] == session:
            assert at - last[who][1] <= timeout
            assert "sessionStart" not in event["context"]
        else:
            assert event["context"]["sessionStart"] is True
            assert (who, session) not in began
        began.add((who, session))
        last[who] = session, at


def test_web_events_look_like_those_of_the_javascript_sdk(history: list[Sending]) -> None:
    page = next(e for e in events_of(history) if e["type"] == "page")
    own = {"name", "path", "referrer", "referring_domain", "search", "title", "url", "tab_url"}
    assert own <= page["properties"].keys()
    assert page["userId"] == ""
    context = "traits sessionId sessionStart app library userAgent os locale screen campaign page"
    assert {*context.split(), "timezone"} == page["context"].keys()
    assert page["context"]["library"]["name"] == "RudderLabs JavaScript SDK"


def test_app_events_look_like_those_of_the_mobile_sdks(history: list[Sending]) -> None:
    events = [e for e in events_of(history) if e["channel"] == "mobile"]
    screen = next(e for e in events if e["type"] == "screen")
    assert screen["event"] == screen["properties"]["name"]
    assert "userId" not in events[0]
    begun = [e["event"] for e in events if e["context"].get("sessionStart")]
    # The others begin by a `reset()`, or after a long silence in the foreground.
    launches = sum(name in ("Application Installed", "Application Opened") for name in begun)
    assert launches > 0.9 * len(begun)
    assert {e["context"]["os"]["name"] for e in events} == {"Android", "iOS"}


def test_all_kinds_of_calls_and_of_visitors_occur(history: list[Sending]) -> None:
    events = events_of(history)
    assert {e["type"] for e in events} == {"page", "screen", "track", "identify", "group"}
    names = {e.get("event") for e in events}
    assert {*STEPS, "Products Searched", "Element Clicked", "Error Occurred"} <= names
    agents = " ".join({e["context"].get("userAgent", "") for e in events})
    assert all(word in agents for word in ("Googlebot", "GPTBot", "iPhone", "Firefox", "Edg/"))
    campaigns = {e["context"]["campaign"].get("medium") for e in events if e["channel"] == "web"}
    assert {"cpc", "email", "paid_social", None} <= campaigns
    sessions = defaultdict(list)
    for event in events:
        sessions[event["anonymousId"], event["context"]["sessionId"]].append(event)
    views = [sum(e["type"] in ("page", "screen") for e in own) for own in sessions.values()]
    assert 0.2 < sum(count == 1 for count in views) / len(views) < 0.6
    orders = sum(any(e.get("event") == STEPS[-1] for e in own) for own in sessions.values())
    assert 0.1 < orders / len(sessions) < 0.3
    revenue = [e["properties"]["revenue"] for e in events if e.get("event") == STEPS[-1]]
    assert min(revenue) > 0


def test_the_planted_incident_hits_its_step_in_its_segment_from_its_day_on() -> None:
    with_it = list(visitors(5, people=1500, now_ms=NOW_MS, incidents=[SAFARI_PAYMENT]))
    without = list(visitors(5, people=1500, now_ms=NOW_MS, incidents=[]))

    def rate(sendings: list[Sending], day: float, phones: bool) -> float:
        reached = sessions_by_step(sendings, day, phones)
        return reached["Payment Info Entered"] / reached["Checkout Started"]

    assert rate(with_it, 9, phones=True) < 0.4
    assert rate(without, 9, phones=True) > 0.7
    assert rate(with_it, 9, phones=False) > 0.7


def test_an_incident_can_end_and_can_hit_everybody() -> None:
    incident = Incident("Order Completed", day=2, until=3, effect=1.0)
    sendings = list(visitors(5, people=300, days=5, now_ms=NOW_MS, incidents=[incident]))
    begin_ms = NOW_MS - 5 * DAY_MS
    days = {
        (time_ms(e["originalTimestamp"]) - begin_ms) // DAY_MS
        for e in events_of(sendings)
        if e.get("event") == "Order Completed"
    }
    # A visit that began just before midnight may still end with an order.
    assert {0, 1, 3, 4} <= days
    assert not incident.strikes("Order Completed", {}, 3)


def test_one_request_per_event_on_the_web_where_batching_is_off() -> None:
    sendings = list(visitors(2, people=30, days=3, now_ms=NOW_MS, batch=False))
    web = [sending for sending in sendings if sending.platform == "web"]
    assert {sending.path for sending in web} <= {
        f"/v1/{kind}" for kind in ("page", "track", "identify", "group")
    }
    assert all(sending.path == f"/v1/{sending.body['type']}" for sending in web)


def test_headers_carry_the_key_and_the_person(history: list[Sending]) -> None:
    headers = history[0].headers("k1")
    assert headers["Authorization"] == "Basic azE6"
    assert base64.b64decode(headers["AnonymousId"]).decode() == history[0].anonymous_id
    json.dumps(history[0].body)


def test_live_traffic_never_ends_is_in_order_and_leaves_time_to_the_server() -> None:
    sendings = list(itertools.islice(live(7, now_ms=NOW_MS, visits_per_minute=20), 2000))
    times = [sending.at_ms for sending in sendings]
    assert times == sorted(times)
    assert times[0] >= NOW_MS
    assert all("timestamp" not in event for event in events_of(sendings))
    known = {s.anonymous_id for s in visitors(7, now_ms=NOW_MS)}
    now = {s.anonymous_id for s in sendings}
    # Nearly all were seen before; the rest are second devices that had no visit yet.
    assert len(now & known) > 0.9 * len(now)


def test_processed_events_stand_as_in_the_events_stream(history: list[Sending]) -> None:
    event = history[0].processed()[0]
    assert time_ms(event["receivedAt"]) == history[0].at_ms + 20
    assert "receivedAt" not in history[0].events[0]


def test_the_documentation_of_the_package_is_true() -> None:
    assert doctest.testmod(package).failed == 0
