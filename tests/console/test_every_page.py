"""What holds for every page of the console."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from .browsing import PATIENCE_S, first_key, opening

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
FUNNEL = (
    "/funnels?step=Product+Viewed&step=Product+Added&step=Checkout+Started&step=Order+Completed"
)
PAGES = {
    "overview": "/",
    "overview of 28 days": "/?from=28d&metric=revenue",
    "breakdown": "/breakdown?by=entry_page",
    "live": "/live",
    "sessions": "/sessions",
    "no sessions": "/sessions?from=2020-01-01&to=2020-01-02",
    "session": "/sessions/{key}",
    "no session": "/sessions/nope",
    "journeys": "/journeys",
    "funnels": FUNNEL,
    "funnel to build": "/funnels",
    "retention": "/retention",
    "problems": "/problems",
    "sources": "/sources",
    "destinations": "/destinations",
    "warehouse": "/warehouse",
    "settings": "/settings",
    "login": "/login",
    "nothing": "/nope",
}
EXPECTED_TO_FAIL = {"no session": 404, "nothing": 404}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_small_and_without_errors(
    opened: Any, browser: Browser, name: str
) -> None:
    path = PAGES[name].replace("{key}", first_key(opened))
    with opening(browser, reduced_motion="reduce") as (page, troubles):
        sizes: list[int] = []
        page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", "0"))))
        answer = page.goto(opened.url + path)
        assert answer is not None
        assert answer.status == EXPECTED_TO_FAIL.get(name, 200)
        page.wait_for_selector("[aria-busy]", state="detached")
        assert sum(sizes) < 300_000
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        expect(page.locator("details[data-lazy]:not([data-fetched])")).to_have_count(0)
        page.evaluate(AXE.read_text())
        assert serious(page.evaluate("axe.run()")) == []
        page.emulate_media(color_scheme="dark")
        dark = page.evaluate("axe.run({ runOnly: ['color-contrast'] })")
        assert serious(dark) == []
        page.set_viewport_size({"width": 360, "height": 700})
        # Narrow screens need no sideways scrolling of the page.
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        if name in EXPECTED_TO_FAIL:
            troubles = [one for one in troubles if "404" not in one]
        assert troubles == []


def serious(found: Any) -> list[Any]:
    """The violations that keep somebody out, with the first elements of each."""
    return [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


FIRST_PAINT = """() => new Promise((resolve) => new PerformanceObserver(
    (list) => resolve(list.getEntries()[0].startTime)
).observe({ type: "paint", buffered: true }))"""


def test_the_first_paint_comes_within_300_ms(opened: Any, browser: Browser) -> None:
    with opening(browser) as (page, _):
        page.goto(opened.url + "/")
        paints, empty = [page.evaluate(FIRST_PAINT)], []
        # The machine may be busy with other tests: the best of many loads is the page's own, and
        # where even an empty page takes its time, that is the measure.
        deadline = time.monotonic() + PATIENCE_S
        while paints[-1] >= 300 and time.monotonic() < deadline:
            page.goto("data:text/html,<p>nothing")
            empty.append(page.evaluate(FIRST_PAINT))
            page.goto(opened.url + "/")
            paints.append(page.evaluate(FIRST_PAINT))
        assert min(paints) < max(300, *(4 * paint for paint in empty[-9:]), 0), (paints, empty)
