"""The rows of each type of event.

Every row is made in the same order: what the event says of itself (properties, traits), then
its context, then the columns that RudderStack fills; the later beats the earlier.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sojourn.warehouse.transform.errors import UnusableEvent
from sojourn.warehouse.transform.identity import (
    MERGE_RULES_TABLE,
    Property,
    as_text,
    call_properties,
    merge_rule,
)
from sojourn.warehouse.transform.model import Origin, Row, Types, Values
from sojourn.warehouse.transform.plan import CallPlan, Plan
from sojourn.warehouse.transform.spread import join_spread
from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import (
    DATETIME,
    STRING,
    TIME_MAX,
    is_blank,
    json_text,
    mark_long_text,
    put,
    put_fields,
    put_scalar,
)

RECORD_ID_CATEGORIES = frozenset(("cloud", "singer-protocol"))
"""Source categories whose events carry the id of the record that they were made of."""


class Subject:
    """An event on its way into rows, with what is known about it."""

    __slots__ = ("added", "call", "context", "event", "merge_rules", "message_id", "origin", "plan",
                 "received_at")  # fmt: skip

    def __init__(
        self,
        plan: Plan,
        call: CallPlan,
        event: dict[str, Any],
        context: dict[str, Any],
        origin: Origin,
        added: dict[str, Any],
        merge_rules: bool,
    ) -> None:
        """`context` is the event's, `added` goes into it; `merge_rules`: identity rules are
        wanted."""
        self.plan = plan
        self.call = call
        self.event = event
        self.origin = origin
        self.added = added
        self.merge_rules = merge_rules
        self.context = context
        message_id = event.get("messageId")
        self.message_id = f"auto-{uuid.uuid4()}" if is_blank(message_id) else message_id
        received = event.get("receivedAt")
        time = None
        if type(received) is str and len(received) < TIME_MAX:
            time = KNOWN_TIMES[received]
        self.received_at = time or origin.received_at or _now()

    def flat_context(self) -> tuple[Values, Types]:
        """The context with what is added to it, flattened."""
        context = {**self.context, **self.added}
        traits = context.get("traits")
        if type(traits) is dict and (text := join_spread(traits)) is not None:
            context["traits"] = text
        return self.call.context.flatten(context)

    def put_addresses(self, values: Values, types: Types) -> None:
        """The columns `context_passed_ip` and `context_ip`."""
        plan = self.plan
        passed = self.context.get("ip")
        put_scalar(values, types, plan.context_passed_ip, passed)
        address = self.event.get("request_ip") if is_blank(passed) else passed
        put_scalar(values, types, plan.context_ip, address)

    def put_standard(self, values: Values, types: Types) -> None:
        """The columns of all tables but `users`."""
        plan = self.plan
        put(values, types, plan.id, self.message_id)
        put(values, types, plan.received_at, self.received_at)
        put_fields(values, types, plan.standard_fields, self.event)
        self.put_addresses(values, types)

    def put_whole_event(self, values: Values, types: Types) -> None:
        """The column `rudder_event`, if it is wanted."""
        plan = self.plan
        if plan.settings.full_event:
            whole = self.event
            if self.added:
                whole = {**whole, "context": {**self.context, **self.added}}
            values[plan.rudder_event] = json_text(whole)
            types[plan.rudder_event] = plan.provider.full_event_type

    def row(self, table: str, values: Values, types: Types) -> Row:
        """The finished row, with the types of the columns that the load fills."""
        plan = self.plan
        for name in plan.load_times:
            types.setdefault(name, DATETIME)
        if plan.provider.long_text:
            mark_long_text(values, types, plan.provider.long_text)
        return Row(table, values, types)

    def rules(self) -> list[Row]:
        """The identity rule of the event: one row or none."""
        if not self.merge_rules:
            return []
        properties = call_properties(self.call.type, self.event)
        return [merge_rule_row(self.plan, properties)] if properties else []

    def record_id(self) -> Any:
        """The record of a cloud source's event, None if it has none of its own.

        Raises `UnusableEvent` where there should be one.
        """
        if self.origin.source_category.lower() not in RECORD_ID_CATEGORIES:
            return None
        sources = self.context.get("sources")
        if not isinstance(sources, dict) or is_blank(sources.get("version")):
            return None
        return known_record_id(self.origin)


def track(subject: Subject) -> list[Row]:
    """`tracks`, then the event's own table."""
    plan, call, event = subject.plan, subject.call, subject.event
    values, types = subject.flat_context()
    subject.put_standard(values, types)
    event_column, text_column, record_column = call.own
    put_scalar(values, types, text_column, event.get("event"))
    name, table = plan.event_names(values.get(text_column))
    values[event_column] = name
    types[event_column] = STRING
    skip_tracks = plan.settings.skip_tracks
    record_id = subject.record_id() if table or not skip_tracks else None
    rows = []
    if table:
        own, own_types = call.properties.flatten(event.get("properties"))
        if user := event.get("userProperties"):
            more, more_types = call.user_properties.flatten(user)
            own.update(more)
            own_types.update(more_types)
        own, own_types = _beaten(own, values), _beaten(own_types, types)
        if record_id is not None:
            put_scalar(own, own_types, plan.id, record_id)
        rows.append(subject.row(table, own, own_types))
    if not skip_tracks:
        if record_id is not None:
            put(values, types, record_column, as_text(record_id))
        subject.put_whole_event(values, types)
        rows.insert(0, subject.row(call.table, values, types))
    return rows + subject.rules() if table else rows


