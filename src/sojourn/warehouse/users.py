"""The table `users` of a DuckDB namespace: per user and column the newest value in `identifies`.

It follows from `identifies`. Where all of a user's new identifies are newer than what is known,
which is the rule, they go on top of it; else the user's row is made of all identifies there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sojourn.warehouse.catalog import SQL, Catalog, quoted

USERS, IDENTIFIES, USER_ID = "users", "identifies", "user_id"
_PLACE = "\x00place"


@contextmanager
def incoming(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> Iterator[None]:
    """The rows under the name `incoming`."""
    connection.register("incoming", rows)
    try:
        yield
    finally:
        connection.unregister("incoming")


class UsersRenewal:
    """Renews the users of some rows of `identifies`: `note` before these are merged, `renew` then.

    Runs inside the caller's transaction.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        namespace: str,
        rows: pa.Table,
    ) -> None:
        """`rows`, with a `user_id`, of the namespace's table `identifies`."""
        self._connection = connection
        self._rows = rows
        self._anew = 0
        """Of so many users all identifies decide."""
        self._columns = [name for name in catalog.types(namespace, USERS) if name != "id"]
        self._names = {
            "users": quoted(namespace, USERS),
            "identifies": quoted(namespace, IDENTIFIES),
        }

    def note(self, replacing: bool) -> None:
        """Note whose row will change; `replacing`: some rows may be there already."""
        with incoming(self._connection, self._rows):
            self._run("touched_users")
            if replacing:
                self._run("touched_former_users")
        ((self._anew,),) = self._run("users_anew", {"all": replacing})

    def renew(self) -> None:
        """Make the rows that change."""
        newest = _newest(self._rows)
        with incoming(self._connection, newest):
            values = ",\n    ".join(
                SQL["new_value" if column in newest.column_names else "known_value"].format(
                    column=quoted(column)
                )
                for column in self._columns
            )
            self._run("renewed_users", values=values)
        self._run("delete_touched_users")
        self._run("insert_renewed_users")
        if self._anew:
            values = ",\n    ".join(
                SQL["newest_value"].format(column=quoted(column)) for column in self._columns
            )
            self._run("insert_users_anew", newest_values=values)
        self._run("drop_touched")

    def _run(self, query: str, parameters: Any = None, **words: str) -> list[Any]:
        sql = SQL[query].format(**self._names, **words)
        return self._connection.execute(sql, parameters).fetchall()


def _newest(rows: pa.Table) -> pa.Table:
    """One row per user: per column the newest value that is not null."""
    rows = rows.filter(pc.is_valid(rows[USER_ID]))
    if pc.count_distinct(rows[USER_ID]).as_py() == rows.num_rows:
        return rows
    rows = rows.sort_by([("received_at", "ascending"), ("id", "ascending")])
    names = [name for name in rows.column_names if name != USER_ID]
    full = [name for name in names if rows[name].null_count == 0]
    rows = rows.append_column(_PLACE, pa.array(range(rows.num_rows), pa.int64()))
    rest = [name for name in (*names, _PLACE) if name not in full]
    found = rows.group_by(USER_ID, use_threads=False).aggregate([(name, "last") for name in rest])
    found = found.rename_columns({f"{name}_last": name for name in rest})
    newest = rows.select(full).take(found[_PLACE])  # where none is null, the newest row's
    for name in full:
        found = found.append_column(name, newest[name])
    return found.drop_columns(_PLACE)
