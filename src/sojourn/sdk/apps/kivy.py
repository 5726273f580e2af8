"""Kivy: `attach(client, app)` before `app.run()`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.apps.presence import Presence

if TYPE_CHECKING:
    from sojourn.sdk.client import Client


def attach(client: Client, app: Any, window: Optional[Any] = None) -> Callable[[], None]:
    """Follow a Kivy `App`: pause and resume on phones, minimised and restored on desktops.

    `window` is `kivy.core.window.Window`, where the desktop's window counts too. After a pause
    the system may end the program without a word: state and queue are saved then.
    """
    presence = Presence(client)

    # Handlers must return None: True would keep the application's own from being called.
    def pause(*_: object) -> None:
        presence.back()

    def resume(*_: object) -> None:
        presence.front()

    def stop(*_: object) -> None:
        presence.end()

    app.bind(on_pause=pause, on_resume=resume, on_stop=stop)
    if window is not None:
        window.bind(on_minimize=pause, on_restore=resume)

    def detach() -> None:
        app.unbind(on_pause=pause, on_resume=resume, on_stop=stop)
        if window is not None:
            window.unbind(on_minimize=pause, on_restore=resume)

    return detach
