"""The settings of a warehouse destination, and what an event's `integrations` make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    return Settings(
        NameRules(
            blendo=bool(config.get("useBlendoCasing")),
            divide_numbers=bool(config.get("underscoreDivideNumbers")),
            keep_reserved=bool(config.get("skipReservedKeywordsEscaping")),
        ),
        skip_tracks=bool(config.get("skipTracksTable")),
        skip_users=bool(config.get("skipUsersTable")),
        users_context_traits=bool(config.get("allowUsersContextTraits")),
        full_event=bool(config.get("storeFullEvent")),
        json_paths=_paths(config.get("jsonPaths")),
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
            blendo=_flag(options, "useBlendoCasing", names.blendo),
            divide_numbers=names.divide_numbers,
            keep_reserved=_flag(options, "skipReservedKeywordsEscaping", names.keep_reserved),
        ),
        skip_tracks=_flag(options, "skipTracksTable", settings.skip_tracks),
        skip_users=_flag(options, "skipUsersTable", settings.skip_users),
        json_paths=settings.json_paths + paths,
    )


def _options(integrations: Any, name: str) -> Mapping[str, Any]:
    own = integrations.get(name) if isinstance(integrations, dict) else None
    options = own.get("options") if isinstance(own, dict) else None
    return options if isinstance(options, dict) else {}


def _flag(options: Mapping[str, Any], name: str, otherwise: bool) -> bool:
    value = options.get(name)
    return value if isinstance(value, bool) else otherwise


def _paths(given: Any) -> tuple[str, ...]:
    """A list of paths, or a text of paths apart by commas."""
    parts: Iterable[Any] = ()
    if isinstance(given, str):
        parts = given.split(",")
    elif isinstance(given, list | tuple):
        parts = given
    return tuple(part.strip() for part in parts if isinstance(part, str) and part.strip())
