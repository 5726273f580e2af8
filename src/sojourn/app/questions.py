"""What people ask of a Sojourn, answered in this process: reports, exports, SQL, status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sojourn.app.definition import Definition
from sojourn.app.importing.order import ImportOrder, Progress
from sojourn.app.importing.run import import_history
from sojourn.core.envelope import unpack_events
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import EVENTS, EventLog, Report, ReportSpec
from sojourn.insights.redefine import policies, redefine
from sojourn.pipeline.dead_letters import Letter

if TYPE_CHECKING:
    import pyarrow as pa

    from sojourn.app.platform import Platform

SESSION_EXPORT = "SELECT * FROM main.sessions ORDER BY start_time, session_key"


class Questions:
    """The answers of one `Platform`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def reports(self) -> list[ReportSpec]:
        """What reports there are."""
        return list(self._platform.reports.describe())

    def report(self, name: str, parameters: Mapping[str, str]) -> Report:
        """Run one report. Raises `InvalidSettings` for a name or parameter that is not there."""
        return self._platform.reports.run(name, parameters)

    def export(self, kind: str) -> AsyncIterator[bytes]:
        """What is stored, one JSON object after the other: `events` or `sessions`."""
        exports: dict[str, Callable[[], AsyncIterator[bytes]]] = {
            "events": lambda: _stored_events(self._platform.log),
            "sessions": lambda: _stored_rows(lambda: self._platform.tables.query(SESSION_EXPORT)),
        }
        if kind not in exports:
            raise InvalidSettings(f"there is no export '{kind}'; there are: events, sessions")
        return exports[kind]()

    def sql(self, statement: str) -> dict[str, Any]:
        """The answer to one SELECT, read-only: `{"columns": […], "rows": [[…], …]}`."""
        table = self._platform.tables.query_read_only(statement)
        return {
            "columns": table.column_names,
            "rows": [list(row.values()) for row in table.to_pylist()],
        }

    def redefine(self, definition: Definition, apply: bool) -> Report:
        """What other rules would change in the sessions; with `apply`, history follows them.

        Raises `InvalidSettings` for rules or a source that are not possible.
        """

        def work(connection: Any) -> Report:
            report = redefine(connection, definition.rules(policies(connection)))
            if self._platform.session_feed is not None:
                self._platform.session_feed.note_all(connection)
            return report

        return self._platform.tables.exclusively(work, keep=apply)

    async def dead_letters(self, stage: str = "", name: str = "") -> list[dict[str, Any]]:
        """Dead letters, oldest first: all, of one stage, or the one of this id (with its event).

        Raises `InvalidSettings` for an id that is not there.
        """
        letters = self._platform.deliveries.dead_letters
        if name:
            found = await letters.show(name)
            return [_as_row(found) | {"event": found.letter.event.decode("utf-8", "replace")}]
        return [_as_row(letter) async for letter in letters.list(stage or None)]

    async def replay(self, stage: str, name: str = "") -> int:
        """Send dead letters of a destination again (or the one of this id); how many."""
        letters = self._platform.deliveries.dead_letters
        if name:
            return await letters.replay([await letters.show(name)])
        return await letters.replay([one async for one in letters.list(stage, replayed=False)])

    def import_history(self, order: ImportOrder) -> AsyncIterator[Progress]:
        """Import tables of RudderStack; see `sojourn.app.importing`."""
        return import_history(self._platform, order)

    async def status(self) -> dict[str, Any]:
        """How each part is doing."""
        return await self._platform.status()


def _as_row(letter: Letter) -> dict[str, Any]:
    dead = letter.letter
    return {
        "id": letter.id,
        "at": datetime.fromtimestamp(letter.dead_at / 1000, UTC).isoformat(timespec="seconds"),
        "stage": dead.stage,
        "source": dead.source_id,
        "reason": dead.reason,
        "replayed": letter.replayed,
    }


async def _stored_events(log: EventLog) -> AsyncIterator[bytes]:
    """The events stream, each event once: a crash may leave an event there twice."""
    reader = log.reader(EVENTS, "")
    seen: set[tuple[str, str]] = set()
    encode, decode = msgspec.json.encode, msgspec.json.Decoder(_Identified).decode
    while entries := await reader.read(4 << 20, wait=0):
        for entry in entries:
            batch = unpack_events(entry.value)
            prefix = b'{"sourceId":' + encode(batch.source_id) + b","
            for event in batch.events:
                identity = (batch.source_id, decode(event).messageId)
                if identity not in seen:
                    seen.add(identity)
                    yield prefix + event[1:]


class _Identified(msgspec.Struct):
    messageId: str


async def _stored_rows(query: Callable[[], pa.Table]) -> AsyncIterator[bytes]:
    encode = msgspec.json.Encoder(enc_hook=str).encode
    table = _with_zone(await asyncio.to_thread(query))
    for chunk in table.to_batches(max_chunksize=4096):
        for row in chunk.to_pylist():
            yield encode(row)


def _with_zone(table: pa.Table) -> pa.Table:
    """Times in the tables are UTC without saying so; in JSON they say so."""
    import pyarrow as pa

    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            zoned = table.column(index).cast(pa.timestamp("ms", tz="UTC"))
            table = table.set_column(index, column.name, zoned)
    return table
