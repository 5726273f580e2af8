"""What the server says about itself: sources, readers, destinations, warehouse."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Status = Mapping[str, Any]


class StatusReader:
    """Calls the app's status, which may be a plain function or a coroutine.

    Keys that the pages show where they are there: `sources` (`id`, `name`, `platform`,
    `enabled`, `events`, `last_event_at`, …), `readers` (name to `entries`, `seconds`),
    `destinations` (`name`, `lag_entries`, `lag_seconds`, `delivered`, `dead`, `last_error`, …),
    `warehouse` (`tables`: name to `rows`, `columns`; and more). Write keys are never among them.
    """

    def __init__(self, status: Callable[[], Status | Awaitable[Status]]) -> None:
        self._status = status

    async def read(self) -> Status:
        """The status now."""
        answer = self._status()
        return await answer if inspect.isawaitable(answer) else answer
