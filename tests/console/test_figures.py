from __future__ import annotations

import datetime
import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from sojourn.console import charts, figures
from sojourn.console.filters import conditions, fields
from sojourn.console.sankey import Flow, sankey
from sojourn.core.ports import Parameter, Report, ReportSpec

SPEC = ReportSpec("r", "R", "What it means.")
EVIL = "\"'><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (7, "7"), (12345, "12,345"), (3.417, "3.42"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_numbers_as_people_read_them(value: float, shown: str) -> None:
    assert figures.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"), (0.15, "0.1 s"), (42, "42 s"), (60, "1 min"), (96.4, "1 min 36 s"),
        (3600, "1 h"), (7500, "2 h 5 min"), (273600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_lengths_of_time_as_people_read_them(value: float, shown: str) -> None:
    assert figures.seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0 %"), (0.034, "3.4 %"), (1, "100 %"), (-0.5, "-50.0 %")]
)
def test_shares_as_people_read_them(value: float, shown: str) -> None:
    assert figures.ratio(value) == shown


@given(st.floats(allow_nan=True), st.sampled_from(["number", "ratio", "seconds", "money"]))
def test_any_number_can_be_shown(value: float, kind: str) -> None:
    assert str(figures.show(value, kind))


@given(st.text())
def test_no_text_becomes_html(text: str) -> None:
    # What is plain text here is escaped by the template; what is markup has escaped it already.
    for shown in (figures.moment(text + EVIL), figures.person(text + EVIL), figures.clock(text)):
        assert "<script" not in str(escape(shown))
        assert not isinstance(shown, Markup) or "<script" not in shown


def test_times_are_utc_until_the_page_has_moved_them() -> None:
    at = datetime.datetime(2026, 11, 24, 13, 5, 7, 120_000)  # noqa: DTZ001
    shown = '<time datetime="2026-11-24T13:05:07.120Z">2026-11-24 13:05 UTC</time>'
    assert figures.moment(at) == shown
    assert figures.moment(1_795_525_507_120) == shown
    assert 'datetime="2026-11-24T13:05:07.120Z"' in str(figures.moment("2026-11-24T13:05:07.120Z"))
    assert figures.moment("soon") == "soon"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sessions", "number"), ("engaged_sessions", "number"), ("bounce_rate", "ratio"),
        ("share", "ratio"), ("duration_median", "seconds"), ("engaged_mean", "seconds"),
        ("revenue", "money"), ("views_per_session", "mean"), ("delay_ms", "number"),
        ("change", "ratio"),
    ],
)  # fmt: skip
def test_a_column_is_shown_after_its_name(name: str, kind: str) -> None:
    assert figures.kind_of(name, [1.0, None]) == kind


def report(**more: Any) -> Report:
    rows = [["Direct", 12, 7, 0.5]]
    columns = ["value", "sessions", "engaged_sessions", "bounce_rate"]
    return Report(SPEC, columns, rows, [{"channel": "Direct & co"}], "", more)


def test_a_figure_leads_to_its_sessions_narrowed_as_the_report_says() -> None:
    table = figures.table_of(report(narrow={"engaged_sessions": {"engaged": "yes"}}))
    _, sessions, engaged, _ = table.rows[0]
    assert dict(parse_qsl(urlsplit(sessions.href).query)) == {"channel": "Direct & co"}
    query = dict(parse_qsl(urlsplit(engaged.href).query))
    assert query == {"channel": "Direct & co", "engaged": "yes"}


def test_a_row_without_sessions_has_no_links() -> None:
    table = figures.table_of(Report(SPEC, ["value", "count"], [["a", 1]], [None]))
    assert table.rows[0][1].href == ""


def test_units_decide_how_a_value_is_shown() -> None:
    rows = [["bounce_rate", 0.5, "ratio"], ["duration", 90.0, "seconds"], ["people", 5, "count"]]
    table = figures.table_of(Report(SPEC, ["metric", "value", "unit"], rows))
    assert table.labels == ["Metric", "Value"]
    assert [str(row[1].html) for row in table.rows] == ["50.0 %", "1 min 30 s", "5"]


