"""What an erasure leaves of the log: nothing of those who are erased, everything of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sojourn.core.envelope import (
    DeadLetter,
    RequestMeta,
    pack_dead,
    pack_events,
    pack_request,
    unpack_events,
    unpack_places,
    unpack_request,
)
from sojourn.core.erasure import People, is_erased
from sojourn.core.events import derived_message_id
from sojourn.core.ports import DEAD, EVENTS, RAW, Batch, Entry, Stored
from sojourn.log import MemoryLog, SqliteLog, SqliteStateStore
from sojourn.log.clock import WallClock
from sojourn.pipeline.bodies import events_of
from sojourn.pipeline.erasing import Devices, Eraser
from sojourn.pipeline.lot import prepare
from sojourn.pipeline.seen import Seen

ANNA = People(frozenset({"anna"}))


def request(endpoint: str, body: object, batch_id: str = "b1", source: str = "web") -> bytes:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return pack_request(
        RequestMeta(source, 1_700_000_000_000, "1.2.3.4", endpoint, batch_id), written
    )


def processed(value: bytes, tmp_path: Path) -> list[dict[str, object]]:
    state = SqliteStateStore(tmp_path / "state.db", WallClock())
    lot = prepare([Stored(0, 1, 0, value)], Seen(state, WallClock(), 0), None)
    state.close()
    assert not lot.dead
    return [json.loads(line) for entry in lot.events for line in unpack_events(entry.value).events]


def test_the_others_of_a_batch_stay_and_keep_their_message_ids(tmp_path: Path) -> None:
    value = request("batch", {"batch": [
        {"type": "track", "event": "A", "userId": "bert"},
        {"type": "track", "event": "secret-of-anna", "userId": "anna"},
        {"type": "track", "event": "C", "userId": "bert"},
    ]})  # fmt: skip
    before = processed(value, tmp_path)
    eraser = Eraser(ANNA)
    after = eraser.change(RAW, value)
    assert after is not None
    assert b"anna" not in after
    assert len(after) == len(value)
    assert processed(after, tmp_path) == [one for one in before if one["userId"] != "anna"]
    assert eraser.found.events == {RAW: 1}
    assert eraser.found.keys == {Seen.key("web", derived_message_id("b1", 1))}
    assert Eraser(ANNA).change(RAW, after) is None  # once more changes nothing


@pytest.mark.parametrize(
    "user_id", ['"anna"', '" anna "', '"\\u0061nna"', '"an\\u200bna"', '"an\u200bna"']
)
def test_an_id_is_known_however_it_was_written(user_id: str, tmp_path: Path) -> None:
    body = (f'{{"userId":{user_id},"event":"x"}}').encode()
    after = Eraser(ANNA).change(RAW, request("track", body))
    assert after is not None
    meta, left = unpack_request(after)
    assert meta.request_ip == ""
    assert list(events_of(meta.endpoint, left)) == []


def test_a_number_is_a_user_id_too() -> None:
    value = request("track", {"userId": 17, "event": "x"})
    assert Eraser(People(frozenset({"17"}))).change(RAW, value) is not None
    assert Eraser(People(frozenset({"1"}))).change(RAW, value) is None


def test_events_without_a_user_go_with_the_devices_that_are_the_persons() -> None:
    line = b'{"anonymousId":"a1","messageId":"m"}'
    named = b'{"anonymousId":"a1","userId":"bert","messageId":"n"}'
    value = pack_events(Batch("web", 1, [line, named]))
    assert Eraser(ANNA).change(EVENTS, value) is None
    people = People(frozenset({"anna"}), devices=frozenset({("web", "a1")}))
    after = Eraser(people).change(EVENTS, value)
    assert after is not None
    assert len(after) == len(value)
    assert unpack_events(after).events == [named]
    assert unpack_places(after).events == [b"", named]
    elsewhere = pack_events(Batch("shop", 1, [line]))
    assert Eraser(people).change(EVENTS, elsewhere) is None


def test_only_the_sources_that_are_meant_are_touched() -> None:
    people = People(frozenset({"anna"}), frozenset({"shop"}))
    value = request("track", {"userId": "anna"})
    assert Eraser(people).change(RAW, value) is None
    assert Eraser(people).change(RAW, request("track", {"userId": "anna"}, source="shop"))


def test_an_alias_away_from_the_person_goes_as_well() -> None:
    value = request("alias", {"userId": "new", "previousId": "anna"})
    assert Eraser(ANNA).change(RAW, value) is not None


def test_a_dead_letter_of_the_person_becomes_blank_even_where_it_is_no_json() -> None:
    for event in (b'{"userId":"anna"}', b'{"userId":"anna", broken'):
        value = pack_dead(DeadLetter("web", 1, "processor", "why", event))
        after = Eraser(ANNA).change(DEAD, value)
        assert after is not None
        assert is_erased(after)
        assert len(after) == len(value)
    other = pack_dead(DeadLetter("web", 1, "processor", "why", b'{"userId":"annabel", broken'))
    assert Eraser(ANNA).change(DEAD, other) is None


def test_the_devices_of_a_person_are_found() -> None:
    values = [
        (request("identify", {"userId": "bert", "anonymousId": "b1"}), RAW),
        (request("identify", {"userId": "bert", "anonymousId": "a1"}), RAW),
        (request("identify", {"userId": "anna", "anonymousId": "a1"}), RAW),
        (pack_events(Batch("shop", 1, [b'{"userId":"anna","anonymousId":"a2"}'])), EVENTS),
        (request("track", b"broken"), RAW),
    ]
    devices = Devices(ANNA)
    for value in values:
        devices.look(*value)
    assert devices.found == {("web", "a1"), ("shop", "a2")}
    once_more = Devices(ANNA, devices.found)
    for value in values:
        once_more.look(*value)
    assert once_more.found == set()
    assert once_more.shared == {("web", "a1")}


def entry(number: int, size: int) -> Entry:
    who = "anna" if number % 3 == 0 else "bert"
    line = json.dumps({"userId": who, "messageId": f"m{number}", "note": f"note-of-{who}-" * size})
    return Entry(f"web:{number}", pack_events(Batch("web", 1, [line.encode()])))


@pytest.mark.parametrize("size", [1, 100, 5000])
async def test_no_byte_of_the_person_is_left_in_the_files_of_the_log(
    tmp_path: Path, size: int
) -> None:
    log = SqliteLog(tmp_path / "log.db", {EVENTS: 3})
    reader = log.reader(EVENTS, "loader")
    await log.append(EVENTS, [entry(number, size) for number in range(30)])
    first = await reader.read(1, 0)
    await reader.commit({one.partition: one.offset for one in first})
    eraser = Eraser(ANNA)
    seen: list[int] = []
    changed = await log.rewrite(EVENTS, lambda value: eraser.change(EVENTS, value), seen.append)
    await log.scrub()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert changed == 10
    assert sum(seen) > 30 * size
    assert b"note-of-anna" not in held
    assert b"note-of-bert" in held
    # what is read afterwards is what is stored, also by a reader that keeps up
    left = await log.reader(EVENTS, "").read(1 << 30, 0)
    events = [line for one in left for line in unpack_events(one.value).events]
    assert len(left) == 30
    assert len(events) == 20
    assert len(await reader.read(1 << 30, 0)) == 29
    await log.close()


async def test_what_retention_removed_is_not_left_in_free_pages(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    await log.append(EVENTS, [entry(0, 1000) for _ in range(50)])
    await log.in_transaction(lambda connection: connection.execute("DELETE FROM events_0"))
    await log.scrub()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"note-of-anna" not in held
    await log.close()


async def test_the_log_in_memory_erases_alike() -> None:
    log = MemoryLog()
    await log.append(EVENTS, [entry(number, 1) for number in range(9)])
    eraser = Eraser(ANNA)
    assert await log.rewrite(EVENTS, lambda v: eraser.change(EVENTS, v), lambda size: None) == 3
    assert await log.streams() == [EVENTS]
    left = await log.reader(EVENTS, "").read(1 << 30, 0)
    assert sum(len(unpack_events(one.value).events) for one in left) == 6


def test_nothing_of_deleted_state_is_left_in_its_file(tmp_path: Path) -> None:
    state = SqliteStateStore(tmp_path / "state.db", WallClock())
    state.put("seen", {f"anna-{number}": b"x" for number in range(2000)}, 0)
    state.put("seen", {f"bert-{number}": b"x" for number in range(2000)}, 0)
    state.delete("seen", [f"anna-{number}" for number in range(2000)])
    state.scrub()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"anna-" not in held
    assert b"bert-1" in held
    state.close()
