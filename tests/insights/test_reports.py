"""Reports: every figure has the sessions behind it, and wrong questions are answered clearly."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Report
from sojourn.insights.reports import Reports

SID = 1772452800000
DAY = 86400
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Mobile Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)  # fmt: skip
REFERRERS = ("$direct", "https://www.google.com/", "https://chatgpt.com/", "https://blog.example/x")


def visits(event: Any, seed: int = 5, people: int = 60) -> list[dict[str, Any]]:
    """Two weeks of a shop: pages, clicks, errors, forms, orders, faulty ids, late events."""
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []
    for visit in range(people * 3):
        who, at = f"v{chance.randint(0, people)}", chance.random() * 14 * DAY
        sid: Any = chance.choice([SID + int(at * 1000)] * 6 + [..., None, -1])
        context = {
            "userAgent": chance.choice(AGENTS), "locale": chance.choice(["de-DE", "en-US"]),
            "geo": {"country": chance.choice(["DE", "US", "FR"])},
        }  # fmt: skip
        referrer, user = chance.choice(REFERRERS), chance.choice(["", "", f"user-{who}"])
        for step in range(chance.choice([1, 1, 3, 6, 9])):
            at += chance.choice([0.3, 0.5, 3, 20, 200, 2000])
            page = chance.choice(["home", "list", "item/1", "cart", "pay"])
            more = {"who": who, "userId": user, "delay": chance.choice([0, 0, 0, 5000])}
            url = f"https://shop.example/{page}"
            here = context | {"page": {"url": url, "referrer": referrer if step == 0 else url}}
            name = chance.choice([
                "", "", "", "Buy Clicked", "Buy Clicked", "Payment Failed", "Form Started",
                "Form Submitted", "Order Completed",
            ])  # fmt: skip
            if name:
                properties = {"revenue": 9.99} if name == "Order Completed" else {"target": "buy"}
                events.append(
                    event.track(at, name, sid, context=here, properties=properties, **more)
                )
            else:
                events.append(event(at, sid, context=here, page=page, **more))
        if visit % 10 == 0:
            events.append(event(at + 1, sid, kind="identify", who=who, userId="family"))
    return events


QUESTIONS: list[tuple[str, dict[str, str]]] = [
    ("overview", {}),
    ("overview", {"traffic": "all", "compare": "previous", "from": "2026-03-09"}),
    ("overview", {"compare": "device=mobile"}),
    ("trend", {"from": "2026-03-01", "to": "2026-03-17"}),
    ("trend", {"unit": "hour", "from": "2026-03-03", "to": "2026-03-04"}),
    ("trend", {"unit": "week", "zone": "America/New_York", "traffic": "all"}),
    ("breakdown", {"by": "channel"}),
    ("breakdown", {"by": "country", "compare": "previous", "from": "2026-03-09"}),
    ("breakdown", {"by": "entry_page", "limit": "2"}),
    ("breakdown", {"by": "start_reason", "traffic": "all"}),
    ("breakdown", {"by": "person", "device": "desktop|(none)"}),
    ("journeys", {}),
    ("journeys", {"events": "all", "top": "2", "steps": "4"}),
    ("journeys", {"anchor": "shop.example/cart", "direction": "backward", "compare": "new=yes"}),
    ("transitions", {"events": "all"}),
    ("funnel", {"steps": "shop.example/*|Buy Clicked|Order Completed"}),
    ("funnel", {"steps": "shop.example/list|shop.example/cart", "strict": "yes"}),
    (
        "funnel",
        {"steps": "Buy Clicked|Order Completed", "within": "4", "exclude": "Payment Failed"},
    ),
    ("retention", {"unit": "week", "steps": "3"}),
    ("retention", {"mode": "rolling", "steps": "4", "event": "Order Completed"}),
    ("friction", {}),
    ("problems", {}),
    ("opportunities", {}),
    ("health", {"traffic": "all"}),
    ("differences", {}),
    ("live", {"traffic": "all", "open": "2026-03-05T12:00:00Z"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop_and_reports(module_shop: Any) -> Any:
    shop, events = module_shop
    shop.load(visits(events()))
    shop.load(visits(events(), seed=6, people=10), "app")
    return shop, shop.reports(at=20 * DAY)


def listed(reports: Reports, parameters: Mapping[str, str]) -> int:
    found = reports.run("sessions", {**parameters, "limit": "100000"})
    assert len(found.rows) == found.extra["total"]
    return len(found.rows)


def figures(report: Report) -> list[tuple[str, int, Mapping[str, str]]]:
    """Every figure of a report that stands for sessions: where, how many, and which."""
    found: list[tuple[str, int, Mapping[str, str]]] = []
    columns = list(report.columns)
    if "sessions" in columns:
        index = columns.index("sessions")
        for row, behind in zip(report.rows, report.sessions, strict=True):
            if behind is None:
                continue
            found.append((str(row[0]), row[index], behind))
            for name, narrow in report.extra.get("narrow", {}).items():
                found.append((f"{row[0]} {name}", row[columns.index(name)], {**behind, **narrow}))
    before = report.extra.get("behind_before", ())
    for row, behind in zip(report.rows, before, strict=False):
        found.append((f"{row[0]} before", row[columns.index("sessions_before")], behind))
    for name in ("dropped", "places"):
        parts = report.extra.get(name, ())
        found += [(f"{name} {one}", one["sessions"], one["behind"]) for one in parts]
    return found


@pytest.mark.parametrize(("name", "question"), QUESTIONS, ids=lambda value: str(value)[:60])
def test_every_figure_opens_the_list_of_its_sessions_with_the_same_count(
    shop_and_reports: Any, name: str, question: dict[str, str]
) -> None:
    reports = shop_and_reports[1]
    report = reports.run(name, question)
    found = figures(report)
    for where, count, behind in found[:: 1 + len(found) // 20]:
        assert listed(reports, behind) == count, f"{name}: {where}"
    if name == "live":
        assert report.extra["total"] == listed(reports, report.extra["parameters"]) > 0


def test_the_walk_meets_figures_of_all_reports_but_those_about_one_session(
    shop_and_reports: Any,
) -> None:
    reports = shop_and_reports[1]
    asked = {name for name, _ in QUESTIONS} | {"sessions", "session"}
    assert asked == {spec.name for spec in reports.describe()}
    empty = {name for name, q in QUESTIONS if not figures(reports.run(name, q))}
    assert empty <= {"problems", "opportunities", "differences", "live"}


def test_columns_of_a_journey_sum_to_the_sessions(shop_and_reports: Any) -> None:
    reports = shop_and_reports[1]
    report = reports.run("journeys", {"events": "all", "steps": "6", "top": "3"})
    total = listed(reports, {})
    assert [sum(column.values()) for column in report.extra["columns"]] == [total] * 7
    for step in range(6):
        assert sum(row[3] for row in report.rows if row[0] == step) == total


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("compare", ["device=mobile", "previous"])
def test_both_sides_of_compared_journeys_sum_to_their_sessions(
    shop_and_reports: Any, compare: str, direction: str
) -> None:
    reports = shop_and_reports[1]
    asked = {"from": "2026-03-09", "device": "desktop", "compare": compare, "events": "all"}
    report = reports.run("journeys", asked | {"top": "2", "steps": "4", "direction": direction})
    for side, columns, place in (("total", "columns", 3), ("total_before", "columns_before", 5)):
        total = report.extra[side]
        assert total > 0
        assert [sum(one.values()) for one in report.extra[columns]] == [total] * 5
        for step in range(4):
            assert sum(row[place] for row in report.rows if row[0] == step) == total
    for step in range(4):
        links = [row for row in report.rows if row[0] == step]
        assert sum(row[7] for row in links) == pytest.approx(0)


def test_history_that_is_sent_in_is_told_from_what_comes_late(shop: Any, event: Any) -> None:
    late = event(
        0, who="slow-phone", delay=2 * DAY
    )  # it waited: the clock is right when it is sent
    replayed = event(0, who="imported") | {"receivedAt": "2026-03-12T12:00:00.000Z"}
    skewed = event(9 * DAY, who="wrong-clock") | {"sentAt": "2026-03-01T12:00:00.000Z"}
    shop.load([late, replayed, skewed, event(9 * DAY, who="plain")])
    reports = shop.reports()
    report = reports.run("health", {"from": "2026-03-01"})
    found = {row[1]: row[2] for row in report.rows}
    assert (found["late"], found["history"]) == (1, 1)
    for row, behind in zip(report.rows, report.sessions, strict=True):
        assert reports.run("sessions", behind).extra["total"] == row[2], row[1]
    [facts] = report.extra["events"]
    assert (facts["events"], facts["history"], facts["late_events"], facts["skewed"]) == (
        4,
        1,
        1,
        1,
    )
    assert facts["delay_p99"] < 3 * DAY


def test_one_session_opens_with_its_timeline_and_marks(shop_and_reports: Any) -> None:
    reports = shop_and_reports[1]
    friction = reports.run("friction", {})
    behind = next(b for row, b in zip(friction.rows, friction.sessions, strict=True)
                  if row[0] == "error_exit")  # fmt: skip
    assert behind is not None
    key = reports.run("sessions", behind).rows[0][0]
    report = reports.run("session", {"key": key})
    assert report.extra["session"]["session_key"] == key
    assert report.extra["session"]["events"] == len(report.rows)
    assert "error_exit" in {mark["signal"] for mark in report.extra["marks"]}
    assert report.rows[0][report.columns.index("gap")] is None


def test_metrics_hold_among_each_other(shop_and_reports: Any) -> None:
    rows = {row[0]: row[1] for row in shop_and_reports[1].run("overview", {"traffic": "all"}).rows}
    assert rows["engagement_rate"] + rows["bounce_rate"] == pytest.approx(1)
    assert rows["new_sessions"] + rows["returning_sessions"] == rows["sessions"]
    assert rows["engaged_sessions"] + rows["bounced_sessions"] == rows["counted_sessions"]
    assert rows["people"] <= rows["sessions"]


@pytest.mark.parametrize(
    ("name", "parameters", "text"),
    [
        ("nope", {}, "there is no report 'nope'"),
        ("overview", {"colour": "red"}, "colour: report 'overview' has no such parameter"),
        ("overview", {"from": "yesterdayish"}, "from: 'yesterdayish' is no time"),
        ("overview", {"from": "2026-03-05", "to": "2026-03-01"}, "swap them"),
        ("overview", {"zone": "Mars/Base"}, "zone: 'Mars/Base' is no time zone"),
        ("overview", {"traffic": "aliens"}, "traffic: 'aliens'"),
        ("overview", {"new": "maybe"}, "new: 'maybe' is neither yes nor no"),
        ("overview", {"compare": "colour=red"}, "compare: 'colour=red'"),
        ("trend", {"unit": "eon"}, "unit: 'eon' is none of"),
        ("trend", {"unit": "hour", "from": "2020-01-01"}, "over 2000 steps"),
        ("breakdown", {"by": "shoe size"}, "by: 'shoe size' is none of"),
        ("sessions", {"limit": "many"}, "limit: 'many' is no whole number"),
        ("sessions", {"journey": "{"}, "journey: '{' is no set"),
        ("sessions", {"funnel": '{"steps":3}'}, "funnel: "),
        ("session", {"key": "0"}, "key: there is no session '0'"),
        ("funnel", {"steps": "one"}, "steps: give 2 to 20"),
        ("problems", {"false_discoveries": "2"}, "false_discoveries: give a share"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_named_with_its_fix(
    shop_and_reports: Any, name: str, parameters: dict[str, str], text: str
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        shop_and_reports[1].run(name, parameters)
    assert text in str(caught.value)


def test_text_in_parameters_is_only_ever_a_value(shop_and_reports: Any) -> None:
    reports = shop_and_reports[1]
    text = "x'); DROP TABLE sessions; --"
    for name in ("channel", "page", "has", "lacks", "search", "person", "session", "source"):
        reports.run("sessions", {name: text})
    assert listed(reports, {}) > 0
