"""The sources of this Sojourn: the configured ones, or the one called `default`."""

from __future__ import annotations

from collections.abc import Iterable

from sojourn.app.data_directory import DataDirectory
from sojourn.core.source import Source
from sojourn.settings import Configuration


class Sources:
    """Look-ups by write key (the gateway) and by id (everything behind the log)."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.all = tuple(sources)
        self._by_key = {source.write_key: source for source in self.all}
        self._by_id = {source.id: source for source in self.all}

    def by_write_key(self, write_key: str) -> Source | None:
        """The source that this key belongs to."""
        return self._by_key.get(write_key)

    def by_id(self, source_id: str) -> Source | None:
        """The source of this id; None also for one that has left the configuration."""
        return self._by_id.get(source_id)


def configured_sources(configuration: Configuration, directory: DataDirectory) -> Sources:
    """The configured sources; without any, `default` with the key of the data folder."""
    if configuration.sources:
        return Sources(configuration.sources)
    write_key = directory.first_write_key(configuration)
    return Sources([Source(id="default", name="default", write_key=write_key)])
