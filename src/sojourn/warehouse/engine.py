"""The seam between the loading of SQL warehouses and their clients."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa

from sojourn.warehouse.dialects import Dialect


class Engine(Protocol):
    """A connection to one SQL warehouse, opened when it is first needed, and again after a loss.

    Every method raises `WarehouseUnavailable` when the warehouse cannot be reached.
    """

    dialect: Dialect

    def run(self, sql: str) -> int:
        """Run one statement; how many rows it touched, 0 if the warehouse does not say."""
        ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        ...

    def fill(self, table: str, rows: pa.Table) -> None:
        """Put rows into a table (its name for SQL text), whose columns theirs are called like."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All statements of the block or none; nobody else loads meanwhile."""
        ...

    def close(self) -> None:
        """Release the connection. Safe to call twice."""
        ...


_JSON = {b"sojourn": b"json"}


def json_field(name: str) -> pa.Field:
    """The Arrow field of a column of JSON texts, marked as such."""
    return pa.field(name, pa.string(), metadata=_JSON)


def is_json(field: pa.Field) -> bool:
    """Whether a column holds JSON, which some warehouses must parse."""
    return bool(field.metadata == _JSON)
