"""Everything about rows that can be known before an event is seen, per provider and settings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from sojourn.warehouse.transform.flatten import Path, Tree
from sojourn.warehouse.transform.naming import Namer
from sojourn.warehouse.transform.providers import Provider
from sojourn.warehouse.transform.settings import Settings

CLOUD_DEPTH = 3
"""Levels of objects that events of a cloud source are flattened to."""

EVENT_NAMES_MAX = 10_000
"""Names of events that are remembered at most."""
EVENT_NAME_LENGTH = 200
"""Longer ones are not remembered."""

_IDS = (("anonymous_id", "anonymousId"), ("user_id", "userId"), ("channel", "channel"))
_TIMES = (
    ("sent_at", "sentAt"),
    ("timestamp", "timestamp"),
    ("original_timestamp", "originalTimestamp"),
)
_REQUEST_IP = (("context_request_ip", "request_ip"),)
_STANDARD = (
    "id",
    "received_at",
    "context_ip",
    "context_passed_ip",
    *(column for column, _ in _IDS + _TIMES + _REQUEST_IP),
)


class Call(NamedTuple):
    """One type of event: the table its rows go to and the columns that only it has."""

    type: str
    table: str
    own: tuple[str, ...] = ()
    standard: tuple[str, ...] = _STANDARD
    """Its other columns. What an event calls like one of all these is dropped."""


CALLS = {
    call.type: call
    for call in (
        Call("track", "tracks", ("event", "event_text", "record_id")),
        Call("identify", "identifies"),
        Call("page", "pages", ("name",)),
        Call("screen", "screens", ("name",)),
        Call("group", "groups", ("group_id",)),
        Call("alias", "aliases", ("previous_id",)),
        Call("extract", "", ("event",), ("id", "received_at")),
    )
}


class CallPlan:
    """Table, columns and trees of one type of event."""

    def __init__(self, plan: Plan, call: Call) -> None:
        self._plan = plan
        self._call = call
        self._dropped = {plan.provider.cased(column) for column in call.own + call.standard}
        self.type = call.type
        self.table = plan.namer.safe(call.table)
        self.own = tuple(plan.namer.safe(column) for column in call.own)

    @cached_property
    def context(self) -> Tree:
        """`context`."""
        return self._tree("context", prefix="context_")

    @cached_property
    def properties(self) -> Tree:
        """`properties` of a track, page or screen."""
        return self._tree("properties")

    @cached_property
    def user_properties(self) -> Tree:
        """`userProperties` of a track or identify."""
        return self._tree("userProperties")

    @cached_property
    def traits(self) -> Tree:
        """`traits` of an identify, group or alias."""
        return self._tree("traits")

    @cached_property
    def context_traits(self) -> Tree:
        """`context.traits` of an identify, as traits of the user."""
        return self._tree("context.traits")

    def _tree(self, part: str, prefix: str = "") -> Tree:
        plan = self._plan
        return Tree(
            plan.namer.column,
            prefix,
            self._dropped,
            json_paths=self._json_paths(part),
            json_type=plan.provider.json_type,
            depth=CLOUD_DEPTH if plan.cloud else None,
        )

    def _json_paths(self, part: str) -> Iterable[Path]:
        """The paths within `part` whose values stay JSON: `track.properties.a`; on the
        properties of a track also the bare `a`."""
        if not self._plan.provider.json_paths:
            return
        start = (self.type, *part.split("."))
        for text in self._plan.settings.json_paths:
            path = tuple(text.split("."))
            bare = len(path) == 1 or path[0].lower() not in CALLS
            if bare and self.type == "track" and part != "context":
                yield path
            elif len(path) > len(start) and path[: len(start)] == start:
                yield path[len(start) :]


class Plan:
    """The plans of all types of events for one provider and settings."""

    def __init__(self, provider: Provider, settings: Settings, cloud: bool) -> None:
        """`cloud`: the source is of that category."""
        self.provider = provider
        self.settings = settings
        self.cloud = cloud
        self.namer = Namer(provider, settings.names)
        safe = self.namer.safe
        self.id = safe("id")
        self.received_at = safe("received_at")
        self.context_ip = safe("context_ip")
        self.context_passed_ip = safe("context_passed_ip")
        self.rudder_event = safe("rudder_event")
        self.users = safe("users")
        self.load_times = tuple(safe(column) for column in provider.load_times)
        self.standard_fields = self._fields(_IDS + _REQUEST_IP + _TIMES)
        self.users_fields = self._fields(_REQUEST_IP + (_TIMES if provider.users_times else ()))
        self.calls = {call.type: CallPlan(self, call) for call in CALLS.values()}
        self._event_names: dict[str, tuple[str, str]] = {}

    def _fields(self, fields: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((self.namer.safe(column), key) for column, key in fields)

    def event_names(self, event: Any) -> tuple[str, str]:
        """The value of the column `event` and the event's table; both may be empty."""
        if not isinstance(event, str):
            return "", ""
        names = self._event_names.get(event)
        if names is None:
            name = self.namer.event_name(event)
            names = (name, self.namer.event_table(name))
            if len(event) <= EVENT_NAME_LENGTH:
                if len(self._event_names) >= EVENT_NAMES_MAX:
                    self._event_names.clear()
                self._event_names[event] = names
        return names
