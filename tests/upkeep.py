"""Retention of the SQLite log, without waiting for it."""

from __future__ import annotations

from sojourn.log import SqliteLog


def upkeep(log: SqliteLog) -> None:
    """Let go of what may go, until there is nothing more to do."""
    connection = log._connect()
    for _ in range(1000):
        with connection:
            if not log._trimmer.step(connection):
                break
    connection.close()
