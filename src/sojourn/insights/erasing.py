"""The session model after an erasure: as if the events had never come."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa

from sojourn.core.erasure import People, scattered
from sojourn.core.events import clean_id
from sojourn.insights import paths
from sojourn.insights.sessions import assign, remake, settle
from sojourn.insights.sql import queries

_SQL = queries("models/erasing.sql")
Device = tuple[str, str]
"""Source id and anonymous id."""


def spellings(connection: Any, column: str, ids: Collection[str]) -> set[str]:
    """How the stored events spell cleaned ids in `column` (`user_id`, `anonymous_id`)."""
    found = set(ids)
    query = _SQL["like"].format(column=column)
    for one in ids:
        rows = connection.execute(query, {"pattern": scattered(one)}).fetchall()
        found |= {row[0] for row in rows if clean_id(row[0]) == one}
    return found


def own_devices(connection: Any, people: People, seen: Collection[Device]) -> set[Device]:
    """The devices on which the people were seen and nobody else, anonymous ids cleaned.

    `seen`: where they were seen beside what is stored here.
    """
    users = sorted(spellings(connection, "user_id", people.user_ids))
    rows = connection.execute(_SQL["devices"], {"users": users}).fetchall()
    own = {(source, clean_id(device)) for source, device, _ in rows} | set(seen)
    shared = {(source, clean_id(device)) for source, device, is_shared in rows if is_shared}
    named = {device for _, device in own}
    query = {"users": users, "devices": sorted(named)}
    rows = connection.execute(_SQL["shared"], query).fetchall()
    shared |= {(source, clean_id(device)) for source, device in rows}
    return {device for device in own - shared if people.concern(device[0])}


def events_of(connection: Any, people: People) -> list[tuple[str, str]]:
    """Source and message ids of the people's events in `session_events`."""
    devices: set[str] = set()
    for source, device in people.devices:
        spelled = spellings(connection, "anonymous_id", [device])
        devices |= {f"{source}\x1f{one}" for one in spelled}
    given = {
        "sources": sorted(people.sources),
        "users": sorted(spellings(connection, "user_id", people.user_ids)),
        "devices": sorted(devices),
    }
    rows: list[tuple[str, str]] = connection.execute(_SQL["events_of"], given).fetchall()
    return rows


def erase_sessions(connection: Any, events: Collection[tuple[str, str]]) -> tuple[int, list[str]]:
    """Delete events (source and message ids) and renew the sessions that they were in.

    Runs in the caller's transaction; leaves `concerned` as an update does. Returns how many rows
    of `session_events` went, and the keys of the sessions that are no more.
    """
    columns = list(zip(*events, strict=True)) or [(), ()]
    arriving = pa.table(
        {
            "source_id": pa.array(columns[0], pa.string()),
            "message_id": pa.array(columns[1], pa.string()),
        }
    )
    connection.register("incoming_erased", arriving)
    try:
        connection.execute(_SQL["hold"])
    finally:
        connection.unregister("incoming_erased")
    connection.execute(_SQL["affected"])
    before = {row[0] for row in connection.execute(_SQL["affected_sessions"]).fetchall()}
    ((deleted,),) = connection.execute(_SQL["delete_events"]).fetchall()
    connection.execute(_SQL["gather_affected"])
    connection.execute(_SQL["touch_affected"])
    assign(connection)
    remake(connection, _SQL["concern_affected"])
    paths.forget(connection)
    settle(connection)
    after = {row[0] for row in connection.execute(_SQL["affected_sessions"]).fetchall()}
    for name in ("drop_affected", "drop_erased"):
        connection.execute(_SQL[name])
    return int(deleted), sorted(before - after)
