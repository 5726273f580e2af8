"""The settings of a warehouse destination, and what an event's `integrations` make of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sojourn.warehouse.transform.naming import NameRules
from sojourn.warehouse.transform.providers import Provider

ANY_WAREHOUSE = "DATA_WAREHOUSE"
"""The key in `integrations` whose JSON paths apply to every warehouse."""


class Settings(NamedTuple):
    """What the rows of an event depend on, beside the provider."""

    names: NameRules = NameRules()
    skip_tracks: bool = False
    skip_users: bool = False
    users_context_traits: bool = False
    """`allowUsersContextTraits`: `context.traits` are traits of the user too."""
    full_event: bool = False
    """`storeFullEvent`: the whole event as JSON in `rudder_event`."""
    json_paths: tuple[str, ...] = ()
    """`track.properties.a`, …, or bare `a.b`: those values stay JSON."""


def destination_settings(config: Mapping[str, Any]) -> Settings:
    """The settings by RudderStack's names, as a destination's configuration has them."""
    paths = config.get("jsonPaths")
    return Settings(
        NameRules(
            blendo=config.get("useBlendoCasing") is True,
            divide_numbers=config.get("underscoreDivideNumbers") is True,
            keep_reserved=config.get("skipReservedKeywordsEscaping") is True,
        ),
        skip_tracks=config.get("skipTracksTable") is True,
        skip_users=config.get("skipUsersTable") is True,
        users_context_traits=config.get("allowUsersContextTraits") is True,
        full_event=config.get("storeFullEvent") is True,
        json_paths=_paths(paths.split(",") if isinstance(paths, str) else paths),
    )


def event_settings(settings: Settings, provider: Provider, integrations: Any) -> Settings:
    """`settings` with the options that an event carries for this kind of warehouse."""
    options = _options(integrations, provider.type)
    paths = _paths(options.get("jsonPaths")) + _paths(
        _options(integrations, ANY_WAREHOUSE).get("jsonPaths")
    )
    if not options and not paths:
        return settings
    names = settings.names
    return settings._replace(
        names=NameRules(
            blendo=names.blendo or options.get("useBlendoCasing") is True,
            divide_numbers=names.divide_numbers,
            keep_reserved=names.keep_reserved
            or options.get("skipReservedKeywordsEscaping") is True,
        ),
        skip_tracks=settings.skip_tracks or options.get("skipTracksTable") is True,
        skip_users=settings.skip_users or options.get("skipUsersTable") is True,
        json_paths=settings.json_paths + paths,
    )


def _options(integrations: Any, name: str) -> Mapping[str, Any]:
    own = integrations.get(name) if isinstance(integrations, dict) else None
    options = own.get("options") if isinstance(own, dict) else None
    return options if isinstance(options, dict) else {}


def _paths(given: Any) -> tuple[str, ...]:
    """The texts of a list, trimmed; anything else has none."""
    if not isinstance(given, list | tuple):
        return ()
    return tuple(part.strip() for part in given if isinstance(part, str) and part.strip())
