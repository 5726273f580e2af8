"""The events of one load on their way into tables, a portion at a time.

Portions are small enough for the processor's cache, which saves much of the time from decoded
values to columns. The tables take all portions together, since DuckDB likes large ones.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, overload

import pyarrow as pa

from sojourn.core.envelope import DeadLetter
from sojourn.core.ports import Batch
from sojourn.warehouse.namespaces import namespace_of
from sojourn.warehouse.portion import Portion, Workshop
from sojourn.warehouse.sorting import decode
from sojourn.warehouse.transform import Origin

STAGE = "warehouse"
PORTION = 4000
"""Events, about."""


class Decoded(Sequence[Mapping[str, Any]]):
    """Events that are decoded when they are looked at: few are in memory at a time."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        """`lines`: the JSON text of each event."""
        self.lines = lines

    def __len__(self) -> int:
        """How many events."""
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, index: Any) -> Any:
        """One event, decoded; or a part of them, which is not."""
        found = self.lines[index]
        return Decoded(found) if isinstance(index, slice) else decode(found)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Each event, decoded."""
        return map(decode, self.lines)


class Intake:
    """What one load puts into which table."""

    def __init__(self, workshop: Workshop, load_time: str, keep_events: bool = False) -> None:
        """`load_time` (ISO 8601) is what the rows get as `uuid_ts`."""
        self.count = 0
        self.discarded = 0
        """Values that did not fit their column."""
        self.aside: list[DeadLetter] = []
        """Events that cannot be turned into rows, with the reason."""
        self._workshop = workshop
        self._load_time = load_time
        self._keep_events = keep_events
        self._parts: dict[str, dict[str, list[pa.Table]]] = {}
        self._lines: dict[str, list[bytes]] = {}

    def take(self, batches: Iterable[Batch]) -> None:
        """Turn events into columns. The tables are widened as it needs them to be."""
        by_source: dict[str, list[Batch]] = {}
        for batch in batches:
            by_source.setdefault(batch.source_id, []).append(batch)
        for source_id, some in by_source.items():
            for part in _portions(some):
                self._take(source_id, part)

    def events(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The events that have rows, by source, for the session model, if they are to be kept."""
        return {source_id: Decoded(lines) for source_id, lines in self._lines.items()}

    def tables(self) -> Mapping[str, Mapping[str, pa.Table]]:
        """The rows by namespace and table; they are handed over, and not kept here."""
        everything, self._parts = self._parts, {}
        return {
            namespace: {
                table: pa.concat_tables(parts, promote_options="default").combine_chunks()
                for table, parts in tables.items()
            }
            for namespace, tables in everything.items()
        }

    def _take(self, source_id: str, batches: Sequence[Batch]) -> None:
        source = self._workshop.sources(source_id)
        namespace = namespace_of(source_id, source)
        origin = Origin(source_id, source.platform if source else "")
        portion = Portion(self._workshop, origin, namespace, self._load_time)
        lines = [line for batch in batches for line in batch.events]
        self.count += len(lines)
        with _no_garbage_collection():
            portion.take(lines)
        if portion.failed:
            owners = [batch for batch in batches for _ in batch.events]
            for number, reason in sorted(portion.failed.items()):
                self._put_aside(owners[number], lines[number], reason)
        for table, columns in portion.parts:
            self._parts.setdefault(namespace, {}).setdefault(table, []).append(columns)
        self.discarded += portion.discarded
        if self._keep_events:
            good = [line for number, line in enumerate(lines) if number not in portion.failed]
            self._lines.setdefault(source_id, []).extend(good)

    def _put_aside(self, batch: Batch, line: bytes, reason: str) -> None:
        letter = DeadLetter(batch.source_id, batch.received_at, STAGE, reason, line)
        self.aside.append(letter)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A fifth of the time would go into looking for cycles among decoded events: there are none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _portions(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """The batches in parts of about `PORTION` events, in order; a batch stays whole."""
    part: list[Batch] = []
    count = 0
    for batch in batches:
        part.append(batch)
        count += len(batch.events)
        if count >= PORTION:
            yield part
            part, count = [], 0
    if part:
        yield part
