"""Events to the rows of all tables: decode once, transform, sort by table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sojourn.core.envelope import DeadLetter
from sojourn.core.ports import Batch
from sojourn.core.source import Source
from sojourn.warehouse.namespaces import namespace_of
from sojourn.warehouse.transform import Origin, Row, Transformer

STAGE = "warehouse"
Sources = Callable[[str], Source | None]
"""The source of an id; None for one that is configured no more."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass
class Collected:
    """What some batches hold."""

    rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    """By namespace and table, in the order of the events."""
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The decoded events by source."""
    aside: list[DeadLetter] = field(default_factory=list)
    """Events that cannot be turned into rows, with the reason."""
    count: int = 0


class Collector:
    """Turns batches into rows, by one transformer for all sources."""

    def __init__(self, transformer: Transformer, sources: Sources) -> None:
        self._rows = transformer.rows
        self._sources = sources

    def collect(self, batches: Sequence[Batch]) -> Collected:
        """The rows of all events that have any."""
        found = Collected()
        for batch in batches:
            source = self._sources(batch.source_id)
            namespace = namespace_of(batch.source_id, source)
            origin = Origin(batch.source_id, source.platform if source else "")
            events = found.events.setdefault(batch.source_id, [])
            tables = found.rows.setdefault(namespace, {})
            for line in batch.events:
                try:
                    event = _decode(line)
                    rows = self._rows(event, origin)
                except Exception as error:  # whatever an event holds, the others are loaded
                    found.aside.append(_letter(batch, line, error))
                    continue
                for row in rows:
                    table = tables.get(row.table)
                    if table is None:
                        table = tables[row.table] = []
                    table.append(row)
                events.append(event)
            found.count += len(batch.events)
        return found


def _letter(batch: Batch, line: bytes, error: Exception) -> DeadLetter:
    reason = getattr(error, "detail", None) or f"{type(error).__name__}: {error}"
    return DeadLetter(batch.source_id, batch.received_at, STAGE, reason, line)
