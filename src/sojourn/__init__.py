"""Sojourn: session tracking. This is the public face of the SDK, and nothing else.

Importing it starts, reads and configures nothing; what is asked for is imported then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sojourn.sdk.client import Client
    from sojourn.sdk.cookies import BrowserIdentity, browser_identity
    from sojourn.sdk.courier import DeliveryError
    from sojourn.sdk.defaults import (
        alias,
        configure,
        flush,
        get_client,
        group,
        identify,
        page,
        screen,
        track,
    )
    from sojourn.sdk.options import AppInfo, Delivery, Options, QueueLimits, Sessions, Stats
    from sojourn.sdk.scope import Scope
    from sojourn.sdk.stores import FileStore, MemoryStore, Storage
    from sojourn.sdk.version import VERSION as __version__

_HOMES = {
    "Client": "client",
    "BrowserIdentity": "cookies",
    "browser_identity": "cookies",
    "DeliveryError": "courier",
    "alias": "defaults",
    "configure": "defaults",
    "flush": "defaults",
    "get_client": "defaults",
    "group": "defaults",
    "identify": "defaults",
    "page": "defaults",
    "screen": "defaults",
    "track": "defaults",
    "AppInfo": "options",
    "Delivery": "options",
    "Options": "options",
    "QueueLimits": "options",
    "Sessions": "options",
    "Stats": "options",
    "Scope": "scope",
    "FileStore": "stores",
    "MemoryStore": "stores",
    "Storage": "stores",
    "__version__": "version",
}

__all__ = [
    "AppInfo",
    "BrowserIdentity",
    "Client",
    "Delivery",
    "DeliveryError",
    "FileStore",
    "MemoryStore",
    "Options",
    "QueueLimits",
    "Scope",
    "Sessions",
    "Stats",
    "Storage",
    "__version__",
    "alias",
    "browser_identity",
    "configure",
    "flush",
    "get_client",
    "group",
    "identify",
    "page",
    "screen",
    "track",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'sojourn' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"sojourn.sdk.{home}")
    value = getattr(module, "VERSION" if name == "__version__" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
