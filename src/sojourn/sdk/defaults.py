"""The functions of the module `sojourn`: one client for the whole program, after `configure`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.client import Client
from sojourn.sdk.notices import report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from sojourn.sdk.options import CommonOptions, Options

_client: Optional[Client] = None
_disabled: Optional[Client] = None
_said: dict[str, float] = {}


def configure(write_key: str, data_plane_url: str, **arguments: Any) -> Client:
    """Make the client that the functions of this module use. Arguments as for `Client`.

    A client that was configured before is closed, which may take up to two seconds.
    """
    global _client
    before, _client = _client, Client(write_key, data_plane_url, **arguments)
    if before is not None:
        before.close()
    return _client


def get_client() -> Client:
    """The configured client; before `configure` one that does nothing, and a logged warning."""
    global _disabled
    if _client is not None:
        return _client
    report(_said, "sojourn is used before sojourn.configure(): events are not sent")
    if _disabled is None:
        _disabled = Client("none", "http://localhost", enabled=False)
    return _disabled


def track(
    event: str, properties: Optional[Mapping[str, Any]] = None, **options: Unpack[Options]
) -> Optional[str]:
    """`Client.track` of the configured client."""
    return get_client().track(event, properties, **options)


def page(
    name: Optional[str] = None,
    properties: Optional[Mapping[str, Any]] = None,
    *,
    category: Optional[str] = None,
    **options: Unpack[Options],
) -> Optional[str]:
    """`Client.page` of the configured client."""
    return get_client().page(name, properties, category=category, **options)


def screen(
    name: str,
    properties: Optional[Mapping[str, Any]] = None,
    *,
    category: Optional[str] = None,
    **options: Unpack[Options],
) -> Optional[str]:
    """`Client.screen` of the configured client."""
    return get_client().screen(name, properties, category=category, **options)


def identify(
    user_id: Optional[str] = None,
    traits: Optional[Mapping[str, Any]] = None,
    **options: Unpack[CommonOptions],
) -> Optional[str]:
    """`Client.identify` of the configured client."""
    return get_client().identify(user_id, traits, **options)


def group(
    group_id: str, traits: Optional[Mapping[str, Any]] = None, **options: Unpack[Options]
) -> Optional[str]:
    """`Client.group` of the configured client."""
    return get_client().group(group_id, traits, **options)


def alias(
    user_id: str, previous_id: Optional[str] = None, **options: Unpack[CommonOptions]
) -> Optional[str]:
    """`Client.alias` of the configured client."""
    return get_client().alias(user_id, previous_id, **options)


def flush(timeout: Optional[float] = 10.0) -> bool:
    """`Client.flush` of the configured client."""
    return get_client().flush(timeout)
