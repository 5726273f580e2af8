"""Sessions reach the destinations as events, and corrections of them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from sojourn.core.envelope import unpack_events
from sojourn.log.memory_log import MemoryLog
from sojourn.log.state_store import SqliteStateStore
from sojourn.pipeline.delivery_reading import private_stream
from sojourn.pipeline.session_events import SessionEvents, SessionRow, message_id

ROW = SessionRow(
    key="web|a|1780000000000",
    source_id="web",
    anonymous_id="a",
    user_id="u",
    session_id=1_780_000_000_000,
    start=1_780_000_000_000,
    end=1_780_000_060_000,
    open_until=1_780_001_860_000,
    duration=60.0,
    events=3,
    views=2,
    entry="/",
    exit="/pricing",
    start_reason="first_event",
    end_reason="timeout",
)


class Clock:
    def __init__(self) -> None:
        self.now = ROW.end

    def now_ms(self) -> int:
        return self.now


class Table:
    """The sessions that changed, as the application would list them."""

    def __init__(self) -> None:
        self.rows: list[SessionRow] = []
        self.asked: list[str] = []

    async def changed(self, position: str) -> tuple[Sequence[SessionRow], str]:
        self.asked.append(position)
        rows, self.rows = self.rows, []
        return rows, str(len(self.asked))


@pytest.fixture
def state(tmp_path: Any) -> Any:
    store = SqliteStateStore(tmp_path / "state.db", Clock())
    yield store
    store.close()


async def sent(log: MemoryLog, name: str = "amplitude") -> list[dict[str, Any]]:
    entries = await log.reader(private_stream(name), "test").read(1 << 20, 0)
    return [msgspec.json.decode(unpack_events(entry.value).events[0]) for entry in entries]


async def test_a_session_starts_ends_and_is_amended(state: Any) -> None:
    log, clock, table = MemoryLog(), Clock(), Table()
    under_test = SessionEvents(table.changed, log, state, clock, ["amplitude", "mixpanel"])
    table.rows = [ROW]
    assert await under_test.step() == 1
    table.rows = [replace(ROW, events=4)]
    assert await under_test.step() == 0
    clock.now = ROW.open_until + 1
    table.rows = [replace(ROW, events=4)]
    assert await under_test.step() == 1
    table.rows = [replace(ROW, events=4)]
    assert await under_test.step() == 0
    table.rows = [replace(ROW, events=6, exit="/thanks")]
    assert await under_test.step() == 1
    events = await sent(log)
    assert [one["event"] for one in events] == [
        "Session Started",
        "Session Ended",
        "Session Amended",
    ]
    assert [one["properties"]["revision"] for one in events] == [0, 1, 2]
    assert [one["messageId"] for one in events] == [message_id(ROW.key, n) for n in range(3)]
    assert all(len(one["messageId"]) <= 36 for one in events)
    assert {one["context"]["sessionId"] for one in events} == {ROW.session_id}
    assert events[0]["context"]["sessionStart"] is True
    assert events[0]["timestamp"] == "2026-05-28T20:26:40.000Z"
    assert events[1]["properties"] == {
        "revision": 1,
        "start_reason": "first_event",
        "duration": 60.0,
        "events": 4,
        "views": 2,
        "entry": "/",
        "exit": "/pricing",
        "reason": "timeout",
    }
    assert events[2]["properties"]["exit"] == "/thanks"
    assert await sent(log, "mixpanel") == events
    assert table.asked == ["", "1", "2", "3", "4"]


async def test_a_session_that_is_over_when_first_seen_starts_and_ends(state: Any) -> None:
    log, clock, table = MemoryLog(), Clock(), Table()
    clock.now = ROW.open_until + 1
    table.rows = [replace(ROW, session_id=None, user_id=None)]
    assert await SessionEvents(table.changed, log, state, clock, ["amplitude"]).step() == 2
    events = await sent(log)
    assert [one["event"] for one in events] == ["Session Started", "Session Ended"]
    assert "sessionId" not in events[0]["context"]
    assert "userId" not in events[0]


async def test_a_restart_goes_on_from_the_stored_position(state: Any) -> None:
    table = Table()
    for expected in ("", "1"):
        log, clock = MemoryLog(), Clock()
        await SessionEvents(table.changed, log, state, clock, ["x"]).step()
        assert table.asked[-1] == expected
