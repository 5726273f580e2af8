"""What is in a DuckDB warehouse: its tables with their sizes, its columns with their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sojourn.warehouse.queries import named_queries

if TYPE_CHECKING:
    import pyarrow as pa

_SQL = named_queries("description.sql")
COLUMNS_QUERY = _SQL["columns"]
"""A SELECT of `table`, `column` and `type`, in the tables' order."""


def described_tables(query: Callable[[str], pa.Table]) -> dict[str, dict[str, int]]:
    """`schema.table` → its `rows` (about) and its number of `columns`."""
    return {
        row["name"]: {"rows": row["rows"], "columns": row["columns"]}
        for row in query(_SQL["tables"]).to_pylist()
    }
