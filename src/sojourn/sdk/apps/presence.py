"""Whether the application is in front: toolkits tell it several times, clients want it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sojourn.sdk.client import Client


class Presence:
    """Passes changes on to a client. The start of the program counts as being in front."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._in_front = True
        client.start()

    def front(self, *_: object) -> None:
        """The application is in front now."""
        if not self._in_front:
            self._in_front = True
            self._client.foreground()

    def back(self, *_: object) -> None:
        """The application has left the front."""
        if self._in_front:
            self._in_front = False
            self._client.background()

    def end(self, *_: object) -> None:
        """The application ends."""
        self._client.close()
