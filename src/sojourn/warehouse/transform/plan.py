"""Everything about rows that can be known before an event is seen, per provider and settings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from sojourn.warehouse.transform.flatten import Path, Tree
from sojourn.warehouse.transform.naming import Namer
from sojourn.warehouse.transform.providers import Provider
from sojourn.warehouse.transform.settings import Settings

CLOUD_DEPTH = 3
"""Levels of objects that events of a cloud source are flattened to."""

STANDARD = (
    "id", "anonymous_id", "user_id", "received_at", "sent_at", "timestamp", "original_timestamp",
    "channel", "context_ip", "context_passed_ip", "context_request_ip",
)  # fmt: skip
"""Columns of every table but `users`."""

OWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "track": ("event", "event_text", "record_id"),
    "identify": (),
    "page": ("name",),
    "screen": ("name",),
    "group": ("group_id",),
    "alias": ("previous_id",),
}
"""Columns that a call adds. What is called like a standard or an own column is dropped."""

TABLES = {
    "track": "tracks",
    "identify": "identifies",
    "page": "pages",
    "screen": "screens",
    "group": "groups",
    "alias": "aliases",
}


class CallPlan:
    """Table, columns and trees of one call."""

    def __init__(self, plan: Plan, call: str) -> None:
        self._plan = plan
        self.call = call
        self.table = plan.name(TABLES[call])
        self.own = tuple(plan.name(column) for column in OWN_COLUMNS[call])

    @cached_property
    def context(self) -> Tree:
        """`context`."""
        return self._tree("context", prefix="context_")

    @cached_property
    def properties(self) -> Tree:
        """`properties` of a track, page or screen."""
        return self._tree("properties", dropped=True)

    @cached_property
    def user_properties(self) -> Tree:
        """`userProperties` of a track or identify."""
        return self._tree("userProperties", dropped=True)

    @cached_property
    def traits(self) -> Tree:
        """`traits` of an identify, group or alias."""
        return self._tree("traits", dropped=True)

    @cached_property
    def context_traits(self) -> Tree:
        """`context.traits` of an identify, as traits of the user."""
        return self._tree("context.traits", dropped=True)

    def _tree(self, part: str, prefix: str = "", dropped: bool = False) -> Tree:
        plan = self._plan
        return Tree(
            plan.namer.column,
            prefix,
            dropped={plan.name(c) for c in STANDARD + OWN_COLUMNS[self.call]} if dropped else (),
            json_paths=plan.json_paths(self.call, part),
            depth=plan.depth,
        )


class Plan:
    """The plans of all calls for one provider and settings."""

    def __init__(self, provider: Provider, settings: Settings, cloud: bool) -> None:
        self.provider = provider
        self.settings = settings
        self.depth = CLOUD_DEPTH if cloud else None
        self.namer = Namer(provider, settings.names)
        self.name = self.namer.safe
        (
            self.id, self.anonymous_id, self.user_id, self.received_at, self.sent_at,
            self.timestamp, self.original_timestamp, self.channel,
            self.context_ip, self.context_passed_ip, self.context_request_ip,
        ) = (self.name(column) for column in STANDARD)  # fmt: skip
        self.rudder_event = self.name("rudder_event")
        self.users = self.name("users")
        self.load_times = tuple(self.name(column) for column in provider.load_times)
        self.calls = {call: CallPlan(self, call) for call in TABLES}

    def json_paths(self, call: str, part: str) -> Iterable[Path]:
        """The paths within `part` of a `call` whose values stay JSON."""
        if not self.provider.json_paths:
            return
        start = (call, *part.split("."))
        for text in self.settings.json_paths:
            path = tuple(text.split("."))
            if path[: len(start)] == start:
                if len(path) > len(start):
                    yield path[len(start) :]
            elif call == "track" and part == "properties" and path[0] not in TABLES:
                yield path
