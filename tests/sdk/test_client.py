"""The six calls, their options, scopes and sessions: what stands in the event."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import datetime
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sojourn
from sojourn import AppInfo, Client, Delivery, MemoryStore, Sessions
from sojourn.sdk.version import VERSION

START = 1_795_516_770_000
LOOP: list[Any] = []
LOOP.append(LOOP)


class Clock:
    def __init__(self) -> None:
        self.ms = START

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(stub: Any, clock: Clock) -> Iterator[Client]:
    c = Client("key", stub.url, strict=True, clock=clock, delivery=Delivery(interval=0.01))
    yield c
    c.close()


@pytest.fixture
def desktop(stub: Any, clock: Clock) -> Iterator[Client]:
    c = Client(
        "key",
        stub.url,
        profile="desktop",
        storage=MemoryStore(),
        app=AppInfo("Shop", "1.2", 7),
        strict=True,
        clock=clock,
        delivery=Delivery(interval=0.01),
    )
    yield c
    c.close()


def last(stub: Any, client: Client) -> dict[str, Any]:
    assert client.flush()
    event: dict[str, Any] = stub.accepted[-1]
    return event


def test_a_track_event_on_the_wire(stub: Any, server: Client) -> None:
    message_id = server.track("Order Completed", {"revenue": 12.5}, user_id="u-1")
    event = last(stub, server)
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
    event = last(stub, server)
    assert (event["type"], event["name"], event["category"]) == ("page", "Home", "Shop")
    assert event["properties"] == {"name": "Home", "category": "Shop", "path": "/"}
    assert event["anonymousId"] == "a"
    server.screen("Cart", anonymous_id="a")
    event = last(stub, server)
    assert (event["type"], event["name"], event["properties"]) == (
        "screen",
        "Cart",
        {"name": "Cart"},
    )
    server.identify("u", {"plan": "pro"}, anonymous_id="a")
    event = last(stub, server)
    assert (event["userId"], event["anonymousId"]) == ("u", "a")
    assert event["context"]["traits"] == {"plan": "pro"}
    server.group("g", {"size": 3}, user_id="u")
    event = last(stub, server)
    assert (event["groupId"], event["traits"]) == ("g", {"size": 3})
    server.alias("new", "old")
    event = last(stub, server)
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
    event = last(stub, server)
    assert message_id == event["messageId"] == 'my "id"'
    assert event["originalTimestamp"] == "2020-01-02T03:04:05.678Z"
    assert event["integrations"] == {"All": False}
    assert event["context"]["page"] == {"url": "https://x"}
    assert event["context"]["sessionId"] == 1234567890  # ours wins over the context's
    assert "sessionStart" not in event["context"]
    assert event["context"]["library"]["name"] == "sojourn"


def test_without_a_session_the_callers_session_keys_go_out(stub: Any, server: Client) -> None:
    server.track("E", user_id="u", context={"sessionId": 5})
    assert last(stub, server)["context"]["sessionId"] == 5


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
    event = last(stub, server)
    assert (event["userId"], event["anonymousId"]) == ("42", "7")
    with server.scope(user_id=5):
        server.track("E", user_id=None)
    assert last(stub, server)["userId"] == "5"
    with pytest.raises(TypeError, match="user_id must be a str"):
        server.scope(user_id=b"5")


def test_misuse_changes_nothing(stub: Any, clock: Clock) -> None:
    c = Client("key", stub.url, profile="desktop", storage=MemoryStore(), clock=clock)
    c.track("E", timestamp="today")
    c.identify("u", traits=5)
    assert c.user_id is None
    c.track("E")
    assert last(stub, c)["context"]["sessionStart"] is True
    c.close()


def test_an_event_of_another_session_leaves_the_clients_alone(stub: Any, desktop: Client) -> None:
    desktop.track("elsewhere", session_id=1234567890)
    event = last(stub, desktop)
    assert event["context"]["sessionId"] == 1234567890
    assert event["anonymousId"] == desktop.anonymous_id
    desktop.track("nowhere", session_id=None)
    assert "sessionId" not in last(stub, desktop)["context"]
    desktop.track("here")
    assert last(stub, desktop)["context"]["sessionStart"] is True


def test_a_session_id_that_is_not_acceptable_is_logged_or_raises(
    stub: Any, clock: Clock, caplog: pytest.LogCaptureFixture
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


# Identity and session of the client


def test_identity_and_session_are_held(stub: Any, desktop: Client, clock: Clock) -> None:
    desktop.track("one")
    first = last(stub, desktop)
    assert first["anonymousId"] == desktop.anonymous_id
    assert first["context"]["sessionId"] == START == desktop.session_id
    assert first["context"]["sessionStart"] is True
    assert first["context"]["app"] == {"name": "Shop", "version": "1.2", "build": "7"}
    clock.ms += 1000
    desktop.identify("u", {"plan": "pro"})
    desktop.track("two")
    second = last(stub, desktop)
    assert second["userId"] == "u" == desktop.user_id
    assert second["context"]["traits"] == {"plan": "pro"}
    assert second["context"]["sessionId"] == START
    assert "sessionStart" not in second["context"]
    clock.ms += 30 * 60_000 + 1
    assert desktop.session_id is None
    desktop.track("three")
    third = last(stub, desktop)
    assert third["context"]["sessionId"] == clock.ms
    assert third["context"]["sessionStart"] is True


def test_the_short_cut_for_usual_events_moves_the_expiry(
    stub: Any, desktop: Client, clock: Clock
) -> None:
    for _ in range(10):
        desktop.track("E")
        clock.ms += 29 * 60_000
    assert {e["context"]["sessionId"] for e in stub.accepted or [last(stub, desktop)]} == {START}
    clock.ms += 61_000
    assert desktop.session_id is None
    clock.ms -= 61_000
    assert desktop.session_id == START


def test_reset_forgets_the_person_and_begins_a_session(
    stub: Any, desktop: Client, clock: Clock
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
    stub: Any, desktop: Client, clock: Clock
) -> None:
    desktop.identify("u1", {"plan": "pro"})
    clock.ms += 5
    desktop.identify("u2", {"age": 3})
    event = last(stub, desktop)
    assert event["context"]["traits"] == {"age": 3} == desktop.traits
    assert event["context"]["sessionId"] == START + 5
    assert event["context"]["sessionStart"] is True


def test_manual_sessions(stub: Any, desktop: Client, clock: Clock) -> None:
    assert desktop.start_session(1234567890) == 1234567890
    clock.ms += 10**9
    desktop.track("E")
    assert last(stub, desktop)["context"]["sessionId"] == 1234567890
    desktop.end_session()
    assert desktop.session_id is None
    desktop.track("E")
    assert "sessionId" not in last(stub, desktop)["context"]


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


def test_lifecycle_events_come_before_the_first_event(stub: Any, clock: Clock) -> None:
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


# Scopes


def test_a_scope_names_person_session_and_context(stub: Any, server: Client) -> None:
    page = {"page": {"url": "https://x"}}
    with server.scope(user_id="u", anonymous_id="a", session_id=1234567890, context=page):
        assert server.session_id == 1234567890
        server.track("E", context={"ip": "1.2.3.4"})
    event = last(stub, server)
    assert (event["userId"], event["anonymousId"]) == ("u", "a")
    assert event["context"]["sessionId"] == 1234567890
    assert "sessionStart" not in event["context"]
    assert event["context"]["page"] == {"url": "https://x"}
    assert event["context"]["ip"] == "1.2.3.4"
    assert server.track("E", user_id="v")
    assert "sessionId" not in last(stub, server)["context"]


def test_scopes_nest_and_inherit_if_told_to(stub: Any, server: Client) -> None:
    with server.scope(user_id="u", context={"a": 1}):
        with server.scope(anonymous_id="a", context={"b": 2}):
            server.track("E")
        event = last(stub, server)
        assert (event["userId"], event["anonymousId"]) == ("u", "a")
        assert (event["context"]["a"], event["context"]["b"]) == (1, 2)
        with server.scope(anonymous_id="b", inherit=False):
            server.track("E")
        event = last(stub, server)
        assert "userId" not in event
        assert event["anonymousId"] == "b"
        assert "a" not in event["context"]


def test_identify_in_a_scope_stays_in_the_scope(stub: Any, desktop: Client) -> None:
    with desktop.scope(anonymous_id="visitor", inherit=False) as scope:
        desktop.identify("u", {"plan": "pro"})
        assert scope.user_id == "u"
        desktop.track("E")
        event = last(stub, desktop)
        assert (event["userId"], event["anonymousId"]) == ("u", "visitor")
        assert "sessionId" not in event["context"]
        assert "traits" not in event["context"]
    assert desktop.user_id is None
    assert desktop.traits == {}


def test_a_scope_that_names_nobody_leaves_the_client_alone(stub: Any, desktop: Client) -> None:
    with desktop.scope(context={"a": 1}):
        desktop.identify("u", {"plan": "pro"})
        desktop.track("E")
    event = last(stub, desktop)
    assert event["userId"] == "u" == desktop.user_id
    assert event["context"]["sessionId"] == START
    assert event["context"]["a"] == 1


def test_a_session_block_is_one_manual_session(stub: Any, desktop: Client, clock: Clock) -> None:
    desktop.track("before")
    clock.ms += 5
    with desktop.session() as session:
        assert session.session_id == clock.ms == desktop.session_id
        desktop.track("one")
        assert last(stub, desktop)["context"]["sessionStart"] is True
        with desktop.session(1234567890):
            desktop.track("inner")
            assert last(stub, desktop)["context"]["sessionId"] == 1234567890
        desktop.track("two")
        assert last(stub, desktop)["context"]["sessionId"] == START + 5
        assert "sessionStart" not in last(stub, desktop)["context"]
    desktop.track("after")
    assert last(stub, desktop)["context"]["sessionId"] == START


def test_a_session_block_ends_after_an_exception(desktop: Client) -> None:
    desktop.track("E")
    with pytest.raises(RuntimeError), desktop.session():
        raise RuntimeError
    assert desktop.session_id == START


async def test_tasks_have_scopes_of_their_own(stub: Any, server: Client) -> None:
    async def request(user: str) -> None:
        with server.scope(user_id=user):
            await asyncio.sleep(0.01)
            await asyncio.to_thread(server.track, f"thread of {user}")
            server.track(f"task of {user}")

    await asyncio.gather(*(request(f"u{n}") for n in range(20)))
    assert await server.aflush()
    assert len(stub.accepted) == 40
    for event in stub.accepted:
        assert event["event"].endswith(f" {event['userId']}")


def test_a_thread_is_in_the_scope_if_it_gets_the_context(stub: Any, server: Client) -> None:
    with server.scope(user_id="u"):
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(server.track, "E"))
        thread.start()
        thread.join()
    assert last(stub, server)["userId"] == "u"


def test_scopes_of_two_clients_do_not_mix(stub: Any, server: Client, desktop: Client) -> None:
    with server.scope(user_id="u"), desktop.scope(user_id="v"):
        server.track("E")
        assert last(stub, server)["userId"] == "u"
        desktop.track("E")
        assert last(stub, desktop)["userId"] == "v"


def test_a_scope_may_be_left_in_another_context(stub: Any, server: Client) -> None:
    scope = server.scope(user_id="u")
    contextvars.copy_context().run(scope.__enter__)
    scope.__exit__(None, None, None)
    with pytest.raises(ValueError, match="neither"):
        server.track("E")


# The module


def test_the_module_does_nothing_until_it_is_configured(
    stub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert sojourn.track("E", user_id="u") is None
    assert sojourn.page("P") is None
    assert "before sojourn.configure()" in caplog.text
    assert len(caplog.records) == 1
    c = sojourn.configure("key", stub.url)
    assert sojourn.get_client() is c
    sojourn.track("E", user_id="u")
    sojourn.page("P", user_id="u")
    sojourn.screen("S", user_id="u")
    sojourn.identify("u")
    sojourn.group("g", user_id="u")
    sojourn.alias("v", "u")
    assert sojourn.flush()
    assert stub.names == ["E", "page", "screen", "identify", "group", "alias"]
    other = sojourn.configure("key", stub.url)
    assert c.track("late", user_id="u") is None
    other.close()


def test_everything_the_module_promises_is_there() -> None:
    for name in sojourn.__all__:
        assert getattr(sojourn, name) is not None
        assert name in dir(sojourn)
    with pytest.raises(AttributeError):
        sojourn.nothing  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{VERSION}"\n' in project
