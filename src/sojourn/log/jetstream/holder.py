"""Who processes a log: one Sojourn at a time, since each would process every event."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import NamedTuple

import nats.errors

from sojourn.core.errors import InvalidSettings, SojournError
from sojourn.log.jetstream.bucket import Bucket
from sojourn.log.jetstream.server import NatsServer

_KEY = "holder"
_SHOW_UP_S = 20.0
_GONE_MS = 120_000
"""A holder that did not show up for so long is gone: its machine died, say."""

logger = logging.getLogger("sojourn.log")


class Claimant(NamedTuple):
    """Who processes a log: `id` tells it from others, `name` is for people."""

    id: str
    name: str


class Holder:
    """The claim of one Sojourn to be the one. Runs in the connection's loop."""

    def __init__(self, bucket: Bucket, server: NatsServer, claimant: Claimant) -> None:
        self._bucket = bucket
        self._server = server
        self._claimant = claimant

    async def claim(self) -> None:
        """Enter the claim, or renew it. Raises `InvalidSettings` if somebody else has one.

        The same one takes its claim over at once: it was killed, and starts again.
        """
        now = int(time.time() * 1000)

        def change(value: bytes | None) -> bytes:
            there = json.loads(value or b"{}")
            other = there.get("id", self._claimant.id) != self._claimant.id
            if other and now - there["at"] < _GONE_MS:
                raise InvalidSettings(
                    f"the log {self._server.url} is processed by {there['name']} already; give "
                    "this one another name at the end of the URL, or wait two minutes if that "
                    "one is gone"
                )
            return json.dumps({**self._claimant._asdict(), "at": now}).encode()

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
            return b"{}" if there.get("id") == self._claimant.id else value or b"{}"

        await self._bucket.change(_KEY, change)
