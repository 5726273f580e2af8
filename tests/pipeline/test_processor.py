"""What the processor makes of requests, and that nothing stops it or makes it lose an event."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sojourn.core.errors import LogUnavailable
from sojourn.core.events import derived_message_id, rudder_id
from sojourn.pipeline.processor import Processor


def processor(disk, **options):
    return Processor(disk, disk, disk, **options)


def event(**fields):
    return {"type": "track", "event": "Added", "anonymousId": "a1", "messageId": "m1", **fields}


async def processed(disk, body, endpoint="batch", **options):
    await disk.request(body, endpoint)
    await processor(disk, **options).drain()
    return disk.events()


async def test_the_endpoint_sets_the_type(disk):
    (stored,) = await processed(disk, event(type="page"), "track")
    assert stored["type"] == "track"


async def test_a_batch_leaves_the_type_to_each_event(disk):
    batch = {"batch": [event(messageId=t, type=t) for t in ("page", "identify", "ALIAS")]}
    assert [e["type"] for e in await processed(disk, batch)] == ["page", "identify", "alias"]


async def test_a_batch_of_one_object_is_a_batch_of_one_event(disk):
    assert len(await processed(disk, {"batch": event()})) == 1


async def test_the_top_level_of_a_batch_is_dropped(disk):
    body = {"batch": [event()], "sentAt": "2020-01-01T00:00:00Z", "context": {"a": 1}}
    (stored,) = await processed(disk, body)
    assert "context" not in stored
    assert stored["sentAt"] == "2026-11-24T11:07:40.000Z"


async def test_ids_and_address_are_added(disk):
    body = event(userId=" u1\u200b", receivedAt="2001-01-01T00:00:00Z")
    (stored,) = await processed(disk, {"batch": [body]})
    assert stored["rudderId"] == rudder_id("u1", "a1")
    assert stored["userId"] == " u1\u200b"
    assert stored["receivedAt"] == "2026-11-24T11:07:40.000Z"
    assert stored["request_ip"] == "203.0.113.9"


async def test_a_clients_own_address_wins_and_does_not_leak(disk):
    batch = [event(request_ip="198.51.100.1"), event(messageId="m2"), event(messageId="m3")]
    stored = await processed(disk, {"batch": batch})
    expected = ["198.51.100.1", "203.0.113.9", "203.0.113.9"]
    assert [e["request_ip"] for e in stored] == expected


@pytest.mark.parametrize("given_id", [None, "", " \u200b ", 7, {"a": 1}, [], True])
async def test_an_unusable_message_id_is_replaced_by_one_that_a_replay_repeats(disk, given_id):
    batch = {"batch": [event(), event(messageId=given_id)]}
    stored = await processed(disk, batch)
    assert stored[1]["messageId"] == derived_message_id("b0", 1)
    assert uuid.UUID(stored[1]["messageId"]).version == 4


async def test_message_ids_are_cleaned(disk):
    (stored,) = await processed(disk, {"batch": [event(messageId=" m\u200b1 ")]})
    assert stored["messageId"] == "m1"


async def test_unknown_fields_and_long_integers_stay_as_they_were(disk):
    text = (
        b'{"batch":[{"type":"track","messageId":"m","userId":"u","x_own":[1.10,{"y":null}],'
        b'"properties":{"big":123456789012345678901234567890,"e":1E5}}]}'
    )
    await processed(disk, text)
    (line,) = disk.lines()
    assert b'"x_own":[1.10,{"y":null}]' in line
    assert b'"big":123456789012345678901234567890,"e":1E5' in line


async def test_an_event_is_one_line_however_it_was_sent(disk):
    pretty = json.dumps({"batch": [event(properties={"text": "a\nb"})]}, indent=2).encode()
    await processed(disk, pretty)
    (line,) = disk.lines()
    assert b"\n" not in line
    assert json.loads(line)["properties"] == {"text": "a\nb"}


async def test_text_that_no_reader_could_take_becomes_replacement_characters(disk):
    body = (
        b'{"batch":[{"type":"track","messageId":"m","userId":"u","properties":{'
        b'"lone":"x\\ud83dy","pair":"\\ud83d\\ude00","late":"\\uDE00","not":"\\\\ud83d",'
        b'"bytes":"\xff","nul":"\\u0000"}}]}'
    )
    (stored,) = await processed(disk, body)
    assert stored["properties"] == {
        "lone": "x\ufffdy",
        "pair": "\U0001f600",
        "late": "\ufffd",
        "not": "\\ud83d",
        "bytes": "\ufffd",
        "nul": "\0",
    }


@pytest.mark.parametrize(
    "bad", [event(type="merge"), event(type=7), event(type=None), {"userId": "u"}]
)
async def test_an_event_without_a_known_type_is_a_dead_letter_and_the_rest_goes_on(disk, bad):
    stored = await processed(disk, {"batch": [event(messageId="1"), bad, event(messageId="3")]})
    assert [e["messageId"] for e in stored] == ["1", "3"]
    (letter,) = disk.dead()
    assert json.loads(letter.event) == bad
    assert letter.stage == "processor"
    assert letter.source_id == "web"
    assert letter.reason.startswith("type: ")


@pytest.mark.parametrize(
    ("body", "endpoint"),
    [
        (b"not json", "batch"),
        (b"", "track"),
        (b"[]", "track"),
        (b'{"batch":7}', "batch"),
        (b'{"batch":[1,"x",null]}', "batch"),
        (b'{"batch":' + b"[" * 100_000, "batch"),
        (b'{"a":' * 100_000, "page"),
        (b"{}", "merge"),
    ],
)
async def test_what_is_no_event_is_a_dead_letter_and_the_stream_goes_on(disk, body, endpoint):
    await disk.request(body, endpoint)
    stored = await processed(disk, {"batch": [event()]})
    assert len(stored) == 1
    assert disk.dead()
    assert all(letter.reason for letter in disk.dead())


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TIMES = ("receivedAt", "originalTimestamp", "sentAt", "timestamp")
IDS = ("messageId", "anonymousId", "userId", "rudderId", "request_ip")
FIELDS = ("type", "context", "properties", "event", "name", *TIMES, *IDS)


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values), max_size=4))
@settings(max_examples=60, deadline=None)
def test_every_event_of_any_shape_is_stored_or_a_dead_letter(events):
    from sojourn.core.envelope import RequestMeta
    from sojourn.core.errors import InvalidEvent
    from sojourn.pipeline.bodies import events_of
    from sojourn.pipeline.enrich import Receipt, enrich

    receipt = Receipt.of(RequestMeta("web", 1_795_518_460_000, "ip", "batch", "b"))
    body = json.dumps({"batch": events}).encode("utf-8", "surrogatepass")
    found = list(events_of("batch", body))
    assert len(found) == len(events)
    for index, fields in enumerate(found):
        assert isinstance(fields, dict)
        known = str(events[index].get("type")).strip().lower() in ["track", "page", "identify"]
        if not known:
            with pytest.raises(InvalidEvent):
                enrich(fields, index, receipt)
            continue
        assert json.loads(enrich(fields, index, receipt).line)["messageId"]


async def test_duplicates_within_the_window_are_dropped_and_the_first_wins(disk):
    await disk.request({"batch": [event(n=1), event(n=2), event(messageId="m2")]})
    await disk.request({"batch": [event(n=3)]})
    work = processor(disk)
    await work.drain()
    await disk.request({"batch": [event(n=4)]})
    await work.drain()
    assert [e.get("n") for e in disk.events() if e["messageId"] == "m1"] == [1]
    assert (work.counts.accepted, work.counts.duplicates) == (2, 3)


async def test_the_window_starts_at_first_sight_and_is_not_extended(disk):
    work = processor(disk, dedup_window_ms=1000)
    for later in (0, 900, 1100):
        disk.clock += later - (disk.clock - 1_795_518_460_000)
        await disk.request({"batch": [event(n=later)]})
        await work.drain()
    assert [e["n"] for e in disk.events()] == [0, 1100]


async def test_sources_do_not_share_message_ids(disk):
    for source in ("web", "shop"):
        await disk.request({"batch": [event()]}, source_id=source)
    await processor(disk).drain()
    assert len(disk.events()) == 2


async def test_without_a_window_nothing_is_a_duplicate(disk):
    assert len(await processed(disk, {"batch": [event(), event()]}, dedup_window_ms=0)) == 2


async def test_events_of_a_suppressed_user_are_not_stored(disk):
    batch = {"batch": [event(userId=" u1 "), event(messageId="m2", userId="u2")]}
    stored = await processed(disk, batch, suppressed=lambda source, user: user == "u1")
    assert [e["userId"] for e in stored] == ["u2"]


async def test_a_persons_events_keep_their_order(disk):
    people = [f"p{n % 7}" for n in range(200)]
    for first in range(0, 200, 20):
        batch = [
            event(messageId=str(n), anonymousId=people[n], n=n) for n in range(first, first + 20)
        ]
        await disk.request({"batch": batch})
    await processor(disk, max_bytes=6000).drain()
    for person in set(people):
        order = [e["n"] for e in disk.events() if e["anonymousId"] == person]
        assert order == sorted(order)
        assert len(order) == people.count(person)


STEPS = ("append dead", "append events", "put", "commit")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_loses_no_event(disk, killed, when, step):
    ids = [str(n) for n in range(20)]
    for message_id in ids:
        await disk.request({"batch": [event(messageId=message_id), {"type": "nonsense"}]})
    disk.kill = (when, step)
    with pytest.raises(killed):
        await processor(disk, max_bytes=1000).drain()
    await processor(disk, max_bytes=1500).drain()
    stored = [e["messageId"] for e in disk.events()]
    assert set(stored) == set(ids)
    assert len(disk.dead()) >= 20
    if (when, step) != ("after", "append events") and (when, step) != ("before", "put"):
        assert len(stored) == len(ids)


async def test_a_log_that_is_away_is_waited_for(disk):
    work = processor(disk)
    await disk.request({"batch": [event()]})
    disk.fail = [LogUnavailable("disk full"), LogUnavailable("disk full")]
    stop = asyncio.Event()
    running = asyncio.create_task(work.run(stop))
    async with asyncio.timeout(5):
        while not disk.positions:
            await asyncio.sleep(0.01)
    stop.set()
    await running
    assert len(disk.events()) == 1


async def test_a_stop_is_obeyed_while_the_log_is_away(disk):
    await disk.request({"batch": [event()]})
    disk.fail = [LogUnavailable("disk full")] * 100
    stop = asyncio.Event()
    running = asyncio.create_task(processor(disk).run(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert disk.events() == []
