"""Identity and session that a client holds."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn import AppInfo, Client, Delivery, MemoryStore, Sessions

START = 1_795_516_770_000


def test_identity_and_session_are_held(stub: Any, desktop: Client, clock: Any) -> None:
    desktop.track("one")
    first = stub.last(desktop)
    assert first["anonymousId"] == desktop.anonymous_id
    assert first["context"]["sessionId"] == START == desktop.session_id
    assert first["context"]["sessionStart"] is True
    assert first["context"]["app"] == {"name": "Shop", "version": "1.2", "build": "7"}
    clock.ms += 1000
    desktop.identify("u", {"plan": "pro"})
    desktop.track("two")
    second = stub.last(desktop)
    assert second["userId"] == "u" == desktop.user_id
    assert second["context"]["traits"] == {"plan": "pro"}
    assert second["context"]["sessionId"] == START
    assert "sessionStart" not in second["context"]
    clock.ms += 30 * 60_000 + 1
    assert desktop.session_id is None
    desktop.track("three")
    third = stub.last(desktop)
    assert third["context"]["sessionId"] == clock.ms
    assert third["context"]["sessionStart"] is True


def test_the_short_cut_for_usual_events_moves_the_expiry(
    stub: Any, desktop: Client, clock: Any
) -> None:
    for _ in range(10):
        desktop.track("E")
        clock.ms += 29 * 60_000
    assert {e["context"]["sessionId"] for e in stub.accepted or [stub.last(desktop)]} == {START}
    clock.ms += 61_000
    assert desktop.session_id is None
    clock.ms -= 61_000
    assert desktop.session_id == START


def test_reset_forgets_the_person_and_begins_a_session(
    stub: Any, desktop: Client, clock: Any
) -> None:
    desktop.identify("u", {"plan": "pro"})
    before = desktop.anonymous_id
    clock.ms += 5
    desktop.reset()
    assert (desktop.user_id, desktop.traits, desktop.anonymous_id) == (None, {}, before)
    assert desktop.session_id == START + 5
    desktop.reset(anonymous_id=True)
    assert desktop.anonymous_id != before
    assert desktop.set_anonymous_id("mine") == "mine" == desktop.anonymous_id


def test_another_person_gets_another_session_and_no_traits(
    stub: Any, desktop: Client, clock: Any
) -> None:
    desktop.identify("u1", {"plan": "pro"})
    clock.ms += 5
    desktop.identify("u2", {"age": 3})
    event = stub.last(desktop)
    assert event["context"]["traits"] == {"age": 3} == desktop.traits
    assert event["context"]["sessionId"] == START + 5
    assert event["context"]["sessionStart"] is True


def test_manual_sessions(stub: Any, desktop: Client, clock: Any) -> None:
    assert desktop.start_session(1234567890) == 1234567890
    clock.ms += 10**9
    desktop.track("E")
    assert stub.last(desktop)["context"]["sessionId"] == 1234567890
    desktop.end_session()
    assert desktop.session_id is None
    desktop.track("E")
    assert "sessionId" not in stub.last(desktop)["context"]


def test_opting_out_drops_events(stub: Any, desktop: Client) -> None:
    desktop.opt_out()
    assert desktop.track("E") is None
    assert desktop.stats.dropped == 1
    desktop.opt_out(False)
    assert desktop.track("E")


def test_a_server_holds_no_person(stub: Any, server: Client) -> None:
    server.identify("u", {"plan": "pro"})
    assert (server.user_id, server.anonymous_id, server.traits) == (None, "", {})
    with pytest.raises(ValueError, match="neither"):
        server.track("E")
    assert server.session_id is None


def test_lifecycle_events_come_before_the_first_event(stub: Any, clock: Any) -> None:
    store = MemoryStore()
    for version, expected in (("1.0", "Installed"), ("2.0", "Updated")):
        app = AppInfo("Shop", version, 1 if version == "1.0" else 2)
        c = Client("key", stub.url, profile="android", storage=store, app=app, clock=clock)
        c.track("E")
        c.close()
        names = stub.names[-3:]
        assert names == [f"Application {expected}", "Application Opened", "E"]
        assert stub.accepted[-3]["context"]["sessionStart" if version == "1.0" else "sessionId"]
    c = Client(
        "key",
        stub.url,
        profile="desktop",
        sessions=Sessions(lifecycle_events=True),
        storage=MemoryStore(),
        app=AppInfo("Shop", "1.0"),
        clock=clock,
    )
    c.track("E")
    c.background()
    c.foreground()
    c.close()
    assert stub.names[-5:] == [
        "Application Installed",
        "Application Opened",
        "E",
        "Application Backgrounded",
        "Application Opened",
    ]


def test_going_to_the_background_sends_the_queue_off(stub: Any, eventually: Any) -> None:
    slow = Delivery(interval=60)
    c = Client("key", stub.url, profile="desktop", storage=MemoryStore(), delivery=slow)
    c.track("E")
    c.background()
    eventually(lambda: stub.names == ["E"])
    c.close()
