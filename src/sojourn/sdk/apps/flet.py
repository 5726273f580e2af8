"""Flet: `attach(client, page)` in the program's `main(page)`.

In a browser a Flet program is a server that serves many people from one process: make a client
for each page there (`profile="web"`, a `MemoryStore` of its own), never one for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sojourn.sdk.apps.presence import Presence

if TYPE_CHECKING:
    from sojourn.sdk.client import Client

_FRONT = ("SHOW", "RESUME", "RESTART")
_BACK = ("HIDE", "PAUSE", "DETACH")


def attach(client: Client, page: Any) -> Callable[[], None]:
    """Follow the life cycle of a Flet `Page`. Handlers that it has are called as before."""
    presence = Presence(client)
    changed, closed = page.on_app_lifecycle_state_change, page.on_close

    def on_change(event: Any) -> Any:
        state = getattr(event.state, "name", str(event.state)).upper()
        if state in _FRONT:
            presence.front()
        elif state in _BACK:
            presence.back()
        return changed(event) if changed is not None else None

    def on_close(event: Any) -> Any:
        presence.end()
        return closed(event) if closed is not None else None

    page.on_app_lifecycle_state_change, page.on_close = on_change, on_close

    def detach() -> None:
        page.on_app_lifecycle_state_change, page.on_close = changed, closed

    return detach
