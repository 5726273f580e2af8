"""The configured destinations, each with its own delivery loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sojourn.app.sources import Sources
from sojourn.core.errors import InvalidSettings
from sojourn.core.outcome import Outcome
from sojourn.core.ports import Clock, EventLog, StateStore
from sojourn.destinations.registry import build
from sojourn.pipeline.dead_letters import DeadLetters
from sojourn.pipeline.delivery import Delivery
from sojourn.pipeline.delivery_settings import DeliverySettings, split
from sojourn.pipeline.delivery_stats import DeliveryStats
from sojourn.pipeline.session_events import Changed, SessionEvents
from sojourn.settings import Configuration, DestinationSettings


class Deliveries:
    """Builds and runs a `Delivery` for each `[[destinations]]` entry.

    A destination that is new gets what arrives from then on; with `history = true` everything
    that the log still has.
    """

    def __init__(
        self,
        configuration: Configuration,
        sources: Sources,
        log: EventLog,
        state: StateStore,
        clock: Clock,
        changed: Changed,
    ) -> None:
        self._changed = changed
        self.dead_letters = DeadLetters(
            log, state, [entry.name for entry in configuration.destinations]
        )
        self._configuration = configuration
        self._sources = sources
        self._parts = (log, state, clock)
        self._running: list[Delivery] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Raises `InvalidSettings` before anything is sent."""
        self._running = list(self._build())
        async with asyncio.TaskGroup() as group:
            for delivery in self._running:
                group.create_task(delivery.run(stop))
            if wanting := self._wanting_session_events():
                log, state, clock = self._parts
                news = SessionEvents(self._changed, log, state, clock, wanting)
                group.create_task(news.run(stop))

    async def status(self) -> list[dict[str, Any]]:
        """What each destination did since the start, and how far behind it is."""
        shown = []
        for entry, delivery in zip(self._configuration.destinations, self._running, strict=False):
            lag = await delivery.lag()
            stats = delivery.stats
            shown.append(
                {
                    "name": entry.name,
                    "type": entry.type,
                    "lag_entries": lag.entries,
                    "lag_seconds": lag.seconds,
                    "delivered": stats.delivered,
                    "retried": stats.retried,
                    "dead": sum(stats.rejected.values()),
                    "filtered": sum(stats.filtered.values()),
                    "down": stats.down,
                    "last_error": stats.last_error,
                }
            )
        return shown

    def measured(self) -> Iterator[tuple[str, DeliveryStats]]:
        """The counters of each delivery, by name; the lag is as of the last status."""
        for delivery in self._running:
            yield delivery.name, delivery.stats

    @property
    def names(self) -> list[str]:
        """Of all configured destinations."""
        return [entry.name for entry in self._configuration.destinations]

    async def forget(self, name: str, users: Sequence[Mapping[str, Any]]) -> Outcome:
        """Ask a destination to delete users (`{"userId": …, …}` each)."""
        (entry,) = (one for one in self._configuration.destinations if one.name == name)
        destination = build(entry.type, self._options(entry))
        try:
            return await destination.forget(users)
        finally:
            await destination.close()

    def check(self) -> None:
        """Build every destination once. Raises `InvalidSettings` naming the field and the fix."""
        for entry in self._configuration.destinations:
            self._split(entry)
            build(entry.type, self._options(entry))

    def _wanting_session_events(self) -> list[str]:
        entries = self._configuration.destinations
        return [entry.name for entry in entries if self._split(entry).session_events]

    def _build(self) -> Iterator[Delivery]:
        log, state, clock = self._parts
        for entry in self._configuration.destinations:
            yield Delivery(
                entry.name,
                build(entry.type, self._options(entry)),
                log,
                state,
                clock,
                self._split(entry),
                since=0 if entry.options.get("history") else clock.now_ms(),
            )

    def _options(self, entry: DestinationSettings) -> dict[str, Any]:
        _, rest = split(entry.name, entry.options)
        rest.pop("history", None)
        return rest

    def _split(self, entry: DestinationSettings) -> DeliverySettings:
        settings, _ = split(entry.name, entry.options)
        if "give_up_after" not in entry.options:
            settings = replace(settings, give_up_after=self._configuration["give_up_after"] / 1000)
        return replace(settings, sources=tuple(self._source_id(entry, s) for s in settings.sources))

    def _source_id(self, entry: DestinationSettings, name: str) -> str:
        for source in self._sources.all:
            if name in (source.name, source.id):
                return source.id
        known = ", ".join(source.name for source in self._sources.all)
        raise InvalidSettings(
            f"destination {entry.name}: there is no source '{name}'; there are: {known}"
        )
