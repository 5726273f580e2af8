"""Puts a client together from its arguments: policy, store, queue, courier, runtime."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from sojourn.core.profiles import PROFILES, configure
from sojourn.sdk.dispatcher import ThreadDispatcher
from sojourn.sdk.identity import Identity
from sojourn.sdk.ids import SystemClock
from sojourn.sdk.messages import Messages
from sojourn.sdk.notices import report
from sojourn.sdk.options import AppInfo, Delivery, QueueLimits, Sessions, seconds_of
from sojourn.sdk.outbox import Outbox
from sojourn.sdk.platform import describe
from sojourn.sdk.stores import FileStore, MemoryStore, Storage

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from sojourn.core.policy import Policy
    from sojourn.core.ports import Clock, Transport
    from sojourn.sdk.courier import Courier, DeliveryError
    from sojourn.sdk.runtime import Dispatcher, PageInfo

_CHANNELS = {"server": "server", "web": "web", "desktop": "desktop", "cli": "cli"}
_SAME_AS = {"cli": "desktop"}


class Parts(NamedTuple):
    """What a client is made of."""

    identity: Identity
    dispatcher: Dispatcher
    messages: Messages
    clock: Clock
    holds: bool
    """The client holds an identity of its own: everything but a server."""
    page: Optional[PageInfo]
    """The page that Python runs in, if it is one."""
    begin: Optional[Callable[[], None]]
    """To be called once the client is made."""


def build(
    write_key: str,
    data_plane_url: str,
    *,
    profile: str,
    sessions: Optional[Sessions],
    app: Optional[AppInfo],
    storage: Union[Storage, str, os.PathLike[str], None],
    queue: QueueLimits,
    delivery: Delivery,
    transport: Optional[Transport],
    ssl_context: Optional[ssl.SSLContext],
    on_error: Optional[Callable[[DeliveryError], Any]],
    clock: Optional[Clock],
) -> Parts:
    """The parts for a client's arguments. Raises `ValueError` for what cannot work."""
    _check(write_key, data_plane_url, profile, delivery)
    clock = clock or SystemClock()
    policy = _policy(profile, sessions or Sessions())
    holds = profile != "server"
    context = describe(app, full=holds)
    messages = Messages(_CHANNELS.get(profile, "mobile"), context)
    if sys.platform == "emscripten":
        from sojourn.sdk.browser import assemble

        tell = guarded(on_error)
        page = assemble(write_key, data_plane_url, queue, delivery, clock, tell, storage)
        identity = Identity(policy, page.store, app, holds=holds)
        return Parts(
            identity, page.dispatcher, messages, clock, holds, page.info, page.dispatcher.begin
        )
    store, folder, tag = _store(storage, holds, app, write_key)
    identity = Identity(policy, store, app, holds=holds)

    def make_courier() -> Courier:
        from sojourn.sdk.courier import Courier

        return Courier(write_key, delivery, clock)

    def make_transport() -> Transport:
        if transport is not None:
            return transport
        from sojourn.sdk.transport import HTTPTransport

        return HTTPTransport(data_plane_url, ssl_context)

    dispatcher = ThreadDispatcher(
        Outbox(queue, delivery.batch, folder, tag),
        delivery,
        make_courier,
        make_transport,
        guarded(on_error),
    )
    return Parts(identity, dispatcher, messages, clock, holds, None, None)


def _check(write_key: str, data_plane_url: str, profile: str, delivery: Delivery) -> None:
    if not isinstance(write_key, str) or not write_key:
        raise ValueError("write_key must be a non-empty text: the key of your source")
    if not str(data_plane_url).startswith(("http://", "https://")):
        raise ValueError(
            f"data_plane_url must begin with http:// or https://, not be {data_plane_url!r}"
        )
    if profile not in PROFILES and profile not in _SAME_AS:
        raise ValueError(f"profile must be one of {', '.join(_names())}, not {profile!r}")
    if delivery.batch < 1:
        raise ValueError(f"delivery.batch must be at least 1, not {delivery.batch}")


def _names() -> list[str]:
    return sorted({*PROFILES, *_SAME_AS})


def _policy(profile: str, sessions: Sessions) -> Policy:
    return configure(
        PROFILES[_SAME_AS.get(profile, profile)],
        auto_track=sessions.auto,
        timeout_ms=_milliseconds(sessions.timeout),
        cut_off_ms=_milliseconds(sessions.cut_off),
        lifecycle=sessions.lifecycle_events,
    )


def _milliseconds(duration: Any) -> Any:
    """Whole milliseconds; what is no duration goes on as it is, for the policy to judge."""
    if duration is None:
        return None
    try:
        return round(seconds_of(duration) * 1000)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return duration


def _tag(write_key: str) -> str:
    """Names the files of one write key without telling it."""
    import hashlib  # only with a disk store

    return hashlib.sha256(write_key.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _store(
    storage: Union[Storage, str, os.PathLike[str], None],
    holds: bool,
    app: Optional[AppInfo],
    write_key: str,
) -> tuple[Storage, Optional[Path], str]:
    """The store of identity and session; the folder for waiting events and their files' name."""
    if storage is None and not holds:
        return MemoryStore(), None, ""
    if storage is not None and not isinstance(storage, (str, os.PathLike)):
        return storage, None, ""
    from pathlib import Path

    if storage is not None:
        folder = Path(storage)
    else:
        from sojourn.sdk.folders import data_folder

        folder = data_folder(app.name if app else "sojourn")
    tag = _tag(write_key)
    return FileStore(folder / f"{tag}.db"), folder, tag


def guarded(
    on_error: Optional[Callable[[DeliveryError], Any]],
) -> Callable[[DeliveryError], None]:
    """`on_error` as the delivery calls it: what it raises must not stop the delivery."""
    said: dict[str, float] = {}

    def tell(error: DeliveryError) -> None:
        report(said, "%s", error)
        if on_error is not None:
            try:
                on_error(error)
            except Exception as failure:
                report(said, "on_error raised %r", failure)

    return tell
