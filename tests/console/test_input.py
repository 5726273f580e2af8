from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sojourn.console import ConsoleSettings

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


QUERIES = (
    {"from": EVIL, "channel": EVIL, "key": EVIL, "by": EVIL, "unit": EVIL},
    {"channel": EVIL, "search": EVIL, "offset": EVIL, "metric": EVIL, "next": EVIL},
    {"channel": "Email", "anchor": EVIL, "step": [EVIL, EVIL], "snippet": EVIL},
)


PAGES = (
    "/",
    "/breakdown",
    "/breakdown/card",
    "/live",
    "/sessions",
    "/sessions/nope",
    "/journeys",
    "/journeys/table",
    "/journeys/transitions",
    "/funnels",
    "/retention",
    "/problems",
    "/problems/strip",
    "/sources",
    "/sources/differences",
    "/destinations",
    "/warehouse",
    "/settings",
    "/login",
    "/nope",
)


@pytest.mark.parametrize("path", PAGES)
def test_no_page_reflects_input_unescaped(opened: Any, path: str) -> None:
    with opened.client() as one:
        for query in QUERIES:
            text = one.get(path, params=query).text
            assert "<script>alert" not in text, query
            assert "<img" not in text, query
        text = one.get(f"{path}/{EVIL}").text
        assert "<script>alert" not in text
        assert "<img" not in text


EVIL_PAGES = (
    "/sessions?search=%3Cscript&traffic=all&from=90d",
    "/breakdown?by=campaign&traffic=all&from=90d",
    "/breakdown?by=person&traffic=all&from=90d&limit=2000",
)


def test_stored_input_is_escaped(opened: Any) -> None:
    with opened.client() as one:
        token = one.token("/sessions?channel=Email")
        saved = {"name": EVIL, "parameter.search": EVIL, "csrf": token}
        assert one.post("/saved/segments", data=saved).status_code == 303
        note = {"text": EVIL, "csrf": token}
        assert one.post("/problems/0123456789abcdef", data=note).status_code == 303
        for path in ("/", "/sessions", "/settings", "/problems", *EVIL_PAGES):
            text = one.get(path).text
            assert "<script>alert" not in text, path
            assert "<img" not in text, path
        for path in ("/settings", "/sources", "/destinations", "/warehouse", *EVIL_PAGES):
            assert "&lt;script&gt;alert" in one.get(path).text, path
        one.post("/saved/segments", data={"name": EVIL, "remove": "yes", "csrf": token})
        one.post("/problems/0123456789abcdef", data={"text": "", "csrf": token})


def test_a_broken_report_is_told_in_words_and_never_as_a_traceback(
    opened: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with opened.client() as one:
        refused = one.get("/sessions", params={"from": "soon"})
        assert refused.status_code == 400
        assert "is no time; give a date" in refused.text
        broken = one.get("/sessions", params={"channel": "boom"})
        assert "log says why" in broken.text
        assert "Traceback" not in broken.text
        assert one.get("/sessions/nope").status_code == 404
        assert one.get("/nope").status_code == 404
        assert one.post("/").status_code == 405
        assert one.get("/static/../app.py").status_code == 404
        assert one.get("/static/%2e%2e/app.py").status_code == 404


def test_a_form_that_is_too_large_is_refused(opened: Any) -> None:
    with opened.client() as one:
        answer = one.post("/saved/import", data={"toml": "x" * 3_000_000, "csrf": "x"})
        assert answer.status_code == 413


def test_saved_funnels_come_back_from_their_export(opened: Any) -> None:
    with opened.client() as one:
        token = one.token("/funnels?step=a&step=b")
        name = 'From "product" to \\ order · 日本'
        fields = {"name": name, "parameter.steps": "Product Viewed,Order Completed", "csrf": token}
        assert one.post("/saved/funnels", data=fields).status_code == 303
        exported = opened.console.saved.export_toml()
        one.post("/saved/funnels", data={"name": name, "remove": "yes", "csrf": token})
        assert opened.console.saved.all("funnels") == {}
        answer = one.post("/saved/import", data={"toml": exported, "csrf": token})
        assert answer.status_code == 303
        assert name in opened.console.saved.all("funnels")
        for bad in ("not toml", "[funnels.x]\nsteps = {}", "[other.x]\na = 'b'", "funnels = 1"):
            assert one.post("/saved/import", data={"toml": bad, "csrf": token}).status_code == 400
        opened.console.saved.remove("funnels", name)


def test_a_view_is_saved_as_a_report_and_opened_from_the_overview(opened: Any) -> None:
    with opened.client() as one:
        page = one.get("/breakdown?by=browser&device=mobile").text
        assert 'name="parameter.report" value="breakdown"' in page
        fields = {"name": "Phones", "parameter.report": "breakdown", "parameter.by": "browser"}
        fields |= {"parameter.device": "mobile", "csrf": one.token("/breakdown?by=browser")}
        saved = one.post("/saved/reports", data=fields)
        assert saved.headers["location"] == "/breakdown?by=browser&device=mobile"
        assert "/breakdown?by=browser&amp;device=mobile" in one.get("/").text
        wrong = {**fields, "name": "Wrong", "parameter.hat": "red"}
        refused = one.post("/saved/reports", data=wrong)
        assert refused.status_code == 400
        assert "reports.Wrong.hat" in refused.text
        opened.console.saved.remove("reports", "Phones")


def test_live_streams_are_server_sent_events_that_end_when_the_console_stops(
    serve_console: Callable[..., Any],
) -> None:
    with (
        serve_console(ConsoleSettings(open_access=True, live_interval_s=0.05)) as served,
        served.client() as one,
        one.stream("GET", "/live/stream") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        data = next(line for line in lines if line.startswith("data: "))
        assert json.loads(data.removeprefix("data: "))["name"] == "live"
        served.console.stop()
        assert list(lines) is not None
