"""Identity and session of a context: requests, tasks, threads, blocks."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest

from sojourn import Client

START = 1_795_516_770_000


def test_a_scope_names_person_session_and_context(stub: Any, server: Client) -> None:
    page = {"page": {"url": "https://x"}}
    with server.scope(user_id="u", anonymous_id="a", session_id=1234567890, context=page):
        assert server.session_id == 1234567890
        server.track("E", context={"ip": "1.2.3.4"})
    event = stub.last(server)
    assert (event["userId"], event["anonymousId"]) == ("u", "a")
    assert event["context"]["sessionId"] == 1234567890
    assert "sessionStart" not in event["context"]
    assert event["context"]["page"] == {"url": "https://x"}
    assert event["context"]["ip"] == "1.2.3.4"
    assert server.track("E", user_id="v")
    assert "sessionId" not in stub.last(server)["context"]


def test_scopes_nest_and_inherit_if_told_to(stub: Any, server: Client) -> None:
    with server.scope(user_id="u", context={"a": 1}):
        with server.scope(anonymous_id="a", context={"b": 2}):
            server.track("E")
        event = stub.last(server)
        assert (event["userId"], event["anonymousId"]) == ("u", "a")
        assert (event["context"]["a"], event["context"]["b"]) == (1, 2)
        with server.scope(anonymous_id="b", inherit=False):
            server.track("E")
        event = stub.last(server)
        assert "userId" not in event
        assert event["anonymousId"] == "b"
        assert "a" not in event["context"]


def test_identify_in_a_scope_stays_in_the_scope(stub: Any, desktop: Client) -> None:
    with desktop.scope(anonymous_id="visitor", inherit=False) as scope:
        desktop.identify("u", {"plan": "pro"})
        assert scope.user_id == "u"
        desktop.track("E")
        event = stub.last(desktop)
        assert (event["userId"], event["anonymousId"]) == ("u", "visitor")
        assert "sessionId" not in event["context"]
        assert "traits" not in event["context"]
    assert desktop.user_id is None
    assert desktop.traits == {}


def test_a_scope_that_names_nobody_leaves_the_client_alone(stub: Any, desktop: Client) -> None:
    with desktop.scope(context={"a": 1}):
        desktop.identify("u", {"plan": "pro"})
        desktop.track("E")
    event = stub.last(desktop)
    assert event["userId"] == "u" == desktop.user_id
    assert event["context"]["sessionId"] == START
    assert event["context"]["a"] == 1


def test_a_session_block_is_one_manual_session(stub: Any, desktop: Client, clock: Any) -> None:
    desktop.track("before")
    clock.ms += 5
    with desktop.session() as session:
        assert session.session_id == clock.ms == desktop.session_id
        desktop.track("one")
        assert stub.last(desktop)["context"]["sessionStart"] is True
        with desktop.session(1234567890):
            desktop.track("inner")
            assert stub.last(desktop)["context"]["sessionId"] == 1234567890
        desktop.track("two")
        assert stub.last(desktop)["context"]["sessionId"] == START + 5
        assert "sessionStart" not in stub.last(desktop)["context"]
    desktop.track("after")
    assert stub.last(desktop)["context"]["sessionId"] == START


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
    assert stub.last(server)["userId"] == "u"


def test_scopes_of_two_clients_do_not_mix(stub: Any, server: Client, desktop: Client) -> None:
    with server.scope(user_id="u"), desktop.scope(user_id="v"):
        server.track("E")
        assert stub.last(server)["userId"] == "u"
        desktop.track("E")
        assert stub.last(desktop)["userId"] == "v"


def test_a_scope_may_be_left_in_another_context(stub: Any, server: Client) -> None:
    scope = server.scope(user_id="u")
    contextvars.copy_context().run(scope.__enter__)
    scope.__exit__(None, None, None)
    with pytest.raises(ValueError, match="neither"):
        server.track("E")
