"""Sessions under other rules: all of history anew, or only what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Report, ReportSpec
from sojourn.insights import paths
from sojourn.insights.sessions import assign, remake, settle
from sojourn.insights.sql import queries

_REBUILD = queries("models/rebuild.sql")
_POLICIES = queries("models/policies.sql")

REDEFINE = ReportSpec(
    "redefine",
    "Sessions under other rules",
    "Each figure before and after. `extra.sessions`: how many sessions stay as they are, change "
    "their start, end or events, come anew, or go.",
)


class Policy(NamedTuple):
    """The rules of a source: the gap that ends a session, and the longest one, milliseconds."""

    timeout_ms: int
    max_length_ms: int


def policies(connection: Any) -> dict[str, Policy]:
    """The rules in force, by source id."""
    rows = connection.execute(_POLICIES["policies"]).fetchall()
    return {row[0]: Policy(row[1], row[2]) for row in rows}


def rebuild(connection: Any, source_ids: Sequence[str] | None = None) -> int:
    """Make all sessions (of these sources) anew from `session_events`; returns how many.

    Runs in the caller's transaction. On tables that are as they should be it changes nothing.
    """
    if source_ids is None:
        source_ids = [row[0] for row in connection.execute(_REBUILD["sources"]).fetchall()]
    connection.execute(_REBUILD["remade"], {"source_ids": list(source_ids)})
    for name in ("gather_stored", "touch_none", "remade_persons", "drop_remade"):
        connection.execute(_REBUILD[name])
    assign(connection)
    remake(connection, _REBUILD["concern_none"], _REBUILD["persons_before"])
    made, moved = settle(connection)
    if moved or not paths.is_whole(connection):
        paths.remake(connection, source_ids)
    return made


def redefine(connection: Any, rules: Mapping[str, Policy]) -> Report:
    """Switch sources to other rules and make their history anew; the answer says what changed.

    Runs in the caller's transaction: rolled back, it is a preview. Raises `InvalidSettings` for
    a source without events.
    """
    known = policies(connection)
    for source_id, policy in rules.items():
        if source_id not in known:
            raise InvalidSettings(
                f"source '{source_id}' has no events; there are: {', '.join(known)}"
            )
        if policy.timeout_ms <= 0 or policy.max_length_ms <= 0:
            raise InvalidSettings("timeout and maximum length must be over 0")
        connection.execute(_POLICIES["change_policy"], [*policy, source_id])
    connection.execute(_REBUILD["remember"])
    rebuild(connection, list(rules))
    return _report(connection)


def preview(connection: Any, rules: Mapping[str, Policy]) -> Report:
    """What `redefine` would change. Needs a connection outside of a transaction."""
    connection.execute("BEGIN")
    try:
        return redefine(connection, rules)
    finally:
        connection.execute("ROLLBACK")


def _report(connection: Any) -> Report:
    before = _row(connection, _REBUILD["figures"].replace("{{table}}", "earlier"))
    after = _row(connection, _REBUILD["figures"].replace("{{table}}", "sessions"))
    rows = []
    for name, value in after.items():
        old = before[name]
        change = (value - old) / abs(old) if old and value is not None else None
        rows.append([name, old, value, change])
    return Report(
        REDEFINE,
        ["figure", "before", "after", "change"],
        rows,
        [None] * len(rows),
        _REBUILD["figures"],
        {"sessions": _row(connection, _REBUILD["changes"])},
    )


def _row(connection: Any, sql: str) -> dict[str, Any]:
    result = connection.execute(sql)
    names = [column[0] for column in result.description]
    return dict(zip(names, result.fetchall()[0], strict=True))
