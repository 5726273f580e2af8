from __future__ import annotations

import re
import urllib.parse
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from .browsing import ask, first_key, opening


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
