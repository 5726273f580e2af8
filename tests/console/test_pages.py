from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

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
PATIENCE_S = 60
"""How long to wait for what a page is about to show: the machine may be busy with other tests."""

expect.set_options(timeout=PATIENCE_S * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextlib.contextmanager
def opening(browser: Browser, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page in a fresh profile, and what goes wrong on it."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_S * 1000)
    page, troubles = context.new_page(), []
    page.on("console", lambda said: troubles.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    try:
        yield page, troubles
    finally:
        context.close()


def ask(served: Any, path: str) -> Any:
    with urllib.request.urlopen(served.url + path, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def first_key(served: Any) -> str:
    report = ask(served, "/api/reports/sessions?converted=yes&limit=1&sort=events")
    key: str = report["rows"][0][report["columns"].index("session_key")]
    return key


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


def figure(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def follow(page: Page, link: Locator, pattern: str) -> None:
    """Choose a link or a button, and wait until the page that it leads to is there."""
    before = page.url
    link.click()
    page.wait_for_url(lambda url: url != before and re.search(pattern, url) is not None)


def reached(page: Page) -> list[float]:
    """The sessions of each of a funnel's three steps, once they are shown."""
    shown = page.locator(".funnel .reached")
    expect(shown).to_have_count(3)
    return [figure(text) for text in shown.all_inner_texts()]


def test_figures_are_those_of_the_api_and_open_exactly_their_sessions(
    opened: Any, browser: Browser, warehouse: Any
) -> None:
    with opening(browser, timezone_id="UTC") as (page, _):
        page.goto(opened.url + "/?from=28d")
        tile = page.locator(".figures div", has_text="Sessions").first
        shown = figure(tile.locator("dd.value").inner_text())
        report = ask(opened, "/api/reports/overview?from=28d")
        assert shown == report["rows"][0][1]
        [[counted]] = warehouse.execute(
            "SELECT count(*) FROM sessions WHERE traffic_class = 'human'"
        ).fetchall()
        assert shown == counted
        follow(page, tile.locator("dd.value a"), "/sessions[?]")
        assert figure(page.locator("h1 + .lede").inner_text()) == shown
        page.goto(opened.url + "/?from=28d")
        row = page.locator("section[aria-label='Channels'] tbody tr").nth(1)
        link = row.locator("td a").first
        shown = figure(link.inner_text())
        follow(page, link, "/sessions[?]")
        assert figure(page.locator("h1 + .lede").inner_text()) == shown


def test_every_linked_figure_opens_as_many_sessions_as_it_says(opened: Any) -> None:
    for name in ("breakdown?by=device", "breakdown?by=browser", "trend?from=7d"):
        report = ask(opened, f"/api/reports/{name}")
        place = report["columns"].index("sessions")
        for row, behind in zip(report["rows"], report["sessions"], strict=True):
            query = urllib.parse.urlencode(behind)
            assert ask(opened, f"/api/reports/sessions?{query}")["extra"]["total"] == row[place]


def test_times_are_in_the_zone_of_the_reader(opened: Any, browser: Browser) -> None:
    path = f"{opened.url}/sessions/{first_key(opened)}"
    seen = []
    for zone in ("UTC", "Asia/Tokyo"):
        with opening(browser, timezone_id=zone, locale="en-GB") as (page, _):
            page.goto(path)
            # The script that moves a time to the zone gives it a title.
            seen.append(page.locator(".timeline .at time[title]").first.inner_text())
    hours = [int(text.split(":")[0]) for text in seen]
    assert (hours[1] - hours[0]) % 24 == 9


def test_filters_are_in_the_url_and_survive_the_way_to_other_pages(
    opened: Any, browser: Browser
) -> None:
    with opening(browser) as (page, _):
        page.goto(opened.url + "/sessions")
        page.get_by_text("More filters").click()
        page.get_by_label("Channel").select_option("Email")
        follow(page, page.get_by_role("button", name="Show"), "channel=Email")
        assert "from=" not in page.url
        channels = page.locator("tbody td:nth-child(4)")
        expect(channels).not_to_have_count(0)
        assert set(channels.all_inner_texts()) == {"Email"}
        page.goto(opened.url + "/?from=24h")
        follow(page, page.get_by_role("link", name="Journeys"), r"/journeys\?from=24h$")


def test_the_keyboard_reaches_the_content_and_the_menu(opened: Any, browser: Browser) -> None:
    with opening(browser, viewport={"width": 380, "height": 700}) as (page, _):
        page.goto(opened.url + "/")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_focused()
        menu = page.get_by_role("button", name="Menu")
        expect(page.get_by_role("link", name="Sources")).to_be_hidden()
        menu.focus()
        page.keyboard.press("Enter")
        expect(menu).to_have_attribute("aria-expanded", "true")
        expect(page.get_by_role("link", name="Sources")).to_be_visible()


def test_the_theme_follows_the_system_until_the_reader_chooses(
    opened: Any, browser: Browser
) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    changed = f"before => {colour} !== before"
    with opening(browser, color_scheme="dark") as (page, _):
        page.goto(opened.url + "/warehouse")
        dark = page.evaluate(colour)
        page.get_by_role("button", name="Dark or light").click()
        page.wait_for_function(changed, arg=dark)
        light = page.evaluate(colour)
        page.reload()
        assert page.evaluate(colour) == light


def test_live_follows_what_happens_and_can_be_paused(opened: Any, browser: Browser) -> None:
    with opening(browser) as (page, troubles):
        page.goto(opened.url + "/live")
        page.locator("[data-live-state].on").wait_for()
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("[data-live-state]")).to_have_text("paused")
        page.get_by_role("button", name="Go on").click()
        page.locator("[data-live-state].on").wait_for()
        assert troubles == []


def test_a_funnel_is_built_saved_and_opened_again(opened: Any, browser: Browser) -> None:
    with opening(browser) as (page, troubles):
        page.goto(opened.url + "/funnels")
        page.get_by_label("Step 1").fill("Product Viewed")
        page.get_by_label("Step 2").fill("Checkout Started")
        page.get_by_role("button", name="Add a step").click()
        page.get_by_label("Step 3").fill("Order Completed")
        follow(page, page.get_by_role("button", name="Show", exact=True), "step=Order")
        counts = reached(page)
        assert counts == sorted(counts, reverse=True)
        page.get_by_label("Save this funnel").fill("To the order")
        follow(page, page.get_by_role("button", name="Save", exact=True), "steps=")
        page.goto(opened.url + "/funnels")
        follow(page, page.get_by_role("link", name="To the order"), "steps=")
        assert reached(page) == counts
        assert troubles == []
    opened.console.saved.remove("funnels", "To the order")


def test_someone_logs_in_looks_around_and_logs_out(closed: Any, browser: Browser) -> None:
    with opening(browser) as (page, troubles):
        page.goto(closed.url + "/sessions?channel=Email")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(closed.password)
        follow(page, page.get_by_role("button", name="Log in"), r"/sessions\?channel=Email$")
        follow(page, page.get_by_role("button", name="Log out"), "/login")
        page.goto(closed.url + "/")
        expect(page).to_have_url(re.compile("/login"))
        assert troubles == []


def test_the_planted_problem_is_found_in_two_clicks(opened: Any, browser: Browser) -> None:
    with opening(browser) as (page, _):
        page.goto(opened.url + "/")
        strip = page.locator(".strip a")
        expect(strip).to_contain_text("Mobile Safari")
        follow(page, strip, "/problems")
        card = page.locator(".problem-card").first
        expect(card.locator("svg.chart .onset")).to_have_count(1)
        expect(card).to_contain_text("since 2026-11-")
        follow(page, card.get_by_role("link", name="See the sessions"), "/sessions[?]")
        assert figure(page.locator("h1 + .lede").inner_text()) > 10


def test_the_difference_of_two_segments_is_in_the_picture_and_opens_its_sessions(
    opened: Any, browser: Browser
) -> None:
    with opening(browser, timezone_id="UTC") as (page, troubles):
        page.goto(opened.url + "/journeys?device=mobile&compare=device%3Ddesktop&events=all")
        expect(page.locator(".diverging")).to_contain_text("sessions against")
        expect(page.locator(".sankey .less-3").first).to_be_visible()
        more = page.locator(".sankey a:has(.more-3)").first
        text = more.locator("title").text_content() or ""
        shown = figure(text.split(": ")[1].split(" sessions")[0])
        page.goto(f"{opened.url}{more.get_attribute('href')}")
        assert figure(page.locator("h1 + .lede").inner_text()) == shown
        assert troubles == []
