"""Which partition a key belongs to, and how many a stream has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from zlib import crc32

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Entry

_STREAM_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


def partition_of(key: str, partitions: int) -> int:
    """The partition of `key`: the same for ever, on every machine."""
    return crc32(key.encode("utf-8", "surrogatepass")) % partitions


def split(entries: Sequence[Entry], partitions: int) -> dict[int, list[bytes]]:
    """The values of `entries` by partition, in order."""
    if partitions == 1:
        return {0: [entry.value for entry in entries]}
    parts: dict[int, list[bytes]] = {}
    for entry in entries:
        parts.setdefault(partition_of(entry.key, partitions), []).append(entry.value)
    return parts


def checked(partitions: Mapping[str, int] | None) -> dict[str, int]:
    """`partitions`, if names and numbers are usable. Raises `InvalidSettings`."""
    wanted = dict(partitions or {})
    for stream, number in wanted.items():
        check_stream(stream)
        if number < 1:
            raise InvalidSettings(f"stream {stream} has {number} partitions; it needs at least 1")
    return wanted


def check_named(reader: str, stream: str) -> None:
    """Raises `InvalidSettings` for a reader without a name, which keeps no position."""
    if not reader:
        raise InvalidSettings(f"a reader of {stream} commits a position; give it a name")


def check_stream(stream: str) -> None:
    """Raises `InvalidSettings` if `stream` is no usable name."""
    if not _STREAM_NAME.fullmatch(stream):
        raise InvalidSettings(
            f"stream {stream!r}: a name is made of small letters, digits and '_', from a letter on"
        )
