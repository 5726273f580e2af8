"""Time limits for many short tasks at the price of a dictionary entry each."""

from __future__ import annotations

import asyncio
from typing import Any

Task = asyncio.Task[Any]

_LOOK_EVERY = 0.25
"""Seconds. A limit of tens of seconds need not be kept to the millisecond, and a timer per
request costs more than judging the request."""


class Deadlines:
    """Cancels tasks that are late.

    A task that is cancelled by this asks `was_late()` and goes on with what that means.
    """

    def __init__(self) -> None:
        self._due: dict[Task, float] = {}
        self._late: set[Task] = set()
        self._looking = False

    def set(self, task: Task, seconds: float) -> None:
        """The task has `seconds` from now on; replaces what was set before."""
        loop = task.get_loop()
        self._due[task] = loop.time() + seconds
        if not self._looking:
            self._looking = True
            loop.call_later(_LOOK_EVERY, self._look, loop)

    def clear(self, task: Task) -> None:
        """The task has no limit any more."""
        self._due.pop(task, None)

    def was_late(self, task: Task) -> bool:
        """Whether the task was cancelled from here; that is undone then."""
        if task not in self._late:
            return False
        self._late.discard(task)
        task.uncancel()
        return True

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task in [task for task, due in self._due.items() if due <= now]:
            del self._due[task]
            self._late.add(task)
            task.cancel()
        self._looking = bool(self._due)
        if self._looking:
            loop.call_later(_LOOK_EVERY, self._look, loop)


def current_task() -> Task:
    """The task that runs this."""
    task = asyncio.current_task()
    assert task is not None
    return task
