"""Tells the pipeline which sessions began, ended or changed, for destinations that want that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sojourn.core.ports import Clock
from sojourn.insights.changed import changed_sessions
from sojourn.pipeline.session_events import Changed, SessionRow

SLACK_MS = 60_000
"""A load may commit events that were received a little before others that are there already."""


def session_news(cursor: Callable[[], Any], clock: Clock) -> Changed:
    """The `changed` of `SessionEvents`, over the sessions table.

    Its position holds the last reception and the last look (ms since the epoch). Without one it
    starts now: a destination that is new hears nothing of the history.
    """

    def look(position: str) -> tuple[Sequence[SessionRow], str]:
        now = clock.now_ms()
        received, seen = msgspec.json.decode(position) if position else (now + SLACK_MS, now)
        with cursor() as connection:
            rows, latest = changed_sessions(connection, received - SLACK_MS, seen, now)
        following = msgspec.json.encode((max(latest, received if position else now), now))
        return [SessionRow(key=row.pop("session_key"), **row) for row in rows], following.decode()

    async def changed(position: str) -> tuple[Sequence[SessionRow], str]:
        return await asyncio.to_thread(look, position)

    return changed
