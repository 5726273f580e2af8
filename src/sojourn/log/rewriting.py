"""Replaces values of the SQLite log where they lie, so that nothing is left of the old ones.

A value of the same length overwrites the old one in place. The connections zero what they delete
(`secure_delete = FAST`), the free pages of the file are filled once with zeros, and the write-ahead
log is emptied: after that the old bytes are in none of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import apsw

from sojourn.core.errors import LogUnavailable
from sojourn.log import tables
from sojourn.log.database import rows

if TYPE_CHECKING:
    from sojourn.log.sqlite_log import SqliteLog

Change = Callable[[bytes], bytes | None]
Progress = Callable[[int], None]
_STEP_BYTES = 4 << 20
_FILLING_PAGES = 512
"""As many as are filled in one transaction."""


async def rewrite(log: SqliteLog, stream: str, change: Change, progress: Progress) -> int:
    """Replace the values of a stream that `change` gives another for; returns how many.

    `progress` is told the bytes looked at, step by step. Positions of readers stay.
    """
    changed = 0
    for partition in range(await log.declare(stream)):
        table = tables.table_of(stream, partition)
        after = 0
        while True:
            found = await log.in_thread(_changes, table, after, change)
            after, size, updates = found
            if not size:
                break
            if updates:
                await log.in_transaction(partial(_replace, table, updates))
                changed += len(updates)
            progress(size)
    log.tail.clear(stream)
    return changed


async def scrub(log: SqliteLog) -> None:
    """Overwrite what deletions left in the file, and empty the write-ahead log."""
    await log.in_transaction(lambda connection: connection.execute(tables.SQL["filling"]))
    while await log.in_transaction(_fill):
        pass
    await log.in_transaction(lambda connection: connection.execute(tables.SQL["drop_filling"]))
    await log.in_thread(_empty_wal)


def _changes(
    connection: apsw.Connection, table: str, after: int, change: Change
) -> tuple[int, int, Sequence[tuple[bytes, int]]]:
    """The last offset and the bytes of a step, and the new values in it by offset."""
    size, updates = 0, []
    query = tables.SQL["read"].format(table=table)
    for offset, _, value in connection.execute(query, (after,)):
        replacement = change(value)
        if replacement is not None:
            updates.append((replacement, offset))
        after = offset
        size += max(1, len(value))
        if size >= _STEP_BYTES:
            break
    return after, size, updates


def _replace(table: str, updates: Sequence[tuple[bytes, int]], connection: apsw.Connection) -> None:
    connection.executemany(tables.SQL["replace"].format(table=table), updates)


def _fill(connection: apsw.Connection) -> bool:
    """Put zeros into free pages; whether there are more."""
    free, page_size = rows(connection, tables.SQL["free_pages"])[0]
    if not free:
        return False
    pages = min(_FILLING_PAGES, max(1, free - 1))
    connection.execute(tables.SQL["fill"], (_filling(pages, page_size),))
    return True


def _filling(pages: int, page_size: int) -> int:
    """The length of a blob whose record fills so many overflow pages to the last byte.

    What is left over of a page would keep what it held. The sizes follow from SQLite's file format
    (section 1.6): of a large record, M bytes lie in the table's page if the rest fills pages.
    """
    within_table = (page_size - 12) * 32 // 255 - 23
    record = within_table + pages * (page_size - 4)
    for header in range(2, 8):
        length = record - header
        if header == 1 + _varint_bytes(2 * length + 12):
            return length
    raise AssertionError("a record's header has 2 to 7 bytes")


def _varint_bytes(number: int) -> int:
    return max(1, -(-number.bit_length() // 7))


def _empty_wal(connection: apsw.Connection) -> None:
    """Raises `LogUnavailable` while somebody else reads the file."""
    busy, _, _ = rows(connection, tables.SQL["empty_wal"])[0]
    if busy:
        raise LogUnavailable("another process reads the log; its journal could not be emptied")
