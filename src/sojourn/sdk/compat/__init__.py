"""The interface of rudder-sdk-python 2.1, on Sojourn's client: change one import line.

`import rudderstack.analytics as rudder_analytics` becomes
`import sojourn.sdk.compat as rudder_analytics`. Names, signatures, defaults, results and errors
are the same. Other than there: `flush`, `join` and `shutdown` end after ten seconds at the
latest; `debug` changes no logging; no `.env` is read; the caller's dictionaries are not changed;
the moment of an event goes out as `originalTimestamp`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from sojourn.sdk.compat.client import Client
from sojourn.sdk.version import VERSION as __version__

__all__ = [
    "Client",
    "__version__",
    "alias",
    "flush",
    "group",
    "identify",
    "join",
    "page",
    "screen",
    "shutdown",
    "track",
]

# Settings of the client that the functions below make at their first call.
write_key: Optional[str] = Client.DefaultConfig.write_key
host: Optional[str] = Client.DefaultConfig.host
dataPlaneUrl: Optional[str] = None
on_error: Optional[Callable[[Exception, list[Any]], Any]] = Client.DefaultConfig.on_error
debug: bool = Client.DefaultConfig.debug
send: bool = Client.DefaultConfig.send
sync_mode: bool = Client.DefaultConfig.sync_mode
max_queue_size: int = Client.DefaultConfig.max_queue_size
gzip: bool = Client.DefaultConfig.gzip
timeout: float = Client.DefaultConfig.timeout
upload_interval: float = Client.DefaultConfig.upload_interval
upload_size: int = Client.DefaultConfig.upload_size
max_retries: int = Client.DefaultConfig.max_retries

default_client: Optional[Client] = None


def track(*args: Any, **kwargs: Any) -> None:
    """Send a track call."""
    _get().track(*args, **kwargs)


def identify(*args: Any, **kwargs: Any) -> None:
    """Send an identify call."""
    _get().identify(*args, **kwargs)


def group(*args: Any, **kwargs: Any) -> None:
    """Send a group call."""
    _get().group(*args, **kwargs)


def alias(*args: Any, **kwargs: Any) -> None:
    """Send an alias call."""
    _get().alias(*args, **kwargs)


def page(*args: Any, **kwargs: Any) -> None:
    """Send a page call."""
    _get().page(*args, **kwargs)


def screen(*args: Any, **kwargs: Any) -> None:
    """Send a screen call."""
    _get().screen(*args, **kwargs)


def flush() -> None:
    """Send what is queued, and wait for it."""
    _get().flush()


def join() -> None:
    """Send what is queued, and end."""
    _get().join()


def shutdown() -> None:
    """Send what is queued, and end."""
    _get().shutdown()


def _get() -> Client:
    global default_client
    if default_client is None:
        default_client = Client(
            write_key,
            host=dataPlaneUrl or host,
            debug=debug,
            max_queue_size=max_queue_size,
            send=send,
            on_error=on_error,
            gzip=gzip,
            max_retries=max_retries,
            sync_mode=sync_mode,
            timeout=timeout,
            upload_size=upload_size,
            upload_interval=upload_interval,
        )
    return default_client
