"""A destination of another package: posts events as JSON lines to a collector.

[[destinations]]
type = "lines"
url = "https://collector.example.com/events"
token = "env:COLLECTOR_TOKEN"
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from sojourn.core.errors import InvalidSettings
from sojourn.core.outcome import Delivered, Outcome, Rejected, Retry, outcome_of_status
from sojourn.core.ports import Capabilities


class Lines:
    """One POST for up to 500 events; the collector drops message ids that it knows."""

    capabilities = Capabilities(max_events=500, max_bytes=1 << 20, idempotent=True)

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {
            "Content-Type": "application/x-ndjson",
            "Authorization": f"Bearer {token}",
        }
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Lines:
        """Built from the table in sojourn.toml; secrets are resolved already."""
        unknown = settings.keys() - {"url", "token"}
        if unknown:
            raise InvalidSettings(f"destination lines: there is no setting `{min(unknown)}`")
        for name in ("url", "token"):
            if not isinstance(settings.get(name), str) or not settings[name]:
                raise InvalidSettings(f"destination lines: `{name}` is missing")
        return cls(settings["url"], settings["token"])

    async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
        """One outcome per event. Whatever happens to the connection is tried again."""
        if not batch:
            return []
        known = [event for event in batch if isinstance(event.get("messageId"), str)]
        outcome = await self._post("\n".join(json.dumps(event) for event in known))
        return [
            outcome if isinstance(event.get("messageId"), str) else Rejected("no message id")
            for event in batch
        ]

    async def _post(self, lines: str) -> Outcome:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        try:
            async with self._session.post(
                self._url, data=lines.encode(), headers=self._headers
            ) as answer:
                await answer.read()
                wait = answer.headers.get("Retry-After", "")
                after = float(wait) if wait.isdecimal() else None
                return outcome_of_status(answer.status, after=after)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Retry(f"no answer: {type(error).__name__}")

    async def forget(self, users: Sequence[Mapping[str, Any]]) -> Outcome:
        """The collector keeps nothing by user."""
        return Delivered()

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
