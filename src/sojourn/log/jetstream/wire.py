"""How entries lie in the messages of a JetStream stream.

One message holds what was appended together, for all partitions: so an append is there as a
whole or not at all, on any version of the server. Its header `Sojourn-Entries` says how many
values of which partition follow each other (`0:3,2:1`); its body is the values, each after its
length in four bytes. What is too large for one message has its beginning in messages of another
subject, the parts, and `Sojourn-Parts` gives their sequences (`17,18`): readers look only at the
last message, which is written only once all parts are on disk.

The offset of an entry is the sequence of its message and its index in there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from sojourn.core.ports import Stored

ENTRIES = "Sojourn-Entries"
PARTS = "Sojourn-Parts"
PASSED = "Sojourn-Passed"
"""In a message that took the place of another: the readers that were done with that one."""
AT = "Sojourn-At"
"""And when that one came, milliseconds since the Unix epoch."""
INDEX_BITS = 24
MOST_ENTRIES = 1 << INDEX_BITS
"""In one message, parts included."""
_LENGTH = struct.Struct(">I")


def offset_of(sequence: int, index: int) -> int:
    """The offset of the entry at `index` of the message `sequence`."""
    return sequence << INDEX_BITS | index


def sequence_of(offset: int) -> int:
    """The sequence of the message that an offset lies in."""
    return offset >> INDEX_BITS


def before(sequence: int) -> int:
    """The last offset before the message `sequence`."""
    return offset_of(sequence, 0) - 1


def packed_size(values: Sequence[bytes]) -> int:
    """The bytes that values take in a body."""
    return sum(map(len, values)) + _LENGTH.size * len(values)


def pack(values: Mapping[int, Sequence[bytes]]) -> tuple[str, bytes]:
    """The header `Sojourn-Entries` and the body for values by partition."""
    header = ",".join(f"{partition}:{len(some)}" for partition, some in values.items())
    pieces = [
        piece
        for some in values.values()
        for value in some
        for piece in (_LENGTH.pack(len(value)), value)
    ]
    return header, b"".join(pieces)


def unpack(header: str, body: bytes, sequence: int, appended_at: int) -> list[Stored]:
    """The entries of a message. Raises `ValueError` if it is none of ours."""
    entries: list[Stored] = []
    place = 0
    for partition, first, count in blocks(header):
        for index in range(first, first + count):
            if place + _LENGTH.size > len(body):
                raise ValueError("the message is shorter than its header says")
            (size,) = _LENGTH.unpack_from(body, place)
            place += _LENGTH.size
            value = body[place : place + size]
            place += size
            entries.append(Stored(partition, offset_of(sequence, index), appended_at, value))
    if place != len(body):
        raise ValueError("the message is not as long as its header says")
    return entries


def blocks(header: str) -> Iterator[tuple[int, int, int]]:
    """Partition, index of its first entry and number of entries, block by block.

    Raises `ValueError` if the header is none of ours.
    """
    index = 0
    for block in header.split(","):
        partition, _, count = block.partition(":")
        yield int(partition), index, int(count)
        index += int(count)


def parts_of(headers: Mapping[str, str]) -> list[int]:
    """The sequences of the messages in which a large one begins."""
    return [int(part) for part in headers.get(PARTS, "").split(",") if part]


def passed_by(headers: Mapping[str, str]) -> set[str]:
    """The readers, by their names in the bucket, that have what this message holds."""
    return set(headers.get(PASSED, "").split())
