"""Toga (BeeWare): `attach(client, app)` in `startup`, after the main window is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sojourn.sdk.apps.presence import Presence

if TYPE_CHECKING:
    from sojourn.sdk.client import Client


def attach(client: Client, app: Any) -> Callable[[], None]:
    """Follow the main window of a Toga `App`: shown is the front, hidden the background.

    Handlers that the application has set are called as before; set yours before this call.
    The client is closed when the application's own `on_exit` agrees to the end.
    """
    presence = Presence(client)
    window = app.main_window
    shown, hidden, left = window.on_show, window.on_hide, app.on_exit

    def on_show(widget: Any, **more: Any) -> Any:
        presence.front()
        return shown(**more)

    def on_hide(widget: Any, **more: Any) -> Any:
        presence.back()
        return hidden(**more)

    def on_exit(widget: Any, **more: Any) -> Any:
        return _agreed(left(widget, **more), presence)

    async def on_exit_later(widget: Any, **more: Any) -> Any:
        return _agreed(await left(widget, **more), presence)

    window.on_show, window.on_hide = on_show, on_hide
    app.on_exit = on_exit_later if inspect.iscoroutinefunction(left) else on_exit

    def detach() -> None:
        # Toga wraps the handlers of windows; assigned are the application's own.
        window.on_show, window.on_hide = shown._raw, hidden._raw
        app.on_exit = left

    return detach


def _agreed(answer: Any, presence: Presence) -> Any:
    """The application's answer to whether it may end; if so, it ends."""
    if answer:
        presence.end()
    return answer