def _beaten(own: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """Both together; `common` wins. (Adding the few to a copy of the many is faster.)"""
    if own.keys().isdisjoint(common):
        both = common.copy()
        both.update(own)
        return both
    return {**own, **common}


def identify(subject: Subject) -> list[Row]:
    """`identifies`, the identity rule, then `users`."""
    plan, call, event = subject.plan, subject.call, subject.event
    values, types = call.user_properties.flatten(event.get("userProperties"))
    parts = [call.traits.flatten(event.get("traits")), subject.flat_context()]
    if plan.settings.users_context_traits:
        traits = subject.context.get("traits")
        if type(traits) is dict and join_spread(traits) is None:
            parts.insert(0, call.context_traits.flatten(traits))
    for more, more_types in parts:
        values.update(more)
        types.update(more_types)
    user, user_types = values.copy(), types.copy()
    subject.put_standard(values, types)
    subject.put_whole_event(values, types)
    rows = [subject.row(call.table, values, types), *subject.rules()]
    user_id = event.get("userId")
    wanted = plan.provider.users_table and not plan.settings.skip_users
    if wanted and not isinstance(user_id, list | dict) and as_text(user_id).strip():
        put_scalar(user, user_types, plan.id, user_id)
        put(user, user_types, plan.received_at, subject.received_at)
        put_fields(user, user_types, plan.users_fields, event)
        subject.put_addresses(user, user_types)
        rows.append(subject.row(plan.users, user, user_types))
    return rows


def view(subject: Subject) -> list[Row]:
    """Page and screen: one row, with a name."""
    properties, name = subject.event.get("properties"), subject.event.get("name")
    if is_blank(name) and type(properties) is dict:
        name = properties.get("name")
    return _one_row(subject, subject.call.properties.flatten(properties), name)


def group(subject: Subject) -> list[Row]:
    """One row, with the group's id. Traits that are a text spread over indices are dropped."""
    traits = subject.event.get("traits")
    if type(traits) is dict and join_spread(traits) is not None:
        traits = None
    own = subject.call.traits.flatten(traits)
    return _one_row(subject, own, subject.event.get("groupId"))


def alias(subject: Subject) -> list[Row]:
    """One row, with the id that the user had."""
    own = subject.call.traits.flatten(subject.event.get("traits"))
    return _one_row(subject, own, subject.event.get("previousId"))


def _one_row(subject: Subject, own: tuple[Values, Types], own_value: Any) -> list[Row]:
    call = subject.call
    values, types = own
    context, context_types = subject.flat_context()
    values.update(context)
    types.update(context_types)
    subject.put_standard(values, types)
    put_scalar(values, types, call.own[0], own_value)
    subject.put_whole_event(values, types)
    return [subject.row(call.table, values, types), *subject.rules()]


def extract(subject: Subject) -> list[Row]:
    """A record of a cloud source: one row in the table that the event names."""
    plan, call, event = subject.plan, subject.call, subject.event
    values, types = call.properties.flatten(event.get("properties"))
    context, context_types = subject.flat_context()
    values.update(context)
    types.update(context_types)
    put_scalar(values, types, plan.id, known_record_id(subject.origin))
    put(values, types, plan.received_at, subject.received_at)
    put_scalar(values, types, call.own[0], event.get("event"))
    _, table = plan.event_names(values.get(call.own[0]))
    if not table:
        raise UnusableEvent(
            "cannot create event table with empty event name, event name is missing in the payload"
        )
    return [subject.row(table, values, types)]


BY_TYPE: Mapping[str, Callable[[Subject], list[Row]]] = {
    "track": track,
    "identify": identify,
    "page": view,
    "screen": view,
    "group": group,
    "alias": alias,
    "extract": extract,
}
"""The function that makes the rows, by type of event."""


def merge_rule_row(plan: Plan, properties: list[Property]) -> Row:
    """The row of an identity rule."""
    safe = plan.namer.safe
    values = {safe(name): value for name, value in merge_rule(properties).items()}
    return Row(safe(MERGE_RULES_TABLE), values, dict.fromkeys(values, STRING), merge_rule=True)


def of_a_pipeline(event: dict[str, Any]) -> bool:
    """A cloud source's pipeline made the event; its tables have as many columns as they have."""
    return event.get("channel") == "sources"


def known_record_id(origin: Origin) -> Any:
    """The record id. Raises `UnusableEvent` if there is none, or it is an object or a list."""
    record_id = origin.record_id
    if is_blank(record_id):
        raise UnusableEvent("recordId cannot be empty for cloud sources events")
    if isinstance(record_id, dict | list):
        raise UnusableEvent("recordId cannot be an object or a list for cloud sources events")
    return record_id


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
