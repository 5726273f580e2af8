"""Trying again while a part of the machinery is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sojourn.core.errors import Transient

T = TypeVar("T")
_log = logging.getLogger(__name__)
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 15.0


class Stopped(Exception):
    """The stop was asked for while something had to be tried again."""


async def persist(what: str, action: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
    """The result of `action`, tried again with growing waits while it raises `Transient`.

    Raises `Stopped` if `stop` is set while it waits. `what` names the action in the log.
    """
    wait = FIRST_WAIT_S
    while True:
        try:
            return await action()
        except Transient as error:
            _log.warning("%s failed, next try in %.1f s: %s", what, wait, error)
        if await stopped_within(stop, wait):
            raise Stopped
        wait = min(2 * wait, LONGEST_WAIT_S)


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds`; whether the stop was asked for by then."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
