"""A SQL warehouse that goes away in the middle of a load, for the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from sojourn.core.errors import WarehouseUnavailable
from sojourn.warehouse.engine import Engine


class FailingEngine:
    """Passes `after` steps on to an engine; then each one fails, and the connection is lost."""

    def __init__(self, engine: Engine, after: int) -> None:
        self.dialect = engine.dialect
        self._engine = engine
        self._left = after

    def run(self, sql: str) -> int:
        """A step."""
        self._step()
        return self._engine.run(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A step."""
        self._step()
        return self._engine.rows(sql)

    def fill(self, table: str, rows: pa.Table) -> None:
        """A step."""
        self._step()
        self._engine.fill(table, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Fails at its end, if it is one step too far: nothing of it is there then."""
        with self._engine.transaction():
            yield
            self._step()

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def _step(self) -> None:
        if self._left <= 0:
            raise WarehouseUnavailable("lost on purpose")
        self._left -= 1
