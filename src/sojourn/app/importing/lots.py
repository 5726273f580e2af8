"""Events of old tables, some at a time, with the columns that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from sojourn.core.events import clean_id, person_key
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.history import HistoryEvent, HistoryTable, Position
from sojourn.warehouse.history.tables import KINDS, event_table

Suppressed = Callable[[str, str], bool]
"""Of a source id and a cleaned user id."""
LOT_BYTES = 8 << 20
"""Of events that are loaded together; as the loader has it."""
_encode = msgspec.json.Encoder().encode
_MAIN = {kind: table for table, kind in KINDS.items()}


@dataclass
class Lot:
    """Events that are not there yet, in order, and what was read for them."""

    position: Position
    lines: list[bytes] = field(default_factory=list)
    """One JSON object each."""
    persons: list[str] = field(default_factory=list)
    """The partition key of each."""
    rows: int = 0
    events: int = 0
    """All that were read, those below included."""
    already_there: int = 0
    suppressed: int = 0


class Lots:
    """Reads events into lots.

    Tables get their columns before the events: of the types that they have where the history
    lies, whichever value comes first.
    """

    def __init__(
        self,
        tables: DuckDBTables,
        source_id: str,
        namespace: str,
        events: Iterator[HistoryEvent],
        suppressed: Suppressed,
        lot_bytes: int,
    ) -> None:
        """`suppressed` says whose events must not come back: they were forgotten."""
        self._tables = tables
        self._source_id = source_id
        self._namespace = namespace
        self._events = events
        self._suppressed = suppressed
        self._lot_bytes = lot_bytes
        self._widened: set[tuple[HistoryTable, str]] = set()

    def next(self) -> Lot | None:
        """The next lot; None after the last. Raises as the history does."""
        lot = None
        ids: list[str] = []
        wanted: dict[str, dict[str, str]] = {}
        size = 0
        for found in self._events:
            lot = lot or Lot(found.position)
            lot.position = found.position
            lot.rows += len(found.tables)
            lot.events += 1
            event = found.event
            anonymous_id, user_id = (
                clean_id(event.get("anonymousId")),
                clean_id(event.get("userId")),
            )
            if user_id and self._suppressed(self._source_id, user_id):
                lot.suppressed += 1
                continue
            line = _encode(event)
            lot.lines.append(line)
            ids.append(str(event["messageId"]))
            lot.persons.append(person_key(self._source_id, anonymous_id, user_id))
            self._need(found, wanted)
            size += len(line)
            if size >= self._lot_bytes:
                break
        if lot is not None:
            self._tables.widen(self._namespace, wanted)
            self._drop_known(lot, ids)
        return lot

    def _need(self, found: HistoryEvent, wanted: dict[str, dict[str, str]]) -> None:
        """Note the columns that the event's tables must have."""
        for table in found.tables:
            name = _MAIN[found.kind]
            if table.is_of_one_event:
                name = event_table(str(found.event.get("event") or ""))
            if name and (table, name) not in self._widened:
                self._widened.add((table, name))
                wanted[name] = {**table.types(), **wanted.get(name, {})}

    def _drop_known(self, lot: Lot, ids: list[str]) -> None:
        known = self._tables.known(self._namespace, ids)
        lot.already_there = sum(name in known for name in ids)
        if known:
            keep = [number for number, name in enumerate(ids) if name not in known]
            lot.lines = [lot.lines[number] for number in keep]
            lot.persons = [lot.persons[number] for number in keep]