def test_a_chart_has_a_mark_with_its_value_for_every_label() -> None:
    days = [f"2026-11-{day:02d}" for day in range(1, 11)]
    values: list[float | None] = [float(n) for n in range(9)] + [None]
    series = [charts.Series("sessions", values, [f"/sessions?n={n}" for n in range(10)])]
    svg = str(charts.line_chart(days, series, "number", EVIL, mark=3))
    assert svg.count('class="hit"') == 10
    assert "<title>5 Nov: sessions 4</title>" in svg
    assert 'href="/sessions?n=4"' in svg
    assert 'class="onset"' in svg
    assert "<script>" not in svg


def test_a_chart_of_nothing_is_nothing() -> None:
    assert charts.line_chart([], []) == ""
    assert charts.line_chart(["a"], [charts.Series("x", [None])]) == ""
    assert sankey([], {}, {}, "") == ""


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=40))
def test_lines_stay_inside_their_chart(values: list[float]) -> None:
    svg = str(charts.line_chart([str(n) for n in range(len(values))],
                                [charts.Series("x", values)]))  # fmt: skip
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", svg.split("<polyline")[1].split("/>")[0]):
        assert 0 <= float(x) <= charts.WIDTH
        assert 0 <= float(y) <= 220


def test_a_sankey_names_and_links_every_node_and_band() -> None:
    flows = [
        Flow(0, "(entry)", EVIL, 10, "/sessions?a=1"),
        Flow(0, "(entry)", "/b", 5, "/sessions?a=2"),
        Flow(1, EVIL, "(exit)", 10, "/sessions?a=3"),
    ]
    svg = str(sankey(flows, {"/b": "/journeys?anchor=%2Fb"}, {"/b": "B"}, "Journeys"))
    assert svg.count('class="band"') == 3
    assert svg.count("<g class=") == 4
    assert 'href="/journeys?anchor=%2Fb"' in svg
    assert "<title>B: 5 sessions</title>" in svg
    assert "<script>" not in svg


def test_a_compared_sankey_colours_what_differs() -> None:
    flows = [
        Flow(0, "(entry)", "/a", 9, "/sessions?a=1", 0.5, 0.08),
        Flow(0, "(entry)", "/b", 1, "/sessions?a=2", 0.3, -0.08),
        Flow(0, "(entry)", "/c", 2, "/sessions?a=3", 0.2, 0.001),
    ]
    svg = str(sankey(flows, {}, {}, "Journeys"))
    assert svg.count('class="band more-3"') == 1
    assert svg.count('class="band less-3"') == 1
    assert svg.count('class="band"') == 1
    assert "(entry) → /b: 1 sessions, −8.0 points" in svg
    assert ">9 +8.0</tspan>" in svg


def test_labels_of_small_nodes_do_not_touch() -> None:
    flows = [Flow(0, "(entry)", f"/{n}", 1000 if n == 0 else 1) for n in range(9)]
    places = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', str(sankey(flows, {}, {}, "")))
    last = max(float(x) for x, _ in places)
    tops = sorted(float(y) for x, y in places if float(x) == last)
    assert len(tops) == 9
    assert min(b - a for a, b in pairwise(tops)) >= 13


def test_fields_are_those_of_the_reports_each_once() -> None:
    one = ReportSpec("a", "A", "", (Parameter("from", "First day."), Parameter("limit", "Rows.")))
    two = ReportSpec("b", "B", "", (Parameter("from", "First day."), Parameter("by", "What.")))
    found = fields([one, two], {"from": "2026-11-01"})
    assert [field.name for field in found] == ["by", "from"]
    assert [field.date for field in found] == [False, True]
    assert not fields([one], {"from": "7d"})[0].date


@given(st.dictionaries(st.sampled_from(["funnel", "journey", "cohort", "friction"]), st.text()))
def test_sets_are_told_in_words_whatever_they_hold(parameters: dict[str, str]) -> None:
    assert len(conditions(parameters)) == len(parameters)


def test_the_set_of_a_funnel_is_told_in_words() -> None:
    text = '{"steps": ["A", "B"], "reached": 1, "missed": 2}'
    assert conditions({"funnel": text, "zone": "UTC"}) == [("funnel", "Funnel", "reached A, not B")]
