"""Small durable state in a SQLite file of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import apsw

from sojourn.core.errors import LogUnavailable
from sojourn.core.ports import Clock
from sojourn.log.database import as_log_unavailable, open_database, rows
from sojourn.log.queries import load_queries

_FORMAT = 1
_SQL = load_queries("state.sql")


class SqliteStateStore:
    """See `sojourn.core.ports.StateStore`. Thread-safe. Errors are `LogUnavailable`.

    Expired values are never returned; each `put` removes up to twice as many of them as it
    writes, so that the file stays in proportion to what is alive.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open or create the store. Raises `InvalidSettings` or `LogUnavailable`."""
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = open_database(path, _SQL["schema"], _FORMAT)

    def get(self, space: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values of `keys` that are there and not expired."""
        if not keys:
            return {}
        with self._lock, as_log_unavailable():
            wanted = apsw.carray(_encoded(keys))
            found = rows(self._open(), _SQL["get"], space, wanted, self._clock.now_ms())
        return {str(key, "utf-8", "surrogatepass"): value for key, value in found}

    def put(self, space: str, values: Mapping[str, bytes], expires_at: int) -> None:
        """Write all values in one durable step. `expires_at`: ms since the epoch, 0 for never."""
        if not values:
            return
        by_value: dict[bytes, list[str]] = {}
        for key, value in values.items():
            by_value.setdefault(value, []).append(key)
        with self._lock, as_log_unavailable(), self._open() as connection:
            for value, keys in by_value.items():
                bindings = (space, apsw.carray(_encoded(keys)), value, expires_at)
                connection.execute(_SQL["put"], bindings)
            connection.execute(_SQL["expire"], (self._clock.now_ms(), 2 * len(values)))

    def delete(self, space: str, keys: Sequence[str]) -> None:
        """Remove the values, durably."""
        if not keys:
            return
        with self._lock, as_log_unavailable(), self._open() as connection:
            connection.execute(_SQL["delete"], (space, apsw.carray(_encoded(keys))))

    def scrub(self) -> None:
        """Write the file anew, so that nothing is left in it of what was deleted."""
        with self._lock, as_log_unavailable():
            connection = self._open()
            connection.execute(_SQL["compact"])
            connection.execute(_SQL["empty_wal"]).fetchall()

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            raise LogUnavailable("the state store is closed")
        return self._connection


def _encoded(keys: Iterable[str]) -> tuple[bytes, ...]:
    """Keys as bytes: any text is a key, NUL and lone surrogates included."""
    return tuple(key.encode("utf-8", "surrogatepass") for key in keys)
