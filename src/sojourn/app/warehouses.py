"""The configured warehouses beside the embedded one: each a reader with its own position."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

from sojourn.app.sources import Sources
from sojourn.core.erasure import People
from sojourn.core.errors import InvalidSettings, Transient
from sojourn.core.ports import EVENTS, Clock, EventLog, Lag, Tables
from sojourn.pipeline.loader import Loader
from sojourn.settings import Configuration, DestinationSettings, parse_duration
from sojourn.warehouse.registry import INTERVAL_S, MAX_BYTES, build_tables
from sojourn.warehouse.session_feed import SessionFollower

_log = logging.getLogger(__name__)


class Warehouses:
    """Loads every enabled `[[warehouses]]` entry from the log, and sends the sessions on.

    A warehouse that is new gets everything that the log still has.
    """

    def __init__(
        self,
        configuration: Configuration,
        sources: Sources,
        log: EventLog,
        clock: Clock,
        cursor: Callable[[], Any],
    ) -> None:
        self._entries = [
            entry for entry in configuration.warehouses if entry.options.get("enabled", True)
        ]
        self._sources = sources
        self._parts = (log, clock)
        self._cursor = cursor
        self._loaders: dict[str, Loader] = {}
        self._tables: list[Tables] = []

    @property
    def configured(self) -> bool:
        """Whether there is any."""
        return bool(self._entries)

    def open(self) -> None:
        """Build all of them. Raises `InvalidSettings` and `MissingPart`; connects to nothing."""
        log, clock = self._parts
        for entry in self._entries:
            tables = build_tables(entry.type, entry.options, self._sources.by_id)
            self._tables.append(tables)
            self._loaders[entry.name] = Loader(
                log,
                tables,
                clock,
                interval_s=_interval_s(entry),
                max_bytes=int(entry.options.get("max_bytes", MAX_BYTES)),
                name=_reader(entry),
            )

    async def run(self, stop: asyncio.Event) -> None:
        """Load until `stop` is set; then close the connections."""
        try:
            async with asyncio.TaskGroup() as group:
                for entry, tables in zip(self._entries, self._tables, strict=True):
                    group.create_task(self._loaders[entry.name].run(stop))
                    group.create_task(self._follow(entry, tables, stop))
        finally:
            self.close()

    def close(self) -> None:
        """Close the connections; those that are needed again open anew."""
        for tables in self._tables:
            tables.close()

    async def lags(self) -> dict[str, Lag]:
        """How far each is behind in the log, by the name of its reader."""
        log, _ = self._parts
        names = [_reader(entry) for entry in self._entries]
        return {name: await log.reader(EVENTS, name).lag() for name in names}

    @property
    def names(self) -> list[str]:
        """Of all that are loaded."""
        return [entry.name for entry in self._entries]

    async def erase(self, name: str, people: People, source_ids: Collection[str]) -> dict[str, int]:
        """Delete people from a warehouse, and send it the sessions that changed.

        Returns rows of events by table. Raises `WarehouseUnavailable`, and `InvalidSettings` for
        one that cannot.
        """
        from sojourn.warehouse.sql_tables import SqlTables  # brings an SQL parser: 8 MB

        if not self._tables:
            self.open()
        tables = self._tables[self.names.index(name)]
        if not isinstance(tables, SqlTables):
            raise InvalidSettings(f"warehouse {name} cannot delete rows")
        deleted = await asyncio.to_thread(tables.erase, people, source_ids)
        await asyncio.to_thread(SessionFollower(name, self._cursor, tables).follow)
        return deleted

    def status(self) -> dict[str, Any]:
        """What was loaded into each since the start."""
        return {name: asdict(loader.counts) for name, loader in self._loaders.items()}

    async def _follow(self, entry: DestinationSettings, tables: Any, stop: asyncio.Event) -> None:
        follower = SessionFollower(entry.name, self._cursor, tables)
        while not stop.is_set():
            try:
                await asyncio.to_thread(follower.follow)
            except Transient as error:
                _log.warning("sessions wait for warehouse %s: %s", entry.name, error)
            try:
                await asyncio.wait_for(stop.wait(), _interval_s(entry))
            except TimeoutError:
                continue


def _reader(entry: DestinationSettings) -> str:
    """What the log knows the warehouse by."""
    return f"warehouse:{entry.name}"


def _interval_s(entry: DestinationSettings) -> float:
    try:
        return parse_duration(entry.options.get("interval", INTERVAL_S)) / 1000
    except ValueError as error:
        raise InvalidSettings(f"warehouse {entry.name}: interval {error}") from None
