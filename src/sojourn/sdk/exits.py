"""The end of the process, and its forks: one hook for all clients, with one budget of time."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from time import monotonic
from typing import Protocol

BUDGET = 2.0
"""Seconds that the end of the process waits for deliveries, all clients together."""


class Closable(Protocol):
    """What delivers, and can be told to end."""

    def begin_close(self) -> None:
        """Take in nothing more, and send what waits without delay."""
        ...

    def close(self, timeout: float) -> bool:
        """Deliver what waits, at most `timeout` seconds, and end."""
        ...


class Watched(Protocol):
    """What has state of its own to care for at forks and at the end."""

    def leave(self) -> None:
        """The process ends: store what is not stored yet."""
        ...

    def after_fork(self) -> None:
        """Called in the child. Must be harmless if nothing is shared any more."""
        ...


fork_gate = threading.Lock()
"""Held while a delivery thread imports: a fork then would leave the child's imports locked."""

_delivering: dict[int, Closable] = {}
_watched: weakref.WeakSet[Watched] = weakref.WeakSet()
_hooked_pid = 0


def register(dispatcher: Closable) -> None:
    """Close this dispatcher at the end of the process."""
    _delivering[id(dispatcher)] = dispatcher
    _hook()


def unregister(dispatcher: Closable) -> None:
    """This dispatcher has ended."""
    _delivering.pop(id(dispatcher), None)


def watch(client: Watched) -> None:
    """Tell this client in a forked child, and at the end. Weak: does not keep it alive.

    Hooks that the program registers later run before ours, and may still send events.
    """
    _watched.add(client)
    _hook()


def close_all() -> None:
    """Deliver what all clients still have, within the budget."""
    until = monotonic() + BUDGET
    for client in list(_watched):
        client.leave()
    dispatchers = list(_delivering.values())
    for dispatcher in dispatchers:
        dispatcher.begin_close()
    for dispatcher in dispatchers:
        dispatcher.close(max(0.0, until - monotonic()))
        unregister(dispatcher)


def _hook() -> None:
    """Make sure that `close_all` runs at the end of this process."""
    global _hooked_pid
    pid = os.getpid()
    if _hooked_pid == pid:
        return
    if _hooked_pid == 0:
        atexit.register(close_all)  # a forked child inherits it
    _hooked_pid = pid
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing import util

        # Children of `multiprocessing` end by `os._exit`, which runs no `atexit` hooks.
        util.Finalize(None, close_all, exitpriority=100)


def _after_fork() -> None:
    fork_gate.release()
    _delivering.clear()
    for client in list(_watched):
        client.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=fork_gate.acquire,
        after_in_parent=fork_gate.release,
        after_in_child=_after_fork,
    )
