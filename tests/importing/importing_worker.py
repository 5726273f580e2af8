"""Imports into a data folder, and prints a line when a lot is done: to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sojourn.app.data_directory import DataDirectory
from sojourn.app.importing.order import ImportOrder
from sojourn.app.importing.run import import_history
from sojourn.app.platform import Platform
from sojourn.settings import load


async def main(configuration: str, folder: str, address: str) -> None:
    directory = DataDirectory(Path(folder))
    directory.lock()
    platform = Platform(load(Path(configuration), {}, {"data_dir": folder}), directory)
    async for progress in import_history(platform, ImportOrder(address), lot_bytes=20_000):
        print(progress["rows"], progress.get("resumed_after"), flush=True)
    await platform.close()
    directory.release()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
