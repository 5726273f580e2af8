"""What an event says, in columns: names, places, devices, channels; odd input harms nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.insights.agents import agent, traffic_class
from sojourn.insights.channels import CHANNELS, Visit, category, channel
from sojourn.insights.extract import Extractor
from sojourn.insights.names import CONVERSIONS, meaning, plain
from sojourn.insights.places import Places, node_of
from sojourn.insights.session_ids import session_ref

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    "type", "messageId", "anonymousId", "userId", "event", "name", "timestamp", "receivedAt",
    "sentAt", "originalTimestamp", "properties", "traits", "channel",
]  # fmt: skip
CONTEXT = ["page", "campaign", "library", "os", "device", "app", "userAgent", "locale", "sessionId",
           "sessionStart", "geo", "timezone"]  # fmt: skip


def some(
    names: list[str], values: st.SearchStrategy[Any] = json_values
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, values))


@given(st.lists(some(FIELDS) | some(CONTEXT).map(lambda found: {"context": found}), max_size=5))
@settings(max_examples=150, deadline=None)
def test_no_event_is_too_odd_to_get_a_row(events: list[dict[str, Any]]) -> None:
    table = Extractor(Places(), CONVERSIONS).table(events, "web")
    assert table.num_rows == len(events)


class Lines(list[dict[str, Any]]):
    """Events with their JSON text beside them, as a load of the warehouse has them."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        super().__init__(events)
        self.lines = [msgspec.json.encode(event) for event in events]


shapes = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(
    ["", "a", "b", "https://a.example/p", "y" * 1500, 1.0, 1795518460000, [], ["a"], {}]
)  # fmt: skip
objects = {
    "page": ["url", "path", "referrer", "title"], "campaign": ["source", "medium"],
    "library": ["name", "version"], "device": ["type", "model"], "geo": ["country"],
    "location": ["country"],
}  # fmt: skip
contexts = shapes | st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(["userAgent", "locale", "country", "sessionId", "sessionStart"], shapes)
    | {name: shapes | some(fields, shapes) for name, fields in objects.items()},
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["page", "track", "identify", "screen"]) | shapes},
            optional=dict.fromkeys(set(FIELDS) - {"type"}, shapes)
            | {"properties": shapes | some(["url", "title", "name", "revenue"], shapes)}
            | {"context": contexts},
        ),
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_an_event_says_the_same_as_json_decoded_and_beside_any_others(
    events: list[dict[str, Any]],
) -> None:
    rows = Extractor(Places(), CONVERSIONS).table(events, "web").to_pylist()
    assert Extractor(Places(), CONVERSIONS).table(Lines(events), "web").to_pylist() == rows
    alone = [Extractor(Places(), CONVERSIONS).table([one], "web").to_pylist()[0] for one in events]
    assert rows == alone


def test_odd_events_get_a_session_too(shop: Any) -> None:
    odd = [
        {"messageId": f"o{n}", "anonymousId": "a", **more}
        for n, more in enumerate([
            {}, {"timestamp": "never"}, {"timestamp": 5, "type": ["x"]}, {"context": "none"},
            {"type": "track", "event": "\ud800x", "properties": {"a": "\ud800"}},
            {"timestamp": "9999-01-01T00:00:00Z", "receivedAt": "infinity"},
            {"type": "page", "context": {"page": {"url": "http://[bad"}}},
        ])
    ]  # fmt: skip
    shop.load(odd)
    assert shop.rows("SELECT count(*), count(session_key) FROM session_events") == [(7, 7)]


@pytest.mark.parametrize(
    ("value", "number", "fault"),
    [
        (1700000000, 1700000000000, None), (1700000000123, 1700000000123, None),
        ("1700000000", 1700000000000, None), (1700000000123.0, 1700000000123, None),
        (-1, None, "negative"), (999999999, None, "short"), ("NaN", None, "garbage"),
    ],
)  # fmt: skip
def test_session_ids(value: Any, number: int | None, fault: str | None) -> None:
    assert session_ref(value)[1:] == (number, fault)


def test_session_ids_that_fit_no_clock_are_told_apart_by_a_negative_number() -> None:
    numbers = {session_ref(value).number for value in (10**20, "0123456789abc", "a-session-id")}
    assert len(numbers) == 3
    assert all(number is not None and number < -(10**18) for number in numbers)


@pytest.mark.parametrize(
    ("url", "node"),
    [
        ("https://www.Shop.example:443/Cart/?gclid=1#top", "shop.example/cart"),
        ("https://shop.example/orders/123/items/", "shop.example/orders/:id/items"),
        ("https://shop.example/u/6f1ed002-ab5a-4f5c-8d3e-111111111111", "shop.example/u/:uuid"),
        ("https://shop.example/d/2026-01-02/deadbeef42", "shop.example/d/:date/:hex"),
        ("https://shop.example/m/ann%40mail.example", "shop.example/m/:email"),
        ("https://app.example/#/settings/7", "app.example/settings/:id"),
        ("https://shop.example", "shop.example/"),
    ],
)
def test_a_node_is_the_page_without_what_is_special(url: str, node: str) -> None:
    assert Places().place(url, "", "", ("",) * 5).page_node == node


