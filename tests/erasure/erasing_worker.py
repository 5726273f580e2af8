"""Erases a person from a data folder, and kills itself at a chosen moment.

    python erasing_worker.py FOLDER KILL_AT [CONFIG]

Counts the writes of jobs and the transactions and file changes that an erasure makes; kills its
own process right before number KILL_AT. 0: never. Goes on with what is open, if anything is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sojourn.app.data_directory import DataDirectory
from sojourn.app.erasure.jobs import Jobs, Order
from sojourn.app.platform import Platform
from sojourn.log import SqliteLog, SqliteStateStore
from sojourn.settings import load
from sojourn.warehouse.duckdb import DuckDBTables


def kill_before(owner: type, name: str, kill: Callable[[], None]) -> None:
    """Have `owner.name` ask `kill` first."""
    inner = getattr(owner, name)

    def first(*args: Any, **given: Any) -> Any:
        kill()
        return inner(*args, **given)

    setattr(owner, name, first)


async def main(folder: Path, kill_at: int, config: Path | None) -> None:
    directory = DataDirectory(folder)
    directory.lock()
    platform = Platform(load(config, {}, {"data_dir": str(folder)}), directory)
    steps = 0

    def kill() -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, name in (
        (Jobs, "save"), (Jobs, "finish"), (SqliteLog, "rewrite"), (SqliteLog, "scrub"),
        (SqliteStateStore, "put"), (SqliteStateStore, "delete"), (SqliteStateStore, "scrub"),
        (DuckDBTables, "exclusively"), (DuckDBTables, "rewrite"),
    ):  # fmt: skip
        kill_before(owner, name, kill)
    if not platform.erasures.open_jobs():
        platform.erasures.order(Order([{"userId": "anna"}], by="test"))
    never = asyncio.Event()
    await platform.erasures.prepare(never)
    await platform.erasures.finish(never, 1)
    platform.warehouses.close()
    await platform.close()
    directory.release()
    print(steps)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(
        main(Path(arguments[0]), int(arguments[1]), Path(arguments[2]) if arguments[2:] else None)
    )
