"""The SQL of journeys: queries over the lists of `session_paths`."""

from __future__ import annotations

from sojourn.insights.paths import code_of
from sojourn.insights.sql import queries

_SQL = queries("queries/journeys.sql")
_LINES = {"views": "views", "all": "steps"}
MOST_STEPS = 20


def links_sql(direction: str, events: str, depth: int, *, anchored: bool) -> str:
    """The query of all links between `depth` columns."""
    return _walk("links", direction, events, anchored, range(depth), depth)


def link_sessions_sql(direction: str, events: str, depth: int, step: int, *, anchored: bool) -> str:
    """The query of the sessions that take a link from column `step` to the next.

    Raises `ValueError` for a column that there is not.
    """
    if not 0 <= step < depth <= MOST_STEPS:
        raise ValueError(f"no column {step} of {depth}")
    text = _walk(
        "link_sessions", direction, events, anchored, range(max(0, step - 1), step + 1), step + 1
    )
    return text.replace("{{here}}", f"p.n{step}" if step else "NULL").replace(
        "{{next}}", str(step + 1)
    )


def _walk(name: str, direction: str, events: str, anchored: bool, steps: range, width: int) -> str:
    line = _LINES[events]
    walk = line if direction == "forward" else f"list_reverse({line})"
    columns = ", ".join(_SQL["column"].replace("{{k}}", str(k)) for k in range(1, width + 1))
    pairs = [
        _SQL["pair"]
        .replace("{{k}}", str(k))
        .replace("{{next}}", str(k + 1))
        .replace("{{here}}", f"n{k}" if k else "NULL")
        for k in steps
    ]
    parts = {
        "paths": _SQL["anchored" if anchored else "whole"],
        "shown": _SQL["shown"],
        "pairs": "\nUNION ALL\n".join(pairs),
        "names": _SQL["names"],
        "columns": columns,
        "walk": walk,
        "anchor": _code("$journey_anchor"),
    }
    return _filled(name, parts)


def transitions_sql(name: str, events: str) -> str:
    """The query `transitions`, or `transition_sessions`."""
    parts = {
        "steps": _SQL["steps"],
        "line": _LINES[events],
        "names": _SQL["names"],
        "source": _code("$transition_node"),
        "target": _code("$transition_next"),
    }
    return _filled(name, parts)


def _code(value: str) -> str:
    return code_of(f"CAST({value} AS VARCHAR)")


def _filled(name: str, parts: dict[str, str]) -> str:
    text = _SQL[name]
    for part, inner in parts.items():
        text = text.replace(f"{{{{{part}}}}}", inner)
    return text
