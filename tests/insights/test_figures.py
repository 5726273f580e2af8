"""Funnels, retention, friction and the rules of other tools, on cases made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SID = 1772452800000
HOUR, DAY = 3600, 86400


def test_funnels_take_the_deepest_attempt_from_the_earliest_start(
    make_shop: Callable[..., Any], event: Any
) -> None:
    shop = make_shop()
    shop.load([
        event(0, SID, page="a"), event(10, SID, page="x"), event(20, SID, page="a"),
        event(50, SID, page="b"), event(90, SID, page="c"),
        event(0, SID, who="two", page="a"), event(5, SID, who="two", page="b"),
        event(0, SID, who="three", page="b"), event(5, SID, who="three", page="a"),
    ])  # fmt: skip
    steps = {"steps": "shop.example/a|shop.example/b|shop.example/c"}
    report = shop.reports().run("funnel", steps)
    assert [row[2:6] for row in report.rows] == [
        [3, 1.0, 1.0, 1], [2, 2 / 3, 2 / 3, 1], [1, 1 / 3, 1 / 2, 0],
    ]  # fmt: skip
    assert report.rows[2][6] == 90.0
    assert report.extra["dropped"][0]["next"] == [{"node": "(exit)", "sessions": 1}]
    strict = shop.reports().run("funnel", {**steps, "strict": "yes"})
    assert [row[2] for row in strict.rows] == [3, 1, 0]
    without = shop.reports().run("funnel", {**steps, "exclude": "shop.example/x"})
    assert [row[2] for row in without.rows] == [2, 1, 0]


def test_a_funnel_over_several_sessions_of_a_person(shop: Any, event: Any) -> None:
    days = [(0, "a"), (1, "z"), (2, "b"), (9, "c")]
    shop.load([event(n * DAY, SID + n * DAY * 1000, page=page) for n, page in days])
    counts = [
        [row[2] for row in shop.reports().run(
            "funnel", {"steps": "shop.example/a|shop.example/b|shop.example/c", "within": within}
        ).rows]
        for within in ("1", "3", "4")
    ]  # fmt: skip
    assert counts == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_retention_counts_people_by_their_first_session(shop: Any, event: Any) -> None:
    shop.load([
        event(n * DAY, SID + n, who=who)
        for who, days in {"a": (0, 1, 3), "b": (0, 3), "c": (0,)}.items() for n in days
    ])  # fmt: skip
    report = shop.reports().run("retention", {"steps": "3"})
    assert [row[1:] for row in report.rows if row[0].day == 2] == [
        [3, 0, 3, 1.0, 3], [3, 1, 1, 1 / 3, 1], [3, 2, 0, 0.0, 0], [3, 3, 2, 2 / 3, 2],
    ]  # fmt: skip
    rolling = shop.reports().run("retention", {"steps": "3", "mode": "rolling"})
    assert [row[3] for row in rolling.rows] == [3, 2, 2, 2]


def test_friction_signals(shop: Any, event: Any) -> None:
    def click(at: float, who: str, target: str = "buy") -> dict[str, Any]:
        return event.track(at, "Button Clicked", SID, who=who, properties={"target": target})

    shop.load([
        click(0, "rage"), click(0.6, "rage"), click(1.5, "rage"), click(1.6, "rage", "other"),
        click(0, "calm"), click(1.1, "calm"), click(2.2, "calm"),
        click(0, "dead"), event(8, SID, who="dead"),
        click(0, "alive"), event(6, SID, who="alive"),
        click(0, "error"), event.track(0.9, "Payment Error", SID, who="error"),
        event(0, SID, who="back", page="a"), event(1, SID, who="back", page="b"),
        event(5, SID, who="back", page="a"),
        *(event(n * 10, SID, who="loop", page="ab"[n % 2]) for n in range(4)),
        event.track(0, "Form Started", SID, who="form", properties={"form": "f"}),
        event.track(0, "Form Started", SID, who="done", properties={"form": "f"}),
        event.track(9, "Form Submitted", SID, who="done", properties={"form": "f"}),
    ])  # fmt: skip
    reports = shop.reports()
    report = reports.run("friction", {})
    found = {}
    for row, behind in zip(report.rows, report.sessions, strict=True):
        assert behind is not None
        sessions = reports.run("sessions", behind)
        found[row[0]] = {line[sessions.columns.index("visitor_id")] for line in sessions.rows}
    assert found == {
        "rage_click": {"rage"}, "dead_click": {"dead"}, "error_click": {"error"},
        "error_exit": {"error"}, "quick_back": {"back"}, "retry_loop": {"loop"},
        "abandoned_form": {"form"},
    }  # fmt: skip


def test_differences_tell_midnight_campaigns_and_ids_apart(shop: Any, event: Any) -> None:
    midnight = 12 * HOUR
    tagged = {"page": {"url": "https://shop.example/a?utm_source=news&utm_medium=email"}}
    other = {"page": {"url": "https://shop.example/a?utm_source=ads&utm_medium=cpc"}}
    shop.load([
        event(midnight - 60, SID, context=tagged), event(midnight + 60, SID),
        event(midnight + 120, SID, context=other), event(midnight + 180),
    ])  # fmt: skip
    report = shop.reports().run("differences", {})
    assert {row[0]: row[2] for row in report.rows} == {
        "sojourn": 1, "ga4": 1, "matomo": 3, "amplitude": 1,
    }  # fmt: skip
    assert report.extra["out_of_session"] == 1
