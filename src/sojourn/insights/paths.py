"""The index that reports walk: `session_paths`, each session's events in order as numbers.

A pure function of `session_events` and `sessions`, like these: after every update, rebuild and
erasure it is what `fill` makes of them. Kept in the embedded DuckDB only. `models/paths.sql` says
what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sojourn.insights.sql import queries

_RAW = queries("models/paths.sql")
_EVENTS_AT_ONCE = 2_000_000
"""A fill takes as many events at a time: lists have to be in memory until they are whole."""


def code_of(node: str) -> str:
    """SQL of the number (`path_kinds.step`) of a node; `node` is SQL, too."""
    return _RAW["code"].replace("{node}", node)


def _statement(name: str, **parts: str) -> str:
    text = _RAW[name].replace("{rows}", _RAW["rows"])
    step = _RAW["step"].replace("{code}", code_of("node"))
    for part, inner in ({"kind": _RAW["kind"], "step": step} | parts).items():
        text = text.replace(f"{{{part}}}", inner)
    return text


_FILL = _statement("fill", sessions="sessions")
_RENEW = _statement("renew", sessions="made")
_NEW_KINDS = _statement("fill_kinds", events="staged")
_ALL_KINDS = _statement("fill_kinds", events="session_events")
_IS_FOREIGN = _statement("is_foreign")
_CREATE = (_RAW["create_session_paths"], _RAW["create_path_kinds"])
_COLUMNS = [name for sql in _CREATE for name in re.findall(r"^ {4}(\w+)", sql, re.MULTILINE)]


def prepare(connection: Any) -> None:
    """Create the tables; make them anew where they are not there, or of another version.

    That takes some seconds per 10 million events, and happens once.
    """
    there = [row[0] for row in connection.execute(_RAW["columns"]).fetchall()]
    if there == _COLUMNS and not _value(connection, _IS_FOREIGN):
        return
    for statement in (_RAW["drop_session_paths"], _RAW["drop_path_kinds"], *_CREATE):
        connection.execute(statement)
    remake(connection)


def update(connection: Any, touched: int, copies: int) -> None:
    """Put the sessions that an update made anew in the place of the touched ones.

    Runs while the working tables of the update are there. `copies`: how many events came twice.
    """
    if touched:
        connection.execute(_RAW["drop_touched"])
    connection.execute(_RENEW)
    connection.execute(_NEW_KINDS)
    if copies and _value(connection, _RAW["replaced"]):
        connection.execute(_RAW["drop_kinds"])


def forget(connection: Any) -> None:
    """Put the sessions that an erasure made anew in the place of those that there were."""
    connection.execute(_RAW["drop_touched"])
    connection.execute(_RENEW)
    connection.execute(_RAW["drop_kinds"])


def remake(connection: Any, source_ids: Sequence[str] | None = None) -> None:
    """Make the rows of these sources, or of all, anew from the stored events."""
    events = dict(connection.execute(_RAW["sources"]).fetchall())
    chosen = list(events if source_ids is None else source_ids)
    connection.execute(_RAW["drop_sources"], {"source_ids": chosen})
    shares = 1 + sum(events.get(one, 0) for one in chosen) // _EVENTS_AT_ONCE
    for share in range(shares):
        given = {"source_ids": chosen, "shares": shares, "share": share}
        connection.execute(_FILL, given)
    connection.execute(_ALL_KINDS)
    connection.execute(_RAW["drop_kinds"])


def is_whole(connection: Any) -> bool:
    """Whether every session has its row, with as many events."""
    return not _value(connection, _RAW["count_gaps"])


def _value(connection: Any, statement: str) -> Any:
    return connection.execute(statement).fetchall()[0][0]
