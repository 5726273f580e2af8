"""The seams between the layers: small protocols, at most three methods each.

Siblings (`gateway`, `log`, `pipeline`, `warehouse`, …) never import each other; they meet
here, and `sojourn.app` plugs them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from sojourn.core.envelope import DeadLetter
    from sojourn.core.outcome import Outcome

RAW = "raw"
"""The stream of what arrived, never changed. Values: see `sojourn.core.envelope`."""
EVENTS = "events"
"""The stream of what the processor made of it."""
DEAD = "dead"
"""The stream of what could not be processed, each with its reason."""


class Clock(Protocol):
    """Where the time comes from."""

    def now_ms(self) -> int:
        """The wall clock, milliseconds since the Unix epoch."""
        ...


class Entry(NamedTuple):
    """One value to append. Entries of equal `key` keep their order; the key picks the partition."""

    key: str
    value: bytes


class Stored(NamedTuple):
    """One value of the log, with its place: `offset` grows within `partition`, gaps allowed."""

    partition: int
    offset: int
    appended_at: int
    """Milliseconds since the Unix epoch."""
    value: bytes


@dataclass(frozen=True)
class Lag:
    """How far a reader is behind: entries not committed, and the age of the oldest, seconds."""

    entries: int
    seconds: float


class LogReader(Protocol):
    """One reader of one stream, with a durable position per partition.

    `read` goes on from what this object returned last; a new object goes on from what was
    committed. There is no order across partitions.
    """

    async def read(self, max_bytes: int, wait: float) -> Sequence[Stored]:
        """The next entries, in order per partition; waits up to `wait` seconds for the first.

        At least one entry if there is any, however large; else about `max_bytes` of values.
        """
        ...

    async def commit(self, positions: Mapping[int, int]) -> None:
        """Remember durably, per partition, the offset of the last entry that is done with."""
        ...

    async def lag(self) -> Lag:
        """How far the committed position is behind the end of the stream."""
        ...


class EventLog(Protocol):
    """The durable log. Adapters: SQLite, memory; Kafka and NATS JetStream fit the same port."""

    async def append(self, stream: str, entries: Sequence[Entry]) -> None:
        """Append all entries or none; returns only once they are on disk (or replicated).

        Raises `sojourn.core.errors.LogUnavailable` when they may not be.
        """
        ...

    def reader(self, stream: str, name: str, since: int = 0) -> LogReader:
        """The reader `name` of `stream`, at its committed position.

        A name without a position starts at the first entry appended at or after `since`
        (milliseconds since the Unix epoch; 0: the oldest entry there is).

        The empty name is for looking only: such a reader always starts at `since`, keeps no
        position, holds back no retention, and its `commit` raises `InvalidSettings`; its `lag`
        is about what it has not returned yet.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, then release everything. Safe to call twice."""
        ...


class Erasable(Protocol):
    """What a log must be able to do beside `EventLog`, so that people can be erased from it."""

    async def streams(self) -> Sequence[str]:
        """The names of all streams."""
        ...

    async def rewrite(
        self,
        stream: str,
        change: Callable[[bytes], bytes | None],
        progress: Callable[[int], None],
    ) -> int:
        """Put what `change` gives (None: nothing) in the place of stored values; how many.

        Offsets stay; `progress` is told the bytes looked at since it was told last. Nobody should
        be reading the stream meanwhile: what was read already is not taken back.
        """
        ...

    async def scrub(self) -> None:
        """Leave nothing of replaced and deleted values in the log's files."""
        ...


