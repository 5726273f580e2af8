"""Which tables RudderStack wrote, and how their rows become events again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from sojourn.core.events import clean_id, rudder_id
from sojourn.warehouse.history.places import PROPERTIES, TRAITS, Path, place_of
from sojourn.warehouse.transform import PROVIDERS
from sojourn.warehouse.transform.naming import Namer

KINDS: Mapping[str, str] = {
    "tracks": "track",
    "pages": "page",
    "screens": "screen",
    "identifies": "identify",
    "groups": "group",
    "aliases": "alias",
}
"""The tables that RudderStack has one of, and the calls they hold."""
USERS = "users"
_ESCAPED = {f"_{table}": kind for table, kind in KINDS.items() if table == "groups"}
_OF_AN_EVENT = frozenset(("id", "received_at", "event", "event_text"))
"""Every table of one event has these columns."""
_NEEDED = frozenset(("id", "received_at"))
_namer = Namer(PROVIDERS["duckdb"])
_decode = msgspec.json.Decoder(dict[str, Any]).decode

Row = Sequence[Any]


class Column(NamedTuple):
    """A column as the warehouse has it."""

    name: str
    type: str
    """int, float, boolean, datetime or string."""


@dataclass(frozen=True)
class Counted:
    """How many rows a table has within the bounds that were asked for."""

    rows: int
    first: str | None
    """When the first was received, ISO 8601."""
    last: str | None
    unusable: int
    """Rows without `id` or `received_at`."""


class HistoryTable:
    """One table, and its way back to events. `name` is as the warehouse has it."""

    def __init__(self, schema: str, name: str, columns: Iterable[Column]) -> None:
        self.schema = schema
        self.name = name
        self.columns = {column.name.lower(): column for column in columns}
        """By their plain name, in lower case."""
        if "_timestamp" in self.columns:  # a reserved word in data lakes
            self.columns.setdefault("timestamp", self.columns.pop("_timestamp"))
        self.plain = name.lower()
        self.kind = _kind_of(self.plain, self.columns)
        """The type of call; `users` for the table of users, empty for one of somebody else."""
        reserved = PROVIDERS["snowflake" if name.isupper() else "postgres"].reserved
        kind = "identify" if self.kind == USERS else self.kind
        paths = {column: place_of(kind, column, self.columns, reserved) for column in self.columns}
        if self.plain == "tracks":  # properties are never in it, what else is there is not ours
            paths = {
                column: path for column, path in paths.items() if path and path[0] != PROPERTIES
            }
        self._paths = {column: path for column, path in paths.items() if path is not None}

    @property
    def has_whole_events(self) -> bool:
        """Whether its rows hold the events as they were (`storeFullEvent`)."""
        return "rudder_event" in self.columns

    @property
    def is_of_one_event(self) -> bool:
        """Whether its rows are in `tracks` as well, with less in them."""
        return self.kind == "track" and self.plain != "tracks"

    def types(self) -> dict[str, str]:
        """The columns that its events will have in our tables, and their types in this one."""
        types = {}
        for column, path in self._paths.items():
            name = column
            if path[0] in (PROPERTIES, TRAITS):
                name = column_of(path[1])
            if name:
                types[name] = self.columns[column].type
        return types

    def maker(self, read: Sequence[str]) -> Callable[[Row], dict[str, Any]]:
        """What makes an event of a row whose values are those of the columns `read`."""
        groups: dict[Path, list[tuple[int, str]]] = {}
        for index, column in enumerate(read):
            path = self._paths.get(column)
            if path is not None:
                groups.setdefault(path[:-1], []).append((index, path[-1]))
        # An object comes before those within it.
        plan = [(path, groups[path]) for path in sorted(groups, key=len)]
        whole = read.index("rudder_event") if "rudder_event" in read else None

        def make(row: Row) -> dict[str, Any]:
            event: dict[str, Any] = {}
            if whole is not None and (sent := _whole_event(row[whole])) is not None:
                return sent
            for path, fields in plan:
                values = {key: v for index, key in fields if (v := row[index]) is not None}
                if values:
                    within = event
                    for key in path:
                        within = within.setdefault(key, {})
                    within.update(values)
            return event

        return make


def finished(event: dict[str, Any], kind: str, table: str) -> dict[str, Any]:
    """The event with what the processor sets: type, `rudderId`, the four times.

    `table`: the name of the event where its row does not tell.
    """
    event["type"] = kind
    if kind == "track" and not event.get("event") and table != "tracks":
        event["event"] = table
    anonymous_id, user_id = clean_id(event.get("anonymousId")), clean_id(event.get("userId"))
    event["rudderId"] = rudder_id(user_id, anonymous_id)
    received = event["receivedAt"]
    event.setdefault("originalTimestamp", event.get("timestamp", received))
    event.setdefault("sentAt", received)
    if "timestamp" not in event:
        event["timestamp"] = _corrected(received, event["sentAt"], event["originalTimestamp"])
    event.setdefault("context", {})
    return event


def joined(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One event of the rows that it has in several tables; the first says most."""
    event = dict(events[0])
    for other in events[1:]:
        event = {**other, **event}
        if context := other.get("context"):
            event["context"] = {**context, **event.get("context", {})}
    return event


def json_value(value: Any) -> Any:
    """A value that JSON can hold; None for what is no number."""
    if isinstance(value, Decimal):
        value = (
            int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
        )
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def event_table(name: str) -> str:
    """Our table for the event called `name`; empty if it has none."""
    return _namer.event_table(_namer.event_name(name))


def column_of(key: str) -> str:
    """Our column for a property or trait."""
    return _namer.column(key)


def _kind_of(plain: str, columns: Mapping[str, Column]) -> str:
    if not columns.keys() >= _NEEDED:
        return ""
    if plain == USERS:
        return USERS
    kind = KINDS.get(plain) or _ESCAPED.get(plain)
    if kind is not None:
        return kind
    return "track" if columns.keys() >= _OF_AN_EVENT else ""


def _whole_event(text: Any) -> dict[str, Any] | None:
    """The event as it was, where the row has it in `rudder_event`."""
    if not isinstance(text, str):
        return None
    try:
        event = _decode(text)
    except (msgspec.MsgspecError, ValueError):
        return None
    context = event.get("context")
    if "messageId" not in event or "receivedAt" not in event or not isinstance(context, dict):
        return None
    for name in ("sourceId", "sourceType", "destinationId", "destinationType"):
        context.pop(name, None)
    return event


def _corrected(received: str, sent: str, original: str) -> str:
    """The time of the call without the error of the sender's clock, as the processor has it."""
    try:
        moments = [datetime.fromisoformat(text) for text in (received, sent, original)]
        skew: timedelta = moments[1] - moments[2]
        at = (moments[0] - skew).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return received
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
