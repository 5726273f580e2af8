"""The schema that a source's tables lie in."""

from __future__ import annotations

from sojourn.core.source import Source
from sojourn.warehouse.transform import PROVIDERS
from sojourn.warehouse.transform.naming import Namer

_LONGEST = 127
_TAKEN = frozenset(("main", "sojourn", "temp", "system", "pg_catalog", "information_schema"))
"""`main` holds the sessions, `sojourn` what loading needs; the others are DuckDB's own."""
_words = Namer(PROVIDERS["duckdb"]).event_name


def namespace_of(source_id: str, source: Source | None) -> str:
    """The source's name in snake case, else its id; `_` in front where that name is taken."""
    names = (source.name if source else "", source_id, "source")
    name = next(filter(None, (_words(text)[:_LONGEST] for text in names)))
    return f"_{name}" if name in _TAKEN else name
