"""What keeps the memory of a server small: load nothing in vain, give back what is free."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sys
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from sojourn.pipeline.loader import LoaderCounts
from sojourn.warehouse.duckdb import DuckDBTables

_LOOK_S = 2.0
_QUIET_LOOKS = 3
"""So many looks in a row without a load, and what was loaded is written into its place."""


class _Refuser:
    """Finds one module, and refuses it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> None:
        """As `importlib.abc.MetaPathFinder`."""
        if name == self._name:
            raise ModuleNotFoundError(f"{name} is not needed", name=name)


def go_without_pandas() -> None:
    """Have Arrow believe that pandas is not installed, unless it is loaded already.

    Arrow loads it, where it can, with the first list that becomes an array: 35 MB to find out that
    the list is none of pandas'. It asks once; whoever imports pandas later gets it.
    """
    if "pandas" in sys.modules:
        return
    refuser = _Refuser("pandas")
    sys.meta_path.insert(0, refuser)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(refuser)


class Footprint:
    """Gives back what loads took: free memory every few seconds, the journal once it is quiet."""

    def __init__(self, tables: DuckDBTables, counts: LoaderCounts) -> None:
        """`counts`: those of the loader that fills `tables`."""
        self._tables = tables
        self._counts = counts

    async def run(self, stop: asyncio.Event) -> None:
        """Look whether something was loaded, until `stop` is set."""
        seen, quiet = self._counts.events, _QUIET_LOOKS
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_S)
            if self._counts.events != seen:
                seen, quiet = self._counts.events, 0
                await asyncio.to_thread(self._give_back)
            elif quiet < _QUIET_LOOKS:
                quiet += 1
                if quiet == _QUIET_LOOKS:
                    await asyncio.to_thread(self._tables.checkpoint)
                    await asyncio.to_thread(self._give_back)

    def _give_back(self) -> None:
        """Both allocators return to the system what nobody uses; in some 20 ms."""
        self._tables.give_back()
        pa.default_memory_pool().release_unused()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # GNU's C library has it
        if trim is not None:
            trim(0)
