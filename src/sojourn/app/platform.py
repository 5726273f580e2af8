"""The composition of a Sojourn in one process: every part, plugged together."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from sojourn.app.clock import SystemClock
from sojourn.app.data_directory import DataDirectory
from sojourn.app.deliveries import Deliveries
from sojourn.app.disk import DiskWatch
from sojourn.app.erasure.building import build_erasures
from sojourn.app.footprint import Footprint
from sojourn.app.logs import described_log, open_log
from sojourn.app.recent import RecentEvents
from sojourn.app.session_news import session_news
from sojourn.app.sources import configured_sources
from sojourn.app.warehouses import Warehouses
from sojourn.core.ports import EVENTS, RAW, Lag
from sojourn.gateway import Gateway
from sojourn.insights.reports import Reports
from sojourn.insights.sessions import SessionModel
from sojourn.log import SqliteStateStore
from sojourn.pipeline.geography import Geography
from sojourn.pipeline.loader import Loader
from sojourn.pipeline.processor import Processor
from sojourn.pipeline.suppressions import Suppressions
from sojourn.settings import Configuration
from sojourn.warehouse.description import described_tables
from sojourn.warehouse.duckdb import DuckDBTables
from sojourn.warehouse.session_feed import SessionFeed

_CATCH_UP_BYTES = 16 << 20
"""Of events in one load of a loader that is behind. Twice as much saves 3 % of the CPU time
of a backlog, and takes 140 MB more."""


class Platform:
    """Log, processor, warehouse, sessions and reports over one data directory.

    The directory must be locked by the caller.
    """

    def __init__(self, configuration: Configuration, directory: DataDirectory) -> None:
        self.configuration = configuration
        self.directory = directory
        self.clock = SystemClock()
        self.gateway: Gateway | None = None
        """Set by the server; a platform that only reads has none."""
        database = configuration["geoip_database"]
        self.geography = Geography(database) if database else None
        self.sources = configured_sources(configuration, directory)
        self.log = open_log(configuration, directory)
        self.state = SqliteStateStore(directory.state, self.clock)
        self.sessions = SessionModel(self.sources.by_id)
        self.session_feed = SessionFeed(self.sessions) if configuration.warehouses else None
        self.tables = DuckDBTables(
            directory.warehouse, self.sources.by_id, self.session_feed or self.sessions
        )
        with self.tables.cursor() as cursor:
            self.sessions.prepare(cursor)
        self.reports = Reports(self.tables.cursor)
        self.suppressions = Suppressions(self.state, self.clock)
        self.processor = Processor(
            self.log,
            self.state,
            self.clock,
            dedup_window_ms=configuration["dedup_window"],
            suppressed=self.suppressions,
            geography=self.geography,
        )
        self.loader = Loader(
            self.log,
            self.tables,
            self.clock,
            interval_s=configuration["load_interval"] / 1000,
            catch_up_bytes=_CATCH_UP_BYTES,
        )
        self.footprint = Footprint(self.tables, self.loader.counts)
        self.deliveries = Deliveries(
            configuration,
            self.sources,
            self.log,
            self.state,
            self.clock,
            session_news(self.tables.cursor, self.clock),
        )
        self.warehouses = Warehouses(
            configuration, self.sources, self.log, self.clock, self.tables.cursor
        )
        self.recent = RecentEvents(self.log, self.clock)
        self.disk = DiskWatch(
            directory.path, self.log, configuration["disk_budget"], self._all_lags
        )

        self.erasures = build_erasures(self)

    async def run(self, stop: asyncio.Event) -> None:
        """Keep everything behind the log going until `stop` is set, then finish what is begun.

        For an erasure it all stands still, while the gateway goes on taking events in.
        """
        while not stop.is_set():
            if self.erasures.wanted.is_set():
                await self.erasures.prepare(stop)
                self.recent.forget()
            await self._work(stop)

    async def _work(self, stop: asyncio.Event) -> None:
        """Run all parts until `stop` is set, or an erasure wants them to stand still."""
        pause = asyncio.Event()
        parts = (self.processor, self.loader, self.deliveries, self.warehouses, self.recent)
        async with asyncio.TaskGroup() as group:
            for part in (*parts, self.disk, self.footprint, self.erasures):
                group.create_task(part.run(pause))
            reasons = [group.create_task(it.wait()) for it in (stop, self.erasures.wanted)]
            await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
            pause.set()
            for reason in reasons:
                reason.cancel()

    async def catch_up(self) -> None:
        """Bring the tables up to everything that is in the log."""
        await self.processor.drain()
        await self.loader.drain()

    async def lags(self) -> dict[str, Lag]:
        """How far each reader of the log is behind."""
        return {
            "processor": await self.log.reader(RAW, "processor").lag(),
            "warehouse": await self.log.reader(EVENTS, "warehouse").lag(),
            **await self.warehouses.lags(),
        }

    async def _all_lags(self) -> dict[str, Lag]:
        """Those of the destinations, too."""
        destinations = {
            f"destination:{one['name']}": Lag(one["lag_entries"], one["lag_seconds"])
            for one in await self.deliveries.status()
        }
        return {**await self.lags(), **destinations}

    async def status(self) -> dict[str, Any]:
        """Alerts, the sources, how far each reader is behind, what was done since the start."""
        disk = await self.disk.look()
        return {
            "alerts": [asdict(alert) for alert in self.disk.alerts],
            "disk": asdict(disk),
            "sources": [
                {
                    "id": source.id,
                    "name": source.name,
                    "platform": source.platform,
                    "enabled": source.enabled,
                    "timeout_s": source.timeout_ms / 1000,
                }
                for source in self.sources.all
            ],
            "log": described_log(self.configuration, self.log),
            "readers": {name: asdict(lag) for name, lag in (await self.lags()).items()},
            "processor": asdict(self.processor.counts),
            "destinations": await self.deliveries.status(),
            "warehouse": asdict(self.loader.counts)
            | {"tables": await asyncio.to_thread(described_tables, self.tables.query)},
            "warehouses": self.warehouses.status(),
        }

    async def close(self) -> None:
        """Release the files. Safe after a failed start."""
        await self.log.close()
        self.tables.close()
        self.state.close()
        if self.geography is not None:
            self.geography.close()
