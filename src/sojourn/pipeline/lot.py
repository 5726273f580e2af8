"""One lot of raw entries turned into entries of `events` and `dead`: computation only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sojourn.core.envelope import DeadLetter, RequestMeta, pack_dead, pack_events, unpack_request
from sojourn.core.errors import InvalidEvent
from sojourn.core.ports import Batch, Entry, Stored
from sojourn.pipeline.bodies import events_of
from sojourn.pipeline.enrich import Enriched, Receipt, encode, enrich
from sojourn.pipeline.geography import Geography
from sojourn.pipeline.seen import Seen

STAGE = "processor"
BUCKETS = 64
"""People are spread over so many partition keys per source: the events of one lot that share
a key share an entry, and one entry of many events is cheap to write and to read."""
MAX_ENTRY_BYTES = 512 * 1024
"""Entries are cut here, below the message size that Kafka and NATS take by default."""

Suppressed = Callable[[str, str], bool]
"""Whether the events of (source id, cleaned user id) are to be thrown away."""


@dataclass
class Lot:
    """What becomes of some raw entries."""

    events: list[Entry] = field(default_factory=list)
    dead: list[Entry] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    """The ids to remember once the events are stored."""
    positions: dict[int, int] = field(default_factory=dict)
    accepted: int = 0
    duplicates: int = 0
    suppressed: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        """All events that the lot held."""
        return self.accepted + self.duplicates + self.suppressed + self.rejected


def prepare(
    stored: Sequence[Stored],
    seen: Seen,
    suppressed: Suppressed | None,
    geography: Geography | None = None,
) -> Lot:
    """Process raw entries, in order. Nothing is written; `seen` is only asked."""
    lot = Lot()
    fresh: list[tuple[RequestMeta, Enriched]] = []
    for entry in stored:
        lot.positions[entry.partition] = max(lot.positions.get(entry.partition, 0), entry.offset)
        for meta, event in _enriched(entry, lot, geography):
            if (
                suppressed is not None
                and event.user_id
                and suppressed(meta.source_id, event.user_id)
            ):
                lot.suppressed += 1
            else:
                fresh.append((meta, event))
    keys = [Seen.key(meta.source_id, event.message_id) for meta, event in fresh]
    gone = seen.known(keys)
    kept: list[tuple[RequestMeta, Enriched]] = []
    for key, item in zip(keys, fresh, strict=True):
        if key not in gone:
            if seen.active:
                gone.add(key)
            lot.keys.append(key)
            kept.append(item)
    lot.accepted = len(kept)
    lot.duplicates = len(fresh) - len(kept)
    lot.events.extend(_entries(kept))
    return lot


def _enriched(
    entry: Stored, lot: Lot, geography: Geography | None
) -> Iterable[tuple[RequestMeta, Enriched]]:
    """The usable events of an entry; what is none goes to the lot's dead letters."""
    try:
        meta, body = unpack_request(entry.value)
        receipt = Receipt.of(meta)
    except (ValueError, TypeError, OverflowError) as error:
        unknown = RequestMeta("", entry.appended_at, "", "", "")
        _bury(lot, unknown, entry.value, f"the entry's own head is unreadable: {error}")
        return
    for index, event in enumerate(events_of(meta.endpoint, body)):
        if isinstance(event, tuple):
            if event[1]:
                _bury(lot, meta, *event)
            continue
        try:
            yield meta, enrich(event, index, receipt, geography)
        except InvalidEvent as error:
            _bury(lot, meta, _as_sent(meta, body, index), error.detail)
        except Exception as error:  # whatever an event holds, the stream goes on
            _bury(lot, meta, _as_sent(meta, body, index), f"{type(error).__name__}: {error}")


def _as_sent(meta: RequestMeta, body: bytes, index: int) -> bytes:
    """An event of a body once more, without what was set in it since."""
    event = next(islice(events_of(meta.endpoint, body), index, None))
    return event[0] if isinstance(event, tuple) else encode(event)


def _bury(lot: Lot, meta: RequestMeta, event: bytes, reason: str) -> None:
    letter = DeadLetter(meta.source_id, meta.received_at, STAGE, reason, event)
    lot.dead.append(Entry(f"{meta.source_id}:{STAGE}", pack_dead(letter)))
    lot.rejected += 1


def _entries(events: Iterable[tuple[RequestMeta, Enriched]]) -> Iterable[Entry]:
    """Entries of the `events` stream: events of people who share a partition key, in order."""
    groups: dict[tuple[str, int], _Group] = {}
    for meta, event in events:
        slot = (meta.source_id, zlib.crc32(event.person.encode("utf-8", "replace")) % BUCKETS)
        group = groups.get(slot)
        if group is None or group.size + len(event.line) > MAX_ENTRY_BYTES:
            if group is not None:
                yield group.entry(slot)
            group = groups[slot] = _Group(meta.received_at)
        group.lines.append(event.line)
        group.size += len(event.line)
    for slot, group in groups.items():
        yield group.entry(slot)


@dataclass(slots=True)
class _Group:
    received_at: int
    lines: list[bytes] = field(default_factory=list)
    size: int = 0

    def entry(self, slot: tuple[str, int]) -> Entry:
        source_id, bucket = slot
        return Entry(
            f"{source_id}:{bucket}", pack_events(Batch(source_id, self.received_at, self.lines))
        )
