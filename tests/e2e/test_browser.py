"""The official JavaScript SDK in a real browser, unchanged, to a table of sessions."""

from __future__ import annotations

import json
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Server, eventually


class Visitor:
    """One browser profile; keeps what it did and what the SDK said its session was."""

    def __init__(self, browser: Any, site: str, server: Server) -> None:
        self._context = browser.new_context()
        self._context.set_default_timeout(60_000)
        self._site = site
        self._server = server
        self.told: Counter[tuple[str, int]] = Counter()
        self.complaints: list[str] = []

    def open(self, page: Any = None, at: str | None = None, **options: Any) -> Any:
        if page is None:
            page = self._context.new_page()
            page.on("console", self._listen)
            page.on("pageerror", lambda error: self.complaints.append(str(error)))
            if at is not None:
                page.clock.install(time=at)
        query = urllib.parse.urlencode(
            {
                "key": self._server.write_key,
                "server": self._server.url,
                "options": json.dumps(options),
            }
        )
        page.goto(f"{self._site}/?{query}")
        page.wait_for_function("window.isReady")
        return page

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def call(self, page: Any, name: str, *arguments: Any) -> int | None:
        """Call the SDK; for event calls, note the session that the SDK then has."""
        session: int | None = page.evaluate(
            "([name, args]) => { analytics[name](...args); return analytics.getSessionId(); }",
            [name, list(arguments)],
        )
        if name in ("page", "track", "identify", "group", "alias"):
            assert session is not None
            self.told[str(arguments[0]), session] += 1
        return session

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def visitor(browser: Any, pages: str, server: Server) -> Iterator[Visitor]:
    visitor = Visitor(browser, pages, server)
    yield visitor
    visitor.close()
    assert visitor.complaints == []


def arrived(server: Server, count: int) -> list[dict[str, Any]]:
    def enough() -> list[dict[str, Any]]:
        events = server.events()
        return events if len(events) >= count else []

    return list(eventually(enough))


def stored(events: list[dict[str, Any]]) -> Counter[tuple[str, int]]:
    return Counter((_label(event), event["context"]["sessionId"]) for event in events)


def _label(event: dict[str, Any]) -> str:
    """The first argument of the call that made the event."""
    key = {"track": "event", "page": "name", "identify": "userId"}[event["type"]]
    return str(event[key])


def tabled(server: Server) -> dict[int, int]:
    """Session id → number of events, from the sessions table."""
    counts: Counter[int] = Counter()
    for session in server.sessions():
        counts[session["session_id"]] += session["events"]
    return dict(counts)


def reported(told: Counter[tuple[str, int]]) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for (_, session), number in told.items():
        counts[session] += number
    return dict(counts)


def test_a_visit_is_stored_event_by_event_with_the_sessions_that_the_sdk_reported(
    visitor: Visitor, server: Server
) -> None:
    page = visitor.open()
    first = visitor.call(page, "page", "Home")
    visitor.call(page, "track", "Product Viewed", {"sku": "A-1", "price": 12.5})
    visitor.call(page, "identify", "user-1", {"plan": "pro"})
    visitor.call(page, "reset", True)
    second = visitor.call(page, "track", "After Reset")
    visitor.call(page, "startSession", 9_876_543_210_123)
    manual = visitor.call(page, "track", "In Manual Session")
    visitor.open(page)  # a reload keeps a manual session
    visitor.call(page, "track", "After Reload")
    visitor.call(page, "endSession")
    visitor.open(page)
    tab = visitor.open()
    third = visitor.call(page, "track", "First Tab")
    assert visitor.call(tab, "track", "Second Tab") == third, "tabs share a session"
    assert len({first, second, manual, third}) == 4

    events = arrived(server, 8)
    assert stored(events) == visitor.told
    assert len({event["messageId"] for event in events}) == len(events)
    eventually(lambda: tabled(server) == reported(visitor.told))
    starts = [e["context"]["sessionId"] for e in events if e["context"].get("sessionStart")]
    assert sorted(starts) == sorted({first, second, manual, third})


def test_what_is_left_when_the_page_goes_arrives_by_beacon(
    visitor: Visitor, server: Server
) -> None:
    page = visitor.open(useBeacon=True)
    visitor.call(page, "page", "Home")
    for number in range(3):
        visitor.call(page, "track", f"Click {number}")
    page.goto("about:blank")
    assert stored(arrived(server, 4)) == visitor.told


def test_a_session_ends_by_inactivity(visitor: Visitor, server: Server) -> None:
    page = visitor.open(at="2026-03-01T10:00:00Z")
    before = visitor.call(page, "page", "Home")
    page.clock.fast_forward("31:00")
    # The session that has run out is renewed by the call itself.
    page.evaluate("analytics.track('Back Again')")
    after = page.evaluate("analytics.getSessionId()")
    assert after - before >= 31 * 60 * 1000
    visitor.told["Back Again", after] += 1

    assert stored(arrived(server, 2)) == visitor.told
    eventually(lambda: tabled(server) == {before: 1, after: 1})


def test_batches_of_the_sdk_are_stored(visitor: Visitor, server: Server) -> None:
    page = visitor.open(queueOptions={"batch": {"enabled": True, "maxItems": 5}})
    for number in range(10):
        visitor.call(page, "track", f"Batched {number}")
    assert stored(arrived(server, 10)) == visitor.told
