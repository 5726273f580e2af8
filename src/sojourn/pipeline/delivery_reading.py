"""From the log to the queue of a delivery: entries become events in their people's lanes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

import msgspec

from sojourn.core.envelope import unpack_places
from sojourn.core.ports import Stored
from sojourn.pipeline.delivery_filter import EventFilter, Head, decode_head, person
from sojourn.pipeline.delivery_ledger import Ledger
from sojourn.pipeline.delivery_queue import Item, Queue
from sojourn.pipeline.delivery_stats import DeliveryStats, count


def private_stream(name: str) -> str:
    """The stream whose events go to the destination `name` only: replays, session events.

    Its values are those of the stream `events`.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:20]
    return f"only_{plain}_{crc32(name.encode()):08x}"


class Intake:
    """Takes read entries apart, leaves out what the filters refuse, and queues the rest."""

    def __init__(
        self, queue: Queue, ledger: Ledger, events: EventFilter, stats: DeliveryStats
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._filter = events
        self._stats = stats

    def take(self, stream: str, entries: Sequence[Stored]) -> None:
        """Queue the events of the entries, in order."""
        for entry in entries:
            place = (stream, entry.partition)
            batch = unpack_places(entry.value)
            wanted: list[Item] = []
            for index, event in enumerate(batch.events):
                item = Item(place, entry.offset, index, batch.source_id, batch.received_at, event)
                if event and self._wants(item):
                    wanted.append(item)
            self._ledger.opened(place, entry.offset, len(wanted))
            for item in wanted:
                self._ledger.remember(item)
                self._queue.add(item)

    def _wants(self, item: Item) -> bool:
        try:
            head = decode_head(item.event)
        except msgspec.DecodeError:
            # The processor writes JSON objects only; whatever this is, the destination's own
            # refusal names it and the dead letters keep it.
            head = Head()
        refusal = self._filter.refuses(item.source_id, head)
        if refusal is not None:
            count(self._stats.filtered, refusal)
            return False
        item.lane = person(item.source_id, head)
        return not self._ledger.is_kept(item)
