"""Toga (BeeWare): `attach(client, app)` in `startup`, after the main window is made."""

from __future__ import annotations

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
        return _call(shown, widget, more)

    def on_hide(widget: Any, **more: Any) -> Any:
        presence.back()
        return _call(hidden, widget, more)

    def on_exit(widget: Any, **more: Any) -> Any:
        if not _has(left):
            presence.end()
            return True
        answer = _call(left, widget, more)
        if answer is True:
            presence.end()
        return answer

    window.on_show, window.on_hide, app.on_exit = on_show, on_hide, on_exit

    def detach() -> None:
        window.on_show, window.on_hide, app.on_exit = map(_raw, (shown, hidden, left))

    return detach


def _raw(handler: Any) -> Any:
    """The application's own function: Toga wraps what is assigned."""
    return getattr(handler, "_raw", handler)


def _has(handler: Any) -> bool:
    return _raw(handler) is not None


def _call(handler: Any, widget: Any, more: dict[str, Any]) -> Any:
    raw = _raw(handler)
    return raw(widget, **more) if raw is not None else None
