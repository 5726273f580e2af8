"""What only `users` still knows: traits whose `identifies` were pruned.

Our `users` are made of `identifies`. So a row of the old `users` becomes an identify of its own
where it says more than they do; it is a row in `identifies` and `users`, and no event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa

from sojourn.warehouse.catalog import quoted
from sojourn.warehouse.history.engines import SQL
from sojourn.warehouse.history.tables import column_of

_AT_ONCE = 5_000
Event = dict[str, Any]
Query = Callable[[str, Any], pa.Table]


def unknown_traits(query: Query, namespace: str, users: Iterable[Event]) -> Iterator[list[Event]]:
    """The identifies that make up for what our `users` of `namespace` lack, some at a time.

    `query` asks our warehouse. `users`: see `History.users`.
    """
    users = iter(users)
    there = query(SQL["has_users"], {"namespace": namespace}).num_rows > 0
    sql = SQL["users_there"].format(table=quoted(namespace, "users"))
    while some := list(islice(users, _AT_ONCE)):
        ours: dict[str, Mapping[str, Any]] = {}
        if there:
            ids = [str(user["userId"]) for user in some]
            ours = {row["id"]: row for row in query(sql, {"ids": ids}).to_pylist()}
        yield [event for user in some if (event := _more(user, ours.get(str(user["userId"]))))]


def _more(user: Event, ours: Mapping[str, Any] | None) -> Event | None:
    """The identify of a user, of what our row does not have; None if that is nothing."""
    identify = {**user, "messageId": f"users-{user['userId']}"}
    if ours is None:
        return identify
    traits = {
        key: value
        for key, value in user.get("traits", {}).items()
        if ours.get(column_of(key)) is None
    }
    if not traits:
        return None
    identify.pop("request_ip", None)
    return {**identify, "traits": traits, "context": {}}
