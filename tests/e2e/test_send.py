"""Our own SDK against our own server: from the shell, and from a program with sessions."""

from __future__ import annotations

from sojourn import Client, MemoryStore

from .conftest import WRITE_KEY, Server, eventually, said_by


def test_an_event_from_the_shell_is_stored(server: Server) -> None:
    shown = said_by(
        "send", "track", "Order Completed", "--user-id", "u-1",
        "--properties", '{"total": 12}', "--data-dir", server.data_dir,
    )  # fmt: skip
    (event,) = eventually(server.events)
    assert (event["event"], event["userId"], event["properties"]) == (
        "Order Completed",
        "u-1",
        {"total": 12},
    )
    assert event["messageId"] in shown


def test_the_sessions_of_a_python_program_arrive_as_its_sdk_had_them(server: Server) -> None:
    with Client(WRITE_KEY, server.url, profile="desktop", storage=MemoryStore()) as client:
        client.screen("Start")
        first = client.session_id
        client.track("Opened")
        client.start_session(1_234_567_890_123)
        client.track("In A Session Of Its Own")
        assert client.flush()
    events = eventually(lambda: e if len(e := server.events()) == 3 else None)
    carried = [event["context"]["sessionId"] for event in events]
    assert carried == [first, first, 1_234_567_890_123]
    eventually(
        lambda: (
            {s["session_id"]: s["events"] for s in server.sessions()}
            == {first: 2, 1_234_567_890_123: 1}
        )
    )
