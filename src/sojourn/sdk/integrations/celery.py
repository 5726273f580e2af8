"""Celery: `install(client)`, where tasks are sent and in the worker.

A task carries the person and session of the scope that it was sent from; its events are theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sojourn.sdk.scope import Scope, ScopedSession, current

if TYPE_CHECKING:
    from sojourn.sdk.client import Client

HEADER = "sojourn"


def install(client: Client) -> Callable[[], None]:
    """Connect Celery's signals. Returns what takes them off again."""
    from celery import signals  # type: ignore[import-untyped,import-not-found,unused-ignore]

    scopes: dict[str, Scope] = {}

    def publish(headers: Any = None, **_: Any) -> None:
        scope = current(client)
        if scope is None or not isinstance(headers, dict):
            return
        carried = {
            "anonymous_id": scope.anonymous_id,
            "user_id": scope.user_id,
            "session_id": scope.session_id,
        }
        headers[HEADER] = {key: value for key, value in carried.items() if value is not None}

    def begin(task_id: str = "", task: Any = None, **_: Any) -> None:
        carried = _carried(task)
        if carried is None:
            return
        session_id = carried.get("session_id")
        session = ScopedSession(session_id, begins=False) if type(session_id) is int else None
        scopes[task_id] = Scope(
            client,
            user_id=carried.get("user_id"),
            anonymous_id=carried.get("anonymous_id"),
            session=session,
            inherit=False,
        )
        scopes[task_id].__enter__()

    def end(task_id: str = "", **_: Any) -> None:
        scope = scopes.pop(task_id, None)
        if scope is not None:
            scope.__exit__()

    def leave(**_: Any) -> None:
        client.close()

    wiring = (
        (signals.before_task_publish, publish),
        (signals.task_prerun, begin),
        (signals.task_postrun, end),
        (signals.worker_process_shutdown, leave),
    )
    for signal, receiver in wiring:
        signal.connect(receiver, weak=False)

    def remove() -> None:
        for signal, receiver in wiring:
            signal.disconnect(receiver)

    return remove


def _carried(task: Any) -> Any:
    """What the task's message carries for us; a task that runs eagerly is inside its scope."""
    request = getattr(task, "request", None)
    if request is None or getattr(request, "is_eager", False):
        return None
    found = getattr(request, HEADER, None) or (getattr(request, "headers", None) or {}).get(HEADER)
    return found if isinstance(found, dict) else None
