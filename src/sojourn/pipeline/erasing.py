"""Takes the events of people out of the stored values of the log: computation only.

Values keep their length wherever they can, and events keep their number within a request or an
entry: derived message ids and what deliveries remember of an event go by it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import msgspec

from sojourn.core.envelope import (
    RequestMeta,
    pack_request,
    unpack_dead,
    unpack_places,
    unpack_request,
)
from sojourn.core.erasure import People, is_erased, padded
from sojourn.core.events import clean_id, derived_message_id
from sojourn.core.ports import DEAD, RAW
from sojourn.pipeline.bodies import ERASED, members_of, readable
from sojourn.pipeline.enrich import id_of
from sojourn.pipeline.seen import Seen

_NOTHING = b'{"batch":[]}'
_ABSENT = msgspec.Raw(b"null")


class _Ids(msgspec.Struct, rename="camel"):
    user_id: msgspec.Raw = _ABSENT
    anonymous_id: msgspec.Raw = _ABSENT
    previous_id: msgspec.Raw = _ABSENT
    message_id: msgspec.Raw = _ABSENT


_decode_ids = msgspec.json.Decoder(_Ids).decode
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError, TypeError)


@dataclass
class Found:
    """What was found in the log."""

    events: dict[str, int] = field(default_factory=dict)
    """Events taken out, by stream."""
    keys: set[bytes] = field(default_factory=set)
    """Under which their message ids may be remembered (`Seen.key`)."""

    def count(self, stream: str, events: int) -> None:
        """Add to a stream."""
        self.events[stream] = self.events.get(stream, 0) + events


class Eraser:
    """Takes the events of `people` out of values, one at a time; `found` counts them."""

    def __init__(self, people: People) -> None:
        self.found = Found()
        self._people = people
        self._needles = _needles(people)

    def change(self, stream: str, value: bytes) -> bytes | None:
        """What a value of `stream` has to become; None if it stays as it is."""
        if is_erased(value):
            return None
        if stream == RAW:
            return self._raw(value)
        return self._dead(value) if stream == DEAD else self._events(stream, value)

    def theirs(self, source_id: str, event: bytes) -> bool:
        """Whether an event belongs to the people; one that is no JSON if it names them."""
        try:
            ids = _decode_ids(event)
        except _UNREADABLE:
            concerned = not source_id or self._people.concern(source_id)
            return concerned and any(needle in event for needle in self._needles)
        return self._people.own(
            source_id, id_of(ids.user_id), id_of(ids.anonymous_id), id_of(ids.previous_id)
        )

    def _raw(self, value: bytes) -> bytes | None:
        try:
            meta, body = unpack_request(value)
        except _UNREADABLE:
            return self._blank(RAW, "", value)
        if not self._people.concern(meta.source_id):
            return None
        body = readable(body)
        members = members_of(meta.endpoint, body)
        if members is None:
            gone = self._blank(RAW, meta.source_id, body)
            return None if gone is None else _empty(meta, len(value))
        places = [at for at, one in enumerate(members) if self.theirs(meta.source_id, one)]
        if not places:
            return None
        self.found.count(RAW, len(places))
        for at in places:
            message_id = _message_id(members[at]) or derived_message_id(meta.batch_id, at)
            self.found.keys.add(Seen.key(meta.source_id, message_id))
            members[at] = ERASED
        if all(member == ERASED for member in members):
            return _empty(meta, len(value))
        body = b'{"batch":[' + b",".join(members) + b"]}"
        return padded(pack_request(meta, body), b"", len(value))

    def _events(self, stream: str, value: bytes) -> bytes | None:
        batch = unpack_places(value)
        if not self._people.concern(batch.source_id):
            return None
        lines = list(batch.events)
        places = [at for at, one in enumerate(lines) if one and self.theirs(batch.source_id, one)]
        if not places:
            return None
        self.found.count(stream, len(places))
        for at in places:
            self.found.keys.add(Seen.key(batch.source_id, _message_id(lines[at])))
            lines[at] = b""
        head = value.partition(b"\n")[0].rstrip()
        return padded(head, b"\n" + b"\n".join(lines), len(value))

    def _dead(self, value: bytes) -> bytes | None:
        try:
            letter = unpack_dead(value)
        except _UNREADABLE:
            return self._blank(DEAD, "", value)
        if not self.theirs(letter.source_id, letter.event):
            return None
        self.found.count(DEAD, 1)
        return b" " * len(value)

    def _blank(self, stream: str, source_id: str, content: bytes) -> bytes | None:
        """Nothing of a value that cannot be taken apart, if it names the people."""
        if not self.theirs(source_id, content):
            return None
        self.found.count(stream, 1)
        return b" " * len(content)


class Devices:
    """Notes on which devices (source and anonymous id) the people were seen, and who else was.

    `known`: devices that are known to be theirs already.
    """

    def __init__(self, people: People, known: Collection[tuple[str, str]] = ()) -> None:
        self.known = frozenset(known)
        self.found: set[tuple[str, str]] = set()
        """Where the people were seen, beside the known ones."""
        self.shared: set[tuple[str, str]] = set()
        """Of the known and found ones, where another user was seen since they were."""
        self._people = people

    def look(self, value: bytes, stream: str) -> None:
        """Look at a value of a stream. Values that cannot be read name no device."""
        try:
            for source_id, event in _events_in(stream, value):
                self._note(source_id, event)
        except _UNREADABLE:
            return

    def _note(self, source_id: str, event: bytes) -> None:
        ids = _decode_ids(event)
        user_id, device = id_of(ids.user_id), (source_id, id_of(ids.anonymous_id))
        if not (user_id and device[1] and self._people.concern(source_id)):
            return
        theirs = device in self.known or device in self.found
        if user_id in self._people.user_ids:
            if not theirs:
                self.found.add(device)
        elif theirs:
            self.shared.add(device)


def _events_in(stream: str, value: bytes) -> Iterable[tuple[str, bytes]]:
    if is_erased(value) or stream == DEAD:
        return []
    if stream == RAW:
        meta, body = unpack_request(value)
        members = members_of(meta.endpoint, readable(body)) or []
        return [(meta.source_id, one) for one in members if one != ERASED]
    batch = unpack_places(value)
    return [(batch.source_id, one) for one in batch.events if one]


def _message_id(event: bytes) -> str:
    try:
        return clean_id(msgspec.json.decode(_decode_ids(event).message_id, type=str))
    except _UNREADABLE:
        return ""


def _empty(meta: RequestMeta, length: int) -> bytes:
    """A request without events, and without the address that it came from."""
    return padded(
        pack_request(meta._replace(endpoint="batch", request_ip=""), _NOTHING), b"", length
    )


def _needles(people: People) -> list[bytes]:
    """How the people may be named in text that is no JSON any more."""
    names = {*people.user_ids, *(anonymous_id for _, anonymous_id in people.devices)}
    written = {json.dumps(name) for name in names}
    written |= {json.dumps(name, ensure_ascii=False) for name in names}
    return sorted(text.encode("utf-8", "replace") for text in written)
