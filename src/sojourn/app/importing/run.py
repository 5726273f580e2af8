"""One import, from the first look at the tables to the last lot."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from sojourn.app.importing.loading import entries, load_lines
from sojourn.app.importing.lots import LOT_BYTES, Lot, Lots
from sojourn.app.importing.order import Counts, ImportOrder, Progress
from sojourn.core.errors import InvalidSettings
from sojourn.core.events import clean_id
from sojourn.core.ports import EVENTS
from sojourn.core.source import Source
from sojourn.warehouse.history import History, Position, open_history
from sojourn.warehouse.history.people import unknown_traits
from sojourn.warehouse.namespaces import namespace_of

if TYPE_CHECKING:
    from sojourn.app.platform import Platform
    from sojourn.app.sources import Sources

_SPACE = "import"
_POLL_S = 0.1


async def import_history(
    platform: Platform, order: ImportOrder, lot_bytes: int = LOT_BYTES
) -> AsyncIterator[Progress]:
    """Import, and tell how far it is: at first, after each lot, and with `done`.

    `lot_bytes`: of events that are loaded together. Raises `InvalidSettings` and
    `WarehouseUnavailable`; running it again goes on.
    """
    order = order.checked()
    history = await asyncio.to_thread(
        open_history, order.address, order.schema, platform.directory.warehouse
    )
    try:
        async for progress in _Run(platform, order, history).progress(lot_bytes):
            yield progress
    finally:
        await asyncio.to_thread(history.close)


class _Reached(NamedTuple):
    """Where an import has come to."""

    position: Position
    rows: int


class _Run:
    def __init__(self, platform: Platform, order: ImportOrder, history: History) -> None:
        self._platform = platform
        self._order = order
        self._history = history
        self._source = _source_of(platform.sources, order.source, history.schema)
        self._namespace = namespace_of(self._source.id, self._source)
        self._counts = Counts()
        self._key = _key(order, history.schema, self._source.id)

    async def progress(self, lot_bytes: int) -> AsyncIterator[Progress]:
        order, history = self._order, self._history
        tables = await asyncio.to_thread(self._count_rows)
        what: Progress = {
            "schema": history.schema,
            "source": self._source.id,
            "tables": tables,
            "left_alone": list(history.left_alone),
            "dry_run": order.dry_run,
            "resumed_after": None,
        }
        if order.dry_run:
            yield {**what, **asdict(self._counts), "done": True}
            return
        start = await asyncio.to_thread(self._start)
        if start is not None:
            what["resumed_after"] = start.position.received
            self._counts.rows = start.rows
        yield {**what, **asdict(self._counts)}
        events = history.events(order.since, order.until, start and start.position)
        platform = self._platform
        lots = Lots(
            platform.tables,
            self._source.id,
            self._namespace,
            events,
            platform.suppressions,
            lot_bytes,
        )
        while lot := await asyncio.to_thread(lots.next):
            await self._take(lot)
            yield {"at": lot.position.received, **asdict(self._counts)}
        if order.deliver:
            await self._loaded_from_log()
        await self._complete_users()
        platform.state.delete(_SPACE, [self._key])
        yield {**what, **asdict(self._counts), "done": True}

    def _count_rows(self) -> list[dict[str, Any]]:
        found = []
        for table in self._history.tables:
            counted = self._history.count(table, self._order.since, self._order.until)
            self._counts.rows_to_read += counted.rows if table.kind != "users" else 0
            self._counts.unusable_rows += counted.unusable
            found.append({"table": table.name, "kind": table.kind, **asdict(counted)})
        return found

    def _start(self) -> _Reached | None:
        """Where an import that was interrupted had come to."""
        found = self._platform.state.get(_SPACE, [self._key])
        if self._order.restart or self._key not in found:
            return None
        return msgspec.json.decode(found[self._key], type=_Reached)

    async def _take(self, lot: Lot) -> None:
        platform, counts = self._platform, self._counts
        if self._order.deliver:
            now_ms = platform.clock.now_ms()
            await platform.log.append(
                EVENTS, list(entries(self._source.id, now_ms, lot.lines, lot.persons))
            )
            counts.imported += len(lot.lines)
        elif lot.lines:
            await self._load(lot.lines)
        counts.rows += lot.rows
        counts.events += lot.events
        counts.already_there += lot.already_there
        counts.suppressed += lot.suppressed
        reached = msgspec.json.encode(_Reached(lot.position, counts.rows))
        await asyncio.to_thread(platform.state.put, _SPACE, {self._key: reached}, 0)

    async def _loaded_from_log(self) -> None:
        """Wait until the tables have what was appended: by the server's loader, if one runs."""
        if self._platform.gateway is None:
            await self._platform.loader.drain()
        while (await self._platform.lags())["warehouse"].entries:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_POLL_S)

    async def _load(self, lines: list[bytes], sessions: bool = True) -> None:
        platform, counts = self._platform, self._counts
        loaded = await load_lines(
            platform.log, platform.tables, platform.clock, self._source.id, lines, sessions
        )
        if sessions:
            counts.imported += loaded.events - loaded.aside
        else:
            counts.users += loaded.events
        counts.discarded += loaded.discarded
        counts.put_aside += loaded.aside

    async def _complete_users(self) -> None:
        """Load what only `users` knows of people."""
        tables, namespace = self._platform.tables, self._namespace
        users = (
            user
            for user in self._history.users(self._order.since, self._order.until)
            if not self._platform.suppressions(self._source.id, clean_id(user["userId"]))
        )
        missing = unknown_traits(tables.query, namespace, users)
        while (some := await asyncio.to_thread(next, missing, None)) is not None:
            ids = [str(user["messageId"]) for user in some]
            known = await asyncio.to_thread(tables.known, namespace, ids)
            fresh = [msgspec.json.encode(one) for one in some if one["messageId"] not in known]
            if fresh:
                await self._load(fresh, sessions=False)


def _source_of(sources: Sources, wanted: str, schema: str) -> Source:
    """Whose events these are. Raises `InvalidSettings` that names the choices."""
    if wanted:
        found = [source for source in sources.all if wanted in (source.id, source.name)]
    else:
        schema = schema.lower()
        found = [source for source in sources.all if namespace_of(source.id, source) == schema]
        if not found and len(sources.all) == 1:
            found = list(sources.all)
    if not found:
        names = ", ".join(source.name for source in sources.all)
        raise InvalidSettings(
            f"there is no source {wanted}; there are: {names}"
            if wanted
            else f"whose events are those of schema {schema}? Name one with --source: {names}"
        )
    return found[0]


def _key(order: ImportOrder, schema: str, source_id: str) -> str:
    """What tells this import from others. The address holds a password: its hash is kept."""
    parts = (order.address, schema, source_id, order.since, order.until, str(order.deliver))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
