"""Who processes a log: one Sojourn at a time, since each would process every event."""

from __future__ import annotations

import asyncio
import json
import logging
import time

import nats.errors

from sojourn.core.errors import InvalidSettings, SojournError
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.server import NatsServer

_KEY = "holder"
_SHOW_UP_S = 20.0
_GONE_MS = 120_000
"""A holder that did not show up for so long is gone: its machine died, say."""

logger = logging.getLogger("sojourn.log")


class Holder:
    """The claim of one data folder, `name`, to be the one. Runs in the connection's loop."""

    def __init__(self, bucket: Bucket, server: NatsServer, name: str) -> None:
        self._bucket = bucket
        self._server = server
        self._name = name

    async def claim(self) -> None:
        """Enter the claim, or renew it. Raises `InvalidSettings` if somebody else has one.

        The same folder takes its claim over at once: it was killed, and its lock is held.
        """
        now = int(time.time() * 1000)

        def change(value: bytes | None) -> bytes:
            there = json.loads(value or b"{}")
            other = there.get("name", "")
            if other not in ("", self._name) and now - there["at"] < _GONE_MS:
                raise InvalidSettings(
                    f"the log {self._server.url} is processed by {other} already; give this one "
                    f"another name at the end of the URL, or wait two minutes if that is gone"
                )
            return json.dumps({"name": self._name, "at": now}).encode()

        await self._bucket.change(_KEY, change)

    async def run(self) -> None:
        """Renew the claim now and then, until cancelled."""
        while True:
            await asyncio.sleep(_SHOW_UP_S)
            try:
                await self.claim()
            except InvalidSettings as error:
                logger.error("%s", error)
            except (SojournError, nats.errors.Error, OSError, TimeoutError) as error:
                logger.info("the claim to the log is renewed later: %s", error)

    async def release(self) -> None:
        """Let somebody else have it at once."""

        def change(value: bytes | None) -> bytes:
            there = json.loads(value or b"{}")
            return b"{}" if there.get("name") == self._name else value or b"{}"

        await self._bucket.change(_KEY, change)
