"""The log of a data folder with tables of their own beside it, for replays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sojourn.app.clock import SystemClock
from sojourn.app.data_directory import DataDirectory
from sojourn.app.logs import is_sqlite, open_log
from sojourn.app.sources import configured_sources
from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Clock, EventLog
from sojourn.insights.sessions import SessionModel
from sojourn.settings import Configuration
from sojourn.warehouse.duckdb import DuckDBTables


@asynccontextmanager
async def separate_tables(
    configuration: Configuration, directory: DataDirectory, path: Path
) -> AsyncIterator[tuple[EventLog, DuckDBTables, Clock]]:
    """The folder's log, and the DuckDB file at `path` with a session model of its own.

    Needs no lock: the log takes several processes, and the file is another one. Raises
    `InvalidSettings` for a folder without a log, and for its own warehouse as `path`.
    """
    _check(configuration, directory, path)
    clock = SystemClock()
    sources = configured_sources(configuration, directory)
    log = open_log(configuration, directory, keeps=False)
    try:
        tables = DuckDBTables(path, sources.by_id, SessionModel(sources.by_id))
        try:
            yield log, tables, clock
        finally:
            tables.close()
    finally:
        await log.close()


def _check(configuration: Configuration, directory: DataDirectory, path: Path) -> None:
    if is_sqlite(configuration) and not directory.log.exists():
        raise InvalidSettings(f"there is no log in {directory.path}; name the folder: --data-dir")
    if path.resolve() == directory.warehouse.resolve():
        raise InvalidSettings(f"{path} is the folder's own warehouse; name another file")