class StateStore(Protocol):
    """Small durable state of the pipeline: seen message ids, delivery attempts, suppressions."""

    def get(self, space: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The values that are there and not expired."""
        ...

    def put(self, space: str, values: Mapping[str, bytes], expires_at: int) -> None:
        """Write all values in one durable step. `expires_at`: ms since the epoch, 0 for never."""
        ...

    def delete(self, space: str, keys: Sequence[str]) -> None:
        """Remove the values, durably."""
        ...


@dataclass(frozen=True)
class Capabilities:
    """What a destination can do, as data: the delivery loop goes by it."""

    max_events: int = 1
    """Most events in one `deliver` call."""
    max_bytes: int = 1 << 20
    """Most bytes of event JSON in one `deliver` call."""
    idempotent: bool = False
    """The far end drops a second copy with the same idempotence key."""
    events_per_second: float | None = None
    """The far end's own rate limit, if it publishes one."""
    ordered: bool = True
    """A failing event holds back later ones of the same person."""


class Destination(Protocol):
    """A far end that events are delivered to. Found by the entry point `sojourn.destinations`."""

    capabilities: Capabilities

    async def deliver(self, batch: Sequence[Mapping[str, Any]]) -> Sequence[Outcome]:
        """Deliver decoded events; one outcome per event, in order. Never raises for the far end."""
        ...

    async def forget(self, users: Sequence[Mapping[str, Any]]) -> Outcome:
        """Ask the far end to delete these users (`{"userId": …, …}` each)."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True)
class Batch:
    """Events of one source from one log entry, as the processor wrote them."""

    source_id: str
    received_at: int
    """Milliseconds since the Unix epoch."""
    events: Sequence[bytes] = field(default_factory=tuple)
    """One JSON object each, UTF-8, without a line feed."""


@dataclass(frozen=True)
class Loaded:
    """What a load did: events read, rows new to the tables, rows that were there already."""

    events: int = 0
    inserted: int = 0
    duplicates: int = 0
    discarded: int = 0
    """Values that did not fit their column; they are in `rudder_discards`."""
    aside: Sequence[DeadLetter] = ()
    """Events that no table can take, for the caller to bury."""


class Tables(Protocol):
    """A far end that is made of tables: the warehouse."""

    def load(self, batches: Sequence[Batch]) -> Loaded:
        """Load events and renew the sessions that they touch, in one transaction, idempotently."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class SessionModel(Protocol):
    """Keeps the `sessions` and `session_events` tables, inside the transaction of a load."""

    def update(self, connection: Any, source_id: str, events: Sequence[Mapping[str, Any]]) -> int:
        """Take in decoded events of `source_id` and renew exactly the sessions that they touch.

        Returns how many sessions were made anew.
        """
        ...


@dataclass(frozen=True)
class Parameter:
    """One parameter of a report: given as text, by CLI option, query string or MCP argument."""

    name: str
    help: str
    default: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class ReportSpec:
    """What a report is: its name, what its figures mean, and what it can be asked."""

    name: str
    title: str
    definition: str
    parameters: Sequence[Parameter] = ()


@dataclass(frozen=True)
class Report:
    """The answer of a report: a table, and where each figure comes from.

    `sessions` has one entry per row: the parameters of the report `sessions` that list exactly
    the sessions behind that row, or None where a row stands for no set of sessions.
    `extra` holds what does not fit a table (totals, chart data), as JSON values.
    """

    spec: ReportSpec
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    sessions: Sequence[Mapping[str, str] | None] = ()
    sql: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class Reports(Protocol):
    """The insights, as the console, the CLI, the API and MCP see them."""

    def describe(self) -> Sequence[ReportSpec]:
        """All reports there are."""
        ...

    def run(self, name: str, parameters: Mapping[str, str]) -> Report:
        """Run one report. Raises `InvalidSettings` that names a wrong parameter and the fix."""
        ...


class Transport(Protocol):
    """How the SDK sends a body: `http.client` in a daemon thread, `fetch` in a browser, a fake."""

    def send(self, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Any:
        """Send one request; returns an object with `status`, `headers` and `body`."""
        ...


class SessionStore(Protocol):
    """Where the SDK keeps identity and session between runs."""

    def load(self) -> Mapping[str, Any]:
        """All stored values."""
        ...

    def save(self, changes: Mapping[str, Any]) -> None:
        """Write the changes in one atomic step; `None` removes a value."""
        ...
