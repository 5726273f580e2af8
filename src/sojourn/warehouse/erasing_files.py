"""Whose rows are whose, in tables that were read from files."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from sojourn.core.erasure import People
from sojourn.core.events import clean_id
from sojourn.warehouse.erasing import gone_by, is_ours, naming_users

_USERS = "users"


def spelled_in(table: str, rows: pa.Table, people: People) -> set[str]:
    """How the rows of a table spell the people's user ids."""
    found: set[str] = set()
    for column in naming_users(table, rows.column_names):
        texts = pc.unique(rows.column(column)).to_pylist()
        found |= {one for one in texts if one is not None and clean_id(one) in people.user_ids}
    return found


def ids_in(
    table: str, rows: pa.Table, users: Collection[str], devices: Collection[str]
) -> set[str]:
    """The ids of the events in a table that name the users, or are of the devices alone."""
    if table == _USERS or "id" not in rows.column_names or not is_ours(rows.column_names):
        return set()
    theirs = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    for column in naming_users(table, rows.column_names):
        theirs = pc.or_(theirs, _in(rows, column, users))
    if "anonymous_id" in rows.column_names:
        alone = _in(rows, "anonymous_id", devices)
        if "user_id" in rows.column_names:
            alone = pc.and_(alone, pc.is_null(rows.column("user_id")))
        theirs = pc.or_(theirs, alone)
    return set(rows.column("id").filter(theirs).to_pylist())


def rows_gone(
    table: str,
    rows: pa.Table,
    users: Collection[str],
    devices: Collection[str],
    ids: Collection[str],
) -> pa.ChunkedArray:
    """For each row whether it goes."""
    gone = pa.chunked_array([pa.repeat(False, rows.num_rows)])
    for column, values in gone_by(table, rows.column_names, users, devices, ids).items():
        gone = pc.or_(gone, _in(rows, column, values))
    return gone


def _in(rows: pa.Table, column: str, values: Collection[str]) -> pa.ChunkedArray:
    return pc.is_in(rows.column(column), pa.array(sorted(values), pa.string()))
