"""What a client is configured with, and what it tells about itself: plain frozen values.

They are named tuples, not dataclasses: `dataclasses` alone costs a quarter of the import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, TypedDict, Union

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from typing import Literal

    Profile = Literal[
        "server", "web", "android", "ios", "react-native", "flutter", "desktop", "cli"
    ]
    WhenFull = Literal["wait", "drop-new", "drop-old"]
    Seconds = Union[float, timedelta]


class CommonOptions(TypedDict, total=False):
    """What every event call takes by keyword."""

    anonymous_id: str
    session_id: Optional[int]
    """The session of this event; `None`: it has none."""
    context: Mapping[str, Any]
    """Goes over the client's `context`. Session keys of the client win over those in here."""
    integrations: Mapping[str, Any]
    timestamp: datetime
    """When it happened, if not now. A naive one is local time."""
    message_id: str
    """Names the event for deduplication; otherwise a new UUID."""


class Options(CommonOptions, total=False):
    """The same for the calls that do not name a person anyway."""

    user_id: str
    """For this event; otherwise the scope's, otherwise the client's."""


class AppInfo(NamedTuple):
    """The application, as it goes into `context.app`, and names its data folder."""

    name: str
    version: str = ""
    build: Union[int, str, None] = None
    namespace: str = ""


class Sessions(NamedTuple):
    """How sessions are tracked. `None` means: what the profile does.

    Odd values are taken as the profile's official SDK takes them.
    """

    auto: Optional[bool] = None
    """Sessions start and end by themselves. Default: on, but for `server` off."""
    timeout: Optional[Seconds] = None
    """Seconds of inactivity that end a session. Default: 30 min, mobile profiles 5 min."""
    cut_off: Optional[Seconds] = None
    """Seconds that a session lasts at most (`web`, `desktop`, `cli`). Default: no limit."""
    lifecycle_events: Optional[bool] = None
    """Send Application Installed, Updated, Opened and Backgrounded. Default: mobile profiles.

    As in the official mobile SDKs, `android`, `ios`, `react-native` and `flutter` track no
    automatic sessions without them.
    """


class QueueLimits(NamedTuple):
    """How much waits in memory for delivery, and what happens beyond.

    `wait`: a call waits for room while deliveries succeed, one second at most from one success
    to the next, and drops the event where there is none (an event loop is never held up: there
    the event is dropped at once). `drop-new` and `drop-old` drop at once. With a disk store
    nothing is dropped while the disk has room: events beyond the limits wait on disk alone.
    Every drop is counted in `Client.stats`, with its reason.
    """

    events: int = 10_000
    bytes: int = 32 << 20
    when_full: WhenFull = "wait"
    disk_bytes: int = 256 << 20
    """How much waits on disk, where there is a disk store."""


class Delivery(NamedTuple):
    """How events are sent. Times are seconds."""

    batch: int = 100
    """Most events in one request."""
    interval: float = 0.5
    """How long the first event of a batch waits for more."""
    gzip: bool = True
    timeout: float = 10
    """For one request."""
    retry_for: Optional[float] = None
    """How long a batch is tried again before it is dropped; `None`: for as long as it takes."""
    max_backoff: float = 60
    """The longest wait between two attempts that the server did not ask for."""


class Stats(NamedTuple):
    """What became of the events of this client, in this process."""

    queued: int
    """Waiting for delivery, in memory or on disk, those under way included."""
    sent: int
    """Accepted by the server."""
    dropped: int
    """Given up by the client: queue full, not JSON, closed, … (see `reasons`)."""
    rejected: int
    """Refused by the server for good (see `reasons`)."""
    retried: int
    """Requests that were sent again."""
    last_error: Optional[str]
    reasons: Mapping[str, int]
    """Why events were dropped or rejected: reason, number of events."""


def seconds_of(value: Seconds) -> float:
    """A duration given as seconds or as a `timedelta`, in seconds."""
    return value if isinstance(value, (int, float)) else value.total_seconds()
