"""The tables of the SQLite log: a partition is a table whose row ids are the offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import apsw

from sojourn.log.database import rows
from sojourn.log.queries import load_queries
from sojourn.log.tail import Chunk

FORMAT = 1
SQL = load_queries("log.sql")


def table_of(stream: str, partition: int) -> str:
    """The table that holds one partition."""
    return f"{stream}_{partition}"


def declare(connection: apsw.Connection, stream: str, number: int) -> int:
    """Make the stream's tables; the number of partitions that it has then."""
    connection.execute(SQL["set_partitions"], (stream, number))
    there = streams(connection)[stream]
    for partition in range(there):
        connection.execute(SQL["add_partition"].format(table=table_of(stream, partition)))
    return there


def streams(connection: apsw.Connection) -> dict[str, int]:
    """The number of partitions by stream."""
    return dict(rows(connection, SQL["streams"]))


def append(
    connection: apsw.Connection, now: int, stream: str, partition: int, values: Sequence[bytes]
) -> Chunk:
    """Add values as appended at `now` (ms).

    Time never runs backwards within a partition, so that it can be searched.
    """
    table = table_of(stream, partition)
    last = rows(connection, SQL["last_time"].format(table=table))
    at = max(now, last[0][0]) if last else now
    added = tuple(values)
    connection.execute(SQL["append"].format(table=table), (at, apsw.carray(added)))
    first = connection.last_insert_rowid() - len(added) + 1
    return Chunk(first, at, added, sum(map(len, added)))


def size(connection: apsw.Connection) -> int:
    """What the entries take, bytes. The file may be larger: trimmed space is used again."""
    pages, page_size = rows(connection, SQL["pages"])[0]
    return int(pages * page_size)


@dataclass(frozen=True)
class Bounds:
    """The oldest and the newest offset of a partition; `first` is `last + 1` if it is empty."""

    first: int
    last: int


def bounds(connection: apsw.Connection, stream: str, partition: int) -> Bounds:
    """The offsets that a partition holds."""
    sql = SQL["bounds"].format(table=table_of(stream, partition))
    return Bounds(*rows(connection, sql)[0])


def appended_from(
    connection: apsw.Connection, stream: str, partition: int, offset: int
) -> tuple[int, int] | None:
    """Offset and time (ms) of the first entry at or after `offset`."""
    sql = SQL["first_from"].format(table=table_of(stream, partition))
    found = rows(connection, sql, offset)
    return found[0] if found else None


def first_since(connection: apsw.Connection, stream: str, partition: int, since: int) -> int:
    """The first offset appended at or after `since` (ms); one past the end if there is none."""
    there = bounds(connection, stream, partition)
    low, high = there.first, there.last + 1
    while low < high:
        middle = (low + high) // 2
        found = appended_from(connection, stream, partition, middle)
        if found is None or found[1] >= since:
            high = middle
        else:
            low = found[0] + 1
    return low


def positions(connection: apsw.Connection, stream: str, reader: str) -> dict[int, int]:
    """The committed offsets of a reader by partition."""
    return dict(rows(connection, SQL["positions"], stream, reader))


def set_positions(
    connection: apsw.Connection, stream: str, reader: str, offsets: Mapping[int, int], now: int
) -> None:
    """Write committed offsets; they never move back."""
    written = [(stream, reader, partition, offset, now) for partition, offset in offsets.items()]
    connection.executemany(SQL["set_position"], written)
