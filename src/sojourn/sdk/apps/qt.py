"""Qt (PySide6; PyQt6 has the same names): `attach(client)` after the application is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sojourn.sdk.apps.presence import Presence

if TYPE_CHECKING:
    from sojourn.sdk.client import Client

_FRONT = "ApplicationActive"
_BACK = ("ApplicationSuspended", "ApplicationHidden")


def attach(client: Client, app: Any) -> Callable[[], None]:
    """Follow a `QGuiApplication`: hidden and suspended is the background, active the front.

    Merely inactive (another window has the focus) is neither. The client is closed when the
    application is about to quit.
    """
    presence = Presence(client)

    def changed(state: Any) -> None:
        name = getattr(state, "name", str(state))
        if name == _FRONT:
            presence.front()
        elif name in _BACK:
            presence.back()

    app.applicationStateChanged.connect(changed)
    app.aboutToQuit.connect(presence.end)

    def detach() -> None:
        app.applicationStateChanged.disconnect(changed)
        app.aboutToQuit.disconnect(presence.end)

    return detach
