"""Who changed what, when: kept for good."""

from __future__ import annotations

import msgspec

from sojourn.console.documents import Documents
from sojourn.core.ports import Clock

_PER_PAGE = 200


class Change(msgspec.Struct, frozen=True):
    """One change. `at`: milliseconds since the Unix epoch."""

    at: int
    who: str
    action: str
    subject: str = ""


class AuditLog:
    """Appends changes, and reads the latest; they are stored in pages of 200."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def record(self, who: str, action: str, subject: str = "") -> None:
        """Note a change that has just been made."""
        entry = Change(self._clock.now_ms(), who, action, subject)

        def turn(state: dict[str, int]) -> int:
            state["count"] = state.get("count", 0) + 1
            return (state["count"] - 1) // _PER_PAGE

        page = self._documents.change("audit", dict[str, int], turn)
        self._documents.change(f"audit/{page}", list[Change], lambda entries: entries.append(entry))

    def latest(self, count: int = 100) -> list[Change]:
        """The latest changes, the newest first."""
        total = self._documents.read("audit", dict[str, int]).get("count", 0)
        found: list[Change] = []
        page = (total - 1) // _PER_PAGE
        while page >= 0 and len(found) < count:
            found += reversed(self._documents.read(f"audit/{page}", list[Change]))
            page -= 1
        return found[:count]
