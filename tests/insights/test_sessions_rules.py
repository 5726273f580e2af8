"""The rules of sessions, one case each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

SID = 1772452800000  # 2026-03-02T12:00:00Z, the start of the tests' time
MINUTE, HOUR, DAY = 60, 3600, 86400
time = datetime.fromisoformat


def test_a_gap_of_exactly_the_timeout_keeps_the_session_and_a_millisecond_more_splits_it(
    shop: Any, event: Any
) -> None:
    shop.load([event(0, SID), event(1800, SID), event(3600.001, SID)])
    assert shop.sessions("part, events, start_reason, end_reason, provenance, repairs") == [
        (1, 2, "first_event", "split", "sdk", "start_flag_missing"),
        (2, 1, "split", "timeout", "repaired", "split_gap"),
    ]


def test_a_session_of_exactly_the_maximum_stays_whole_and_a_longer_one_is_cut(
    make_shop: Any, event: Any
) -> None:
    shop = make_shop(max_length_ms=2 * HOUR * 1000)
    times = [minutes * MINUTE for minutes in range(0, 121, 20)]
    shop.load([event(at, SID) for at in times])
    assert shop.sessions("part, duration") == [(1, 7200.0)]
    shop.load([event(at, SID) for at in range(7500, 7500 + 3 * HOUR, 1500)])
    found = shop.sessions("part, start_reason, end_reason, duration")
    assert [row[:3] for row in found] == [
        (1, "first_event", "cut_off"),
        (2, "cut_off", "cut_off"),
        (3, "cut_off", "timeout"),
    ]
    assert all(row[3] <= 7200 for row in found)


def test_ids_in_seconds_and_in_milliseconds_are_one_session(shop: Any, event: Any) -> None:
    shop.load([event(0, SID // 1000), event(5, SID), event(9, str(SID))])
    assert shop.sessions("session_id, events, sdk_session_id") == [(SID, 3, str(SID // 1000))]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "null"), (-1, "negative"), (0, "zero"), ("undefined", "garbage"), (12345, "short"),
        (1.5, "garbage"), (True, "type"), ({"a": 1}, "type"), ("", "null"), ("-1", "negative"),
    ],
)  # fmt: skip
def test_an_unusable_id_is_kept_as_sent_and_the_event_goes_by_time(
    shop: Any, event: Any, value: Any, fault: str
) -> None:
    shop.load([event(0, SID), event(60, value), event(3 * HOUR, value)])
    assert shop.rows("SELECT id_fault FROM session_events ORDER BY event_time") == [
        (None,), (fault,), (fault,),
    ]  # fmt: skip
    joined, alone = shop.sessions("events, session_id, start_reason, provenance, repairs")
    assert joined[:4] == (2, SID, "first_event", "repaired")
    assert joined[4].startswith(f"id_{fault},id_joined")
    assert alone == (1, SID + 3 * HOUR * 1000, "inferred", "repaired", f"id_{fault}")


def test_events_without_an_id_make_sessions_by_identity_and_time(shop: Any, event: Any) -> None:
    shop.load([event(0), event(60), event(2 * HOUR), event(0, who="bob-device")])
    assert (
        shop.sessions("visitor_id, events, start_reason, provenance, session_number")
        == [
            ("ann-device", 2, "inferred", "inferred", 1),
            ("bob-device", 1, "inferred", "inferred", 1),
            ("ann-device", 1, "inferred", "inferred", 2),
        ]
        or len(shop.sessions("1")) == 3
    )


def test_an_event_with_only_a_user_id_gets_a_session_of_that_user(shop: Any, event: Any) -> None:
    first = event(0, userId="u1") | {"anonymousId": None}
    nobody = event(1) | {"anonymousId": None, "userId": ""}
    shop.load([first, nobody])
    assert shop.sessions("visitor_id, anonymous_id, person") == [
        ("user:u1", None, "u1"),
        ("event:m2", None, "event:m2"),
    ]


def test_an_id_that_comes_again_after_days_is_another_session(shop: Any, event: Any) -> None:
    shop.load([event(0, SID), event(3 * DAY, SID)])
    assert shop.sessions("session_id, part, session_number") == [(SID, 1, 1), (SID, 2, 2)]
    keys = {key for (key,) in shop.sessions("session_key")}
    assert len(keys) == 2
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in keys)


def test_another_user_on_the_device_splits_the_session_and_is_not_merged(
    shop: Any, event: Any
) -> None:
    shop.load([
        event(0, SID), event(10, SID, kind="identify", userId="ann"), event(20, SID, userId="ann"),
        event(30, SID, kind="identify", userId="bob"), event(40, SID, userId="bob"),
    ])  # fmt: skip
    assert shop.sessions("part, user_id, person, start_reason, end_reason, events") == [
        (1, "ann", "ann", "first_event", "user_change", 3),
        (2, "bob", "bob", "user_change", "timeout", 2),
    ]


def test_two_tabs_that_know_different_users_split_a_session_once(shop: Any, event: Any) -> None:
    users = ["ann", "bob", "ann", "bob", "ann"]
    shop.load([event(10 * n, SID, userId=user) for n, user in enumerate(users)])
    assert shop.sessions("part, events") == [(1, 1), (2, 4)]


def test_tabs_that_rotate_side_by_side_are_one_visit(shop: Any, event: Any) -> None:
    other = SID + 4000
    shop.load([event(0, SID), event(4, other), event(6, SID), event(9, other), event(15, SID)])
    assert shop.sessions("session_id, events, provenance, repairs") == [
        (SID, 5, "repaired", "siblings_merged,start_flag_missing")
    ]


def test_a_reset_begins_another_session_at_once(shop: Any, event: Any) -> None:
    shop.load([event(0, SID), event(2, SID), event(2, SID + 2000), event(9, SID + 2000)])
    assert shop.sessions("session_id, events, start_reason, end_reason") == [
        (SID, 2, "first_event", "reset"),
        (SID + 2000, 2, "reset", "timeout"),
    ]


def test_an_id_that_is_no_clock_tells_a_manual_session(shop: Any, event: Any) -> None:
    shop.load([event(0, SID), event(60, 1234567890123)])
    assert shop.sessions("start_reason, end_reason") == [
        ("first_event", "manual"), ("manual", "timeout"),
    ]  # fmt: skip


def test_a_text_id_of_ten_characters_is_an_id(shop: Any, event: Any) -> None:
    shop.load([event(0, "my-own-session"), event(9, "my-own-session"), event(5, "another-session")])
    assert shop.sessions("sdk_session_id, events, session_id") == [
        ("my-own-session", 2, SID), ("another-session", 1, SID + 5000),
    ]  # fmt: skip


def test_start_and_end_are_of_activity_only(shop: Any, event: Any) -> None:
    beat = {"properties": {"nonInteraction": True}}
    shop.load([
        event.track(0, "Heartbeat", SID, **beat), event(10, SID), event(25, SID),
        event.track(60, "Heartbeat", SID, **beat),
    ])  # fmt: skip
    [row] = shop.sessions("duration, events, activities, first_event_time, last_event_time")
    assert row == (15.0, 4, 2, time("2026-03-02 12:00"), time("2026-03-02 12:01"))


def test_engaged_time_is_estimated_from_capped_gaps_without_the_sdks_own(
    shop: Any, event: Any
) -> None:
    shop.load([event(0, SID), event(20, SID), event(220, SID)])
    assert shop.sessions("engaged, engaged_estimated, duration") == [(80.0, True, 220.0)]


def test_engaged_time_of_the_sdk_counts_up_to_the_duration_and_the_last_view(
    shop: Any, event: Any
) -> None:
    shop.load([
        event(0, SID),
        event.track(30, "Page Unloaded", SID, properties={"visitDuration": 25_000}),
        event.track(40, "Page Unloaded", SID, properties={"visitDuration": 900_000}),
    ])  # fmt: skip
    assert shop.sessions("engaged, engaged_estimated") == [(925.0, False)]


def test_bounces_and_engagement(shop: Any, event: Any) -> None:
    shop.load([
        event(0, SID, who="one view"),
        event(0, SID, who="two views"), event(1, SID, who="two views"),
        event(0, SID, who="buyer"), event.track(1, "Order Completed", SID, who="buyer"),
        event(0, SID, who="only identify", kind="identify"),
    ])  # fmt: skip
    columns = "is_counted, is_engaged, is_bounce, is_classic_bounce"
    assert shop.sessions(columns, "visitor_id = 'one view'") == [(True, False, True, True)]
    assert shop.sessions(columns, "visitor_id = 'two views'") == [(True, True, False, False)]
    assert shop.sessions(columns, "visitor_id = 'buyer'") == [(True, True, False, False)]
    assert shop.sessions("is_counted, is_bounce, events", "visitor_id = 'only identify'") == [
        (False, False, 1)
    ]


def test_late_events_join_the_session_of_their_time_and_raise_its_revision(
    shop: Any, event: Any
) -> None:
    shop.load([event(0, SID), event(100, SID), event(5 * HOUR, SID + 5 * HOUR * 1000)])
    before = shop.sessions("session_key")
    shop.load(
        [event(50, SID, delay=DAY), event(60, SID, delay=DAY - 10), event(70, SID, delay=2 * DAY)]
    )
    assert shop.sessions("session_key") == before
    assert shop.sessions("events, revision, late_events") == [(5, 3, 3), (1, 1, 0)]
    assert shop.rows("SELECT event_index, gap FROM session_events ORDER BY event_time LIMIT 3") == [
        (1, None), (2, 50.0), (3, 10.0),
    ]  # fmt: skip


def test_only_touched_sessions_are_made_anew(shop: Any, event: Any) -> None:
    days = [event(n * DAY, SID + n * DAY * 1000) for n in range(20)]
    assert shop.load(days) == 20
    assert shop.load([event(10 * DAY + 60, SID + 10 * DAY * 1000)]) == 1
    assert shop.load([days[3]]) == 0


def test_numbers_are_ranks_and_move_when_an_earlier_session_comes_late(
    shop: Any, event: Any
) -> None:
    shop.load([event(DAY, SID + DAY * 1000), event(2 * DAY, SID + 2 * DAY * 1000)])
    shop.load([event(0, SID, delay=3 * DAY)])
    rows = shop.sessions("session_key, session_number, previous_session_key, is_new")
    assert [row[1] for row in rows] == [1, 2, 3]
    assert [row[2] for row in rows] == [None, rows[0][0], rows[1][0]]
    assert [row[3] for row in rows] == [True, False, False]


def test_a_person_known_later_gets_the_sessions_before_on_all_devices(
    shop: Any, event: Any
) -> None:
    shop.load([event(0, SID, who="phone"), event(HOUR, SID + 1, who="laptop")])
    shop.load([event(2 * DAY, SID + 2, who="phone", userId="ann")])
    shop.load([event(3 * DAY, SID + 3, who="laptop", userId="ann")])
    rows = shop.sessions("visitor_id, person, user_id, session_number, person_session_number")
    assert rows == [
        ("phone", "ann", None, 1, 1), ("laptop", "ann", None, 1, 2),
        ("phone", "ann", "ann", 2, 3), ("laptop", "ann", "ann", 2, 4),
    ]  # fmt: skip


def test_anonymous_sessions_between_two_users_belong_to_the_one_before(
    shop: Any, event: Any
) -> None:
    shop.load([
        event(0, SID), event(DAY, SID + 1, userId="ann"), event(2 * DAY, SID + 2),
        event(3 * DAY, SID + 3, userId="bob"), event(4 * DAY, SID + 4),
    ])  # fmt: skip
    assert [row[0] for row in shop.sessions("person")] == ["ann", "ann", "ann", "bob", "bob"]


def test_landing_comes_from_the_entry_view_and_campaigns_from_the_first_event_that_has_any(
    shop: Any, event: Any
) -> None:
    page = {"page": {"url": "https://shop.example/a", "referrer": "https://www.google.com/"}}
    tagged = {"page": {"url": "https://shop.example/b?utm_source=news&utm_medium=email&gclid=x1"}}
    shop.load([
        event(0, SID, kind="identify", userId="u"), event(1, SID, context=page),
        event(2, SID, context=tagged), event.track(3, "Sign Up", SID),
    ])  # fmt: skip
    columns = (
        "entry_page, exit_page, landing_url, referrer_host, utm_source, click_id, click_id_type"
    )
    assert shop.sessions(columns) == [
        (
            "shop.example/a", "shop.example/b", "https://shop.example/a", "google.com", "news",
            "x1", "gclid",
        )
    ]  # fmt: skip


def test_bots_and_ai_agents_are_kept_apart_and_not_deleted(shop: Any, event: Any) -> None:
    agents = {
        "human": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0.0.0 Safari/537.36",
        "bot": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "ai_agent": "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    }  # fmt: skip
    shop.load(
        [event(0, SID, who=kind, context={"userAgent": text}) for kind, text in agents.items()]
    )
    assert shop.rows("SELECT visitor_id, traffic_class FROM sessions ORDER BY 1") == [
        ("ai_agent", "ai_agent"), ("bot", "bot"), ("human", "human"),
    ]  # fmt: skip


def test_the_copy_received_first_counts_whichever_comes_first_to_us(
    make_shop: Any, event: Any
) -> None:
    early = event(0, SID)
    late = early | {
        "receivedAt": "2026-03-05T12:00:00.000Z",
        "timestamp": "2026-03-05T12:00:00.000Z",
    }
    found = []
    for order in ([early, late], [late, early]):
        one, two = make_shop(), make_shop()
        one.load(order)
        two.load(order[:1])
        two.load(order[1:])
        found += [one.tables(), two.tables()]
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0][0][0][11] == time("2026-03-02 12:00")
