"""Files of conformance cases and of recordings: one JSON object a line, blank lines apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

QUIRKS = frozenset({"js-quirk", "quirk", "go-format"})
"""Tags of behaviour that only follows from the original's language."""


class UnreadableLine(Exception):
    """A file or a line of it cannot be read; the message names the file, the line and the fault."""


Fault = Callable[[Any], str | None]
"""What keeps a line's value from being what the file should hold, or None."""


def entries(path: Path, fault: Fault) -> Iterator[dict[str, Any] | UnreadableLine]:
    """The objects of one file, and in the place of what cannot be read the fault."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        yield UnreadableLine(f"{path}: {reason}")
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield UnreadableLine(f"{path}, line {number}: not JSON ({error})")
            continue
        found = fault(value)
        yield UnreadableLine(f"{path}, line {number}: {found}") if found else value


def read(path: Path, fault: Fault) -> Iterator[dict[str, Any]]:
    """The objects of one file. Raises `UnreadableLine`."""
    for entry in entries(path, fault):
        if isinstance(entry, UnreadableLine):
            raise entry
        yield entry


def is_quirk(entry: Mapping[str, Any]) -> bool:
    """Whether a case or a recording has a tag of `QUIRKS`."""
    tags = entry.get("tags")
    return isinstance(tags, list) and any(tag in QUIRKS for tag in tags if isinstance(tag, str))
