"""The six calls and their options: what stands in the event, and what misuse does."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import Any

import pytest

from sojourn import Client, MemoryStore
from sojourn.sdk.version import VERSION

START = 1_795_516_770_000
LOOP: list[Any] = []
LOOP.append(LOOP)


def test_a_track_event_on_the_wire(stub: Any, server: Client) -> None:
    message_id = server.track("Order Completed", {"revenue": 12.5}, user_id="u-1")
    event = stub.last(server)
    assert event == {
        "type": "track",
        "messageId": message_id,
        "originalTimestamp": "2026-11-24T10:39:30.000Z",
        "userId": "u-1",
        "channel": "server",
        "event": "Order Completed",
        "properties": {"revenue": 12.5},
        "context": {"library": {"name": "sojourn", "version": VERSION}},
        "integrations": {"All": True},
        "sentAt": "2026-11-24T10:39:30.000Z",
    }


def test_the_other_calls_on_the_wire(stub: Any, server: Client) -> None:
    server.page("Home", {"path": "/"}, category="Shop", anonymous_id="a")
    event = stub.last(server)
    assert (event["type"], event["name"], event["category"]) == ("page", "Home", "Shop")
    assert event["properties"] == {"name": "Home", "category": "Shop", "path": "/"}
    assert event["anonymousId"] == "a"
    server.screen("Cart", anonymous_id="a")
    event = stub.last(server)
    assert (event["type"], event["name"], event["properties"]) == (
        "screen",
        "Cart",
        {"name": "Cart"},
    )
    server.identify("u", {"plan": "pro"}, anonymous_id="a")
    event = stub.last(server)
    assert (event["userId"], event["anonymousId"]) == ("u", "a")
    assert event["context"]["traits"] == {"plan": "pro"}
    server.group("g", {"size": 3}, user_id="u")
    event = stub.last(server)
    assert (event["groupId"], event["traits"]) == ("g", {"size": 3})
    server.alias("new", "old")
    event = stub.last(server)
    assert (event["userId"], event["previousId"]) == ("new", "old")


def test_options_go_where_they_belong(stub: Any, server: Client) -> None:
    when = datetime.datetime(2020, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
    message_id = server.track(
        "E",
        user_id="u",
        anonymous_id="a",
        session_id=1234567890,
        context={"page": {"url": "https://x"}, "sessionId": 5, "sessionStart": True},
        integrations={"All": False},
        timestamp=when,
        message_id='my "id"',
    )
    event = stub.last(server)
    assert message_id == event["messageId"] == 'my "id"'
    assert event["originalTimestamp"] == "2020-01-02T03:04:05.678Z"
    assert event["integrations"] == {"All": False}
    assert event["context"]["page"] == {"url": "https://x"}
    assert event["context"]["sessionId"] == 1234567890  # ours wins over the context's
    assert "sessionStart" not in event["context"]
    assert event["context"]["library"]["name"] == "sojourn"


def test_without_a_session_the_callers_session_keys_go_out(stub: Any, server: Client) -> None:
    server.track("E", user_id="u", context={"sessionId": 5})
    assert stub.last(server)["context"]["sessionId"] == 5


def test_the_callers_objects_are_never_changed(stub: Any, desktop: Client) -> None:
    properties = {"a": {"b": [1, {"c": None}]}, "nan": float("nan")}
    context = {"page": {"x": 1}, "sessionId": 3}
    traits = {"plan": "pro"}
    before = copy.deepcopy((properties, context, traits))
    desktop.track("E", properties, context=context)
    desktop.identify("u", traits, context=context)
    desktop.page("P", properties)
    desktop.group("g", traits)
    traits["plan"] = "free"
    assert desktop.traits == {"plan": "pro"}
    traits["plan"] = "pro"
    assert repr((properties, context, traits)) == repr(before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.track(5, user_id="u"), "event must be a str, not int"),
        (lambda c: c.track("E", [1], user_id="u"), "properties must be a mapping, not list"),
        (lambda c: c.page("P", "x", user_id="u"), "properties must be a mapping, not str"),
        (lambda c: c.track("E", user_id=1.5), "user_id must be a str, not float"),
        (lambda c: c.track("E", userid="u"), "no option userid: there are anonymous_id"),
        (lambda c: c.track("E", user_id="u", context="x"), "context must be a mapping"),
        (lambda c: c.track("E", user_id="u", integrations=[1]), "integrations must be a mapping"),
        (lambda c: c.track("E", user_id="u", session_id="1"), "session_id must be an int"),
        (lambda c: c.track("E", user_id="u", message_id=b"1"), "message_id must be a str"),
        (lambda c: c.identify("u", [1]), "traits must be a mapping, not list"),
        (lambda c: c.track("E", {"l": LOOP}, user_id="u"), "contains itself"),
        (lambda c: c.track("E"), "neither user_id nor anonymous_id"),
        (lambda c: c.track("E", user_id="u", timestamp="today"), "timestamp must be a datetime"),
        (lambda c: c.identify(True), "user_id must be a str, not bool"),
        (lambda c: c.group(None, user_id="u"), "group_id must be a str"),
        (lambda c: c.page(7, user_id="u"), "name must be a str"),
        (lambda c: c.alias("a", b"5"), "previous_id must be a str"),
    ],
)
def test_misuse_raises_if_strict_and_is_counted_otherwise(
    call: Any, message: str, stub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call(Client("key", stub.url, strict=True))
    loose = Client("key", stub.url)
    call(loose)
    assert loose.stats.dropped == 1
    assert message in next(iter(loose.stats.reasons))
    assert message in caplog.text
    loose.close()


def test_ids_may_be_whole_numbers(stub: Any, server: Client) -> None:
    server.track("E", user_id=42, anonymous_id=7)
    event = stub.last(server)
    assert (event["userId"], event["anonymousId"]) == ("42", "7")
    with server.scope(user_id=5):
        server.track("E", user_id=None)
    assert stub.last(server)["userId"] == "5"
    with pytest.raises(TypeError, match="user_id must be a str"):
        server.scope(user_id=b"5")


def test_misuse_changes_nothing(stub: Any, clock: Any) -> None:
    c = Client("key", stub.url, profile="desktop", storage=MemoryStore(), clock=clock)
    c.track("E", timestamp="today")
    c.identify("u", traits=5)
    assert c.user_id is None
    c.track("E")
    assert stub.last(c)["context"]["sessionStart"] is True
    c.close()


def test_an_event_of_another_session_leaves_the_clients_alone(stub: Any, desktop: Client) -> None:
    desktop.track("elsewhere", session_id=1234567890)
    event = stub.last(desktop)
    assert event["context"]["sessionId"] == 1234567890
    assert event["anonymousId"] == desktop.anonymous_id
    desktop.track("nowhere", session_id=None)
    assert "sessionId" not in stub.last(desktop)["context"]
    desktop.track("here")
    assert stub.last(desktop)["context"]["sessionStart"] is True


def test_a_session_id_that_is_not_acceptable_is_logged_or_raises(
    stub: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    strict = Client("key", stub.url, strict=True)
    for call in (strict.start_session, strict.session):
        with pytest.raises(ValueError, match="session_id 5: the given session id is not"):
            call(5)
    loose = Client("key", stub.url, clock=clock)
    assert loose.start_session(5) == START
    assert loose.session(5).session_id == START
    assert "session_id 5" in caplog.text
    assert loose.stats.dropped == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "http://x"), "write_key"),
        ((None, "http://x"), "write_key"),
        (("key", "x:8080"), "data_plane_url must begin with http"),
        (("key", None), "data_plane_url"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Client(*arguments)
    with pytest.raises(ValueError, match="profile must be one of"):
        Client("key", "http://x", profile="toaster")  # type: ignore[arg-type]


def test_a_disabled_client_does_nothing(tmp_path: Path) -> None:
    c = Client("key", "http://x", profile="desktop", storage=tmp_path / "d", enabled=False)
    assert c.track("E") is None
    c.start_session()
    c.foreground()
    assert c.flush()
    assert c.close()
    assert not (tmp_path / "d").exists()
