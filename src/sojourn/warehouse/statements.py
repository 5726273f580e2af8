"""The SQL of a warehouse: named queries, filled in and rendered in its dialect."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sqlglot

from sojourn.warehouse.dialects import Dialect
from sojourn.warehouse.queries import named_queries

_WRITTEN_IN = "postgres"
_RENDERED_MAX = 2_000


class Statements:
    """Queries by name: those of the warehouse's own file, else the general ones, rendered."""

    def __init__(self, dialect: Dialect, own: str = "", general: str = "sql/merging.sql") -> None:
        """`own` is in the warehouse's dialect, `general` in PostgreSQL's. Both may be empty."""
        self._dialect = dialect
        self._own = _without_comments(named_queries(own)) if own else {}
        self._general = _without_comments(named_queries(general)) if general else {}

    def __call__(self, name: str, **parts: str) -> str:
        """The query `name` with `parts` (names and lists of them, already quoted) filled in."""
        if name in self._own:
            return self._own[name].format(**parts)
        return _rendered(self._general[name].format(**parts), self._dialect.sqlglot)

    def part(self, name: str, **parts: str) -> str:
        """A fragment, to be filled into a query."""
        return self._own.get(name, self._general.get(name, "")).format(**parts)


def _without_comments(queries: Mapping[str, str]) -> Mapping[str, str]:
    """Comments are for readers of the files: warehouses get none of them."""
    return {
        name: "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
        for name, sql in queries.items()
    }


@lru_cache(maxsize=_RENDERED_MAX)
def _rendered(sql: str, dialect: str) -> str:
    if dialect == _WRITTEN_IN:
        return sql
    return sqlglot.transpile(sql, read=_WRITTEN_IN, write=dialect)[0]
