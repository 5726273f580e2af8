"""The whole platform in one process, without HTTP: log to tables to answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sojourn.app.data_directory import DataDirectory
from sojourn.app.definition import Definition
from sojourn.app.platform import Platform
from sojourn.app.questions import Questions
from sojourn.app.session_news import session_news
from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import RAW, Entry
from sojourn.settings import load
from sojourn.testing.log_suite import ManualClock

START = 1_772_352_000_000


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    directory = DataDirectory(tmp_path / "data")
    directory.lock()
    platform = Platform(load(None, {}), directory)
    await platform.log.append(RAW, [Entry("v", visit(minute)) for minute in (0, 12, 20, 55)])
    await platform.catch_up()
    yield platform
    await platform.close()
    directory.release()


def visit(minute: int) -> bytes:
    at = START + minute * 60_000
    event = {
        "messageId": f"m-{minute}",
        "anonymousId": "v",
        "name": f"Page {minute}",
        "properties": {"url": f"https://shop.example/{minute}", "path": f"/{minute}"},
    }
    return pack_request(
        RequestMeta("default", at, "192.0.2.1", "page", f"b{minute}"), json.dumps(event).encode()
    )


def tables(platform: Platform) -> list[dict[str, object]]:
    query = "SELECT * EXCLUDE (properties) FROM session_events ORDER BY message_id"
    sessions = "SELECT * FROM sessions ORDER BY session_key"
    return [*platform.tables.query(query).to_pylist(), *platform.tables.query(sessions).to_pylist()]


def counted(platform: Platform) -> list[int]:
    rows = platform.tables.query("SELECT events FROM sessions ORDER BY start_time")
    return list(rows.column(0).to_pylist())


async def test_a_preview_of_another_definition_changes_nothing(platform: Platform) -> None:
    before = tables(platform)
    assert counted(platform) == [3, 1]
    answer = Questions(platform).redefine(Definition(timeout="10m"), apply=False)
    figures = {row[0]: (row[1], row[2]) for row in answer.rows}
    assert figures["sessions"] == (2, 3)
    assert tables(platform) == before


async def test_history_follows_another_definition_and_the_old_one_can_be_had_again(
    platform: Platform,
) -> None:
    before = tables(platform)
    questions = Questions(platform)
    questions.redefine(Definition(timeout="10m"), apply=True)
    assert counted(platform) == [1, 2, 1]
    await platform.log.append(RAW, [Entry("v", visit(67))])
    await platform.catch_up()
    assert counted(platform) == [1, 2, 1, 1], "what comes later follows it too"
    questions.redefine(Definition(timeout="30m"), apply=True)
    assert counted(platform) == [3, 2]
    assert len(tables(platform)) == len(before) + 1


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (Definition(), "Name a timeout or a maximum length"),
        (Definition(timeout="soon"), "write for example 30m"),
        (Definition(timeout="10m", source="nowhere"), "there are: default"),
    ],
)
async def test_an_impossible_definition_is_refused_with_the_fix(
    platform: Platform, definition: Definition, said: str
) -> None:
    with pytest.raises(InvalidSettings, match=said):
        Questions(platform).redefine(definition, apply=True)


async def test_exports_tell_what_is_stored(platform: Platform) -> None:
    questions = Questions(platform)
    events = [json.loads(line) async for line in questions.export("events")]
    assert [event["messageId"] for event in events] == ["m-0", "m-12", "m-20", "m-55"]
    assert {event["sourceId"] for event in events} == {"default"}
    sessions = [json.loads(line) async for line in questions.export("sessions")]
    assert [session["views"] for session in sessions] == [3, 1]
    assert sessions[0]["start_time"] == "2026-03-01T08:00:00Z"


async def test_sql_from_people_only_reads(platform: Platform) -> None:
    questions = Questions(platform)
    assert questions.sql("SELECT count(*) AS n FROM sessions") == {"columns": ["n"], "rows": [[2]]}
    for statement in ("DELETE FROM sessions", "SELECT 1; SELECT 2", "nonsense", "DROP TABLE x"):
        with pytest.raises(InvalidSettings):
            questions.sql(statement)
    assert counted(platform) == [3, 1]


async def test_session_news_start_now_and_tell_of_sessions_that_begin_and_end(
    platform: Platform,
) -> None:
    clock = ManualClock(platform.clock.now_ms())
    changed = session_news(platform.tables.cursor, clock)
    rows, position = await changed("")
    assert rows == [], "a destination that is new hears nothing of the history"
    clock.now += 120_000
    at = clock.now_ms()
    await platform.log.append(RAW, [Entry("v", visit((at - START) // 60_000))])
    await platform.catch_up()
    (begun,), position = await changed(position)
    assert (begun.views, begun.open_until - begun.end) == (1, 1_800_000)
    clock.now += 31 * 60_000
    rows, position = await changed(position)
    assert begun.key in {row.key for row in rows}, "it is over now"