def test_rules_and_kept_parameters_shape_nodes() -> None:
    places = Places(keep=("tab",), rules=[(r"/blog/.*", "/blog/*")])
    place = places.place("https://a.example/x?tab=2&utm_source=n", "", "", ("",) * 5)
    assert (place.page_node, place.utm_source) == ("a.example/x?tab=2", "n")
    assert places.place("https://a.example/blog/hello", "", "", ("",) * 5).page_node == (
        "a.example/blog/*"
    )
    assert node_of("", "/only/path") == "/only/path"


@pytest.mark.parametrize(
    ("visit", "expected"),
    [
        (Visit(), "Direct"),
        (Visit("(direct)", "(none)"), "Direct"),
        (Visit(click_id_type="gclid"), "Paid Search"),
        (Visit(click_id_type="fbclid"), "Organic Social"),
        (Visit(click_id_type="msclkid"), "Unassigned"),
        (Visit(click_id_type="msclkid", referrer_host="bing.com"), "Paid Search"),
        (Visit(referrer_host="google.co.uk"), "Organic Search"),
        (Visit(referrer_host="chatgpt.com"), "AI Assistants"),
        (Visit(referrer_host="m.facebook.com"), "Organic Social"),
        (Visit(referrer_host="blog.example"), "Referral"),
        (Visit("news", "newsletter"), "Email"),
        (Visit("google", "CPC "), "Paid Search"),
        (Visit("instagram", "cpm"), "Paid Social"),
        (Visit("adnet", "cpm"), "Display"),
        (Visit("x", "y", "summer-shopping"), "Organic Shopping"),
        (Visit("x", "y", "eshop"), "Organic Shopping"),
        (Visit("x", "y", "workshop"), "Unassigned"),
        (Visit("vimeo", "paid"), "Paid Video"),
        (Visit("x", "paid-thing", "shop"), "Paid Shopping"),
        (Visit("x", "y", "a-cross-network-b"), "Cross-network"),
        (Visit("p", "affiliate"), "Affiliates"),
        (Visit("p", "audio"), "Audio"),
        (Visit("sms"), "SMS"),
        (Visit("firebase"), "Mobile Push Notifications"),
        (Visit("x", "y"), "Unassigned"),
    ],
)
def test_channels(visit: Visit, expected: str) -> None:
    assert channel(visit) == expected
    assert expected in CHANNELS


def test_categories_know_brands_and_hosts() -> None:
    assert [category(x) for x in ("google", "www.google.com.br", "mail.google.com", "x.org")] == [
        "search", "search", "email", "",
    ]  # fmt: skip


def visit(case: dict[str, str]) -> Visit:
    return Visit(case["source"], case["medium"], case["campaign"])


def test_the_published_channel_cases_hold(datasets: Path) -> None:
    cases = json.loads((datasets / "dbt_ga4/channel_grouping_cases.json").read_text())
    wrong = [n for n, case in enumerate(cases) if channel(visit(case)) != case["expected_channel"]]
    assert wrong == [4], "case 4 contradicts the rules it is a case of"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
            ("mobile", "iOS", "17", "Mobile Safari", "17", "human"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "HeadlessChrome/120.0.0.0 Safari/537.36",
            ("desktop", "Linux", None, "HeadlessChrome", "120", "bot"),
        ),
        ("", (None, None, None, None, None, "human")),
    ],
)
def test_agents(text: str, expected: tuple[Any, ...]) -> None:
    assert tuple(agent(text)) == expected


def test_ai_agents_are_told_from_other_bots() -> None:
    assert traffic_class("Mozilla/5.0 (compatible; ClaudeBot/1.0)") == "ai_agent"
    assert traffic_class("AhrefsBot/7.0") == "bot"


def test_names_say_what_an_event_is() -> None:
    assert plain("OrderCompleted") == plain("order_completed") == "order completed"
    assert meaning("Buy Button Clicked") == (True, False, False)
    assert meaning("payment_error") == (False, True, False)
    assert meaning("App Crashed") == (False, True, True)
    assert meaning("Clickstream Loaded") == (False, False, False)


def test_the_recorded_mobile_requests_tell_their_devices(datasets: Path) -> None:
    events = []
    for line in (datasets.parent / "reference/mobile-batches.jsonl").read_text().splitlines():
        request = json.loads(line)
        if request["path"].endswith("/batch"):
            events += json.loads(request["body"])["batch"]
    rows = Extractor(Places(), CONVERSIONS).table(events, "web").to_pylist()
    assert {row["platform"] for row in rows} <= {"android", "ios"}
    assert {row["device"] for row in rows} == {"mobile"}
    assert all(row["sdk_session_no"] is None or row["sdk_session_no"] > 10**12 for row in rows)


def test_revenue_beyond_all_reason_counts_as_none_and_does_not_stop_the_load(
    shop: Any, event: Any
) -> None:
    for number, value in enumerate([9.5e14, -9.5e14, 1e300, "9e99", 9e13]):
        shop.load([event.track(number, "Order Completed", properties={"revenue": value})])
    assert shop.sessions("conversions, revenue") == [(5, 9e13)]


def test_values_that_are_equal_but_not_the_same_text_stay_apart(shop: Any, event: Any) -> None:
    values = [1, True, 1.0, "1", {}, ["/x"], "\ud800"]
    shop.load([
        event(number, page="a", context={"userAgent": value, "page": {"url": value}})
        for number, value in enumerate(values)
    ])  # fmt: skip
    assert shop.rows("SELECT url, device IS NOT NULL FROM session_events ORDER BY event_time") == [
        ("1", False), ("true", False), ("1.0", False), ("1", True), (None, False), (None, False),
        ("?", True),
    ]  # fmt: skip
