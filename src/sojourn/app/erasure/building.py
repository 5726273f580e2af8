"""The erasures of a platform, plugged together from its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sojourn.app.erasure.embedded import Embedded
from sojourn.app.erasure.erasures import Erasures
from sojourn.app.erasure.local import Folder
from sojourn.core.erasure import People
from sojourn.core.outcome import Outcome

if TYPE_CHECKING:
    from sojourn.app.platform import Platform


def build_erasures(platform: Platform) -> Erasures:
    """Erasures over everything that a platform has."""
    source_ids = [source.id for source in platform.sources.all]
    names = {source.name: source.id for source in platform.sources.all}
    folder = Folder(
        platform.log,
        platform.state,
        platform.tables,
        Embedded(platform.tables, platform.session_feed, source_ids),
        platform.deliveries.names,
        platform.clock,
    )
    return Erasures(
        folder,
        _FarEnds(platform, folder.embedded),
        platform.suppressions,
        platform.warehouses.names,
        names | {name: name for name in source_ids},
        platform.directory.log,
    )


class _FarEnds:
    """See `sojourn.app.erasure.elsewhere.FarEnds`."""

    def __init__(self, platform: Platform, embedded: Embedded) -> None:
        self._platform = platform
        self._embedded = embedded

    async def erase(self, warehouse: str, people: People) -> Mapping[str, int]:
        """Delete people from a warehouse."""
        source_ids = self._embedded.source_ids()
        return await self._platform.warehouses.erase(warehouse, people, source_ids)

    async def forget(self, destination: str, users: list[Mapping[str, Any]]) -> Outcome:
        """Ask a destination to delete users."""
        return await self._platform.deliveries.forget(destination, users)
