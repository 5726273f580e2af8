"""All sessions anew from the stored events, as definitions in the order of what they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import exp, parse_one

from sojourn.core.source import MAX_SESSION_MS, WEB_TIMEOUT_MS
from sojourn.insights import steps
from sojourn.insights.engines.flow import Definition, Flow
from sojourn.insights.sql import queries

_MODEL = queries("engines/model.sql")
_MADE = frozenset(("session_key", "event_index", "gap"))
"""The columns of `session_events` that a rebuild makes."""
_WIDE = {"INT": "BIGINT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE"}
"""Types that are stated, since what engines make of sums and quotients differs; integers of one
width, as they are sent to warehouses."""


class Rules(NamedTuple):
    """Milliseconds: the gap that ends a session, and the longest session."""

    timeout_ms: int = WEB_TIMEOUT_MS
    max_length_ms: int = MAX_SESSION_MS


def definitions(rules: Rules, own: Mapping[str, Rules]) -> list[Definition]:
    """The relations of a rebuild. `new_sessions` and `event_sessions` are what the others are for.

    `rules` hold for every source but those in `own` (by source id). The one table that is read
    is `session_events`, and of it what follows from each event alone.
    """
    columns = [name for name in types("session_events") if name not in _MADE]
    flow = Flow({"session_events": columns}, empty=steps.EMPTY_IN_FULL)
    flow.take(_MODEL["gathered"].format(columns=", ".join(columns)))
    flow.take(_policies(rules, own))
    for step in steps.full_rebuild():
        flow.take(steps.sql(step))
    flow.take(_MODEL["event_sessions"])
    flow.define("new_sessions", _sessions())
    return flow.definitions


def types(table: str) -> dict[str, str]:
    """The types of a table's columns, in DuckDB's words."""
    created = parse_one(queries("models/schema.sql")[f"create_{table}"], read="duckdb")
    return {c.name: c.args["kind"].this.value for c in created.find_all(exp.ColumnDef)}


def _policies(rules: Rules, own: Mapping[str, Rules]) -> str:
    def by_source(field: str) -> str:
        case = exp.case(exp.column("source_id"))
        for source_id, its in sorted(own.items()):
            case = case.when(exp.Literal.string(source_id), str(getattr(its, field)))
        other = str(getattr(rules, field))
        return (case.else_(other) if own else exp.Literal.number(other)).sql("duckdb")

    return _MODEL["policies"].format(**{field: by_source(field) for field in Rules._fields})


def _sessions() -> exp.Query:
    """What is stored in `sessions`, its columns in their order and of stated types."""
    stored = parse_one(steps.sql(("sessions", "store_sessions")), read="duckdb")
    query = stored.expression
    assert isinstance(query, exp.Select)
    given = {projection.alias_or_name: projection for projection in query.expressions}
    projections = []
    for name, kind in types("sessions").items():
        value = given[name].unalias()
        if kind in _WIDE:
            value = exp.cast(value, _WIDE[kind])
        projections.append(exp.alias_(value, name))
    query.set("expressions", projections)
    return query
