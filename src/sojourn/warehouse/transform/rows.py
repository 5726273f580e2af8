"""One event to the rows of its tables."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from sojourn.warehouse.transform.errors import UnusableEvent
from sojourn.warehouse.transform.identity import (
    MERGE_RULES_TABLE,
    Property,
    call_properties,
    merge_properties,
    merge_rule,
)
from sojourn.warehouse.transform.plan import CallPlan, Plan
from sojourn.warehouse.transform.providers import Provider, provider_of
from sojourn.warehouse.transform.settings import (
    ANY_WAREHOUSE,
    destination_settings,
    event_settings,
)
from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import (
    DATETIME,
    STRING,
    TEXT,
    is_blank,
    json_text,
    put,
)

MAX_COLUMNS = 1600
"""Most columns of a row, unless told otherwise; data lakes have no such limit."""
_PLANS_MAX = 64


class Row(NamedTuple):
    """One row for one table."""

    table: str
    values: dict[str, Any]
    """Column to value: text, int, float or bool. Times and JSON are text. No nulls."""
    types: dict[str, str]
    """Column to type; more columns than `values`: those that the load fills (`uuid_ts`)."""
    merge_rule: bool = False
    """The row is an identity rule, not a row of events."""


class Origin(NamedTuple):
    """What is known about an event beside the event. Make one per source."""

    source_id: str = ""
    source_type: str = ""
    source_category: str = ""
    destination_id: str = ""
    received_at: str = ""
    """ISO 8601; stands in for an event's `receivedAt` that is missing or no time."""
    record_id: Any = None
    """Of cloud sources: the record that the event was made of."""


NOWHERE = Origin()


class Transformer:
    """Turns events into rows, by RudderStack's rules, for one warehouse."""

    def __init__(
        self,
        provider: str = "duckdb",
        options: Mapping[str, Any] | None = None,
        *,
        id_resolution: bool = False,
        add_origin_to_context: bool = True,
        max_columns: int = MAX_COLUMNS,
    ) -> None:
        """`provider`: see `PROVIDERS`. `options`: the destination's settings by RudderStack's
        names (`skipTracksTable`, `jsonPaths`, …). `id_resolution`: also write identity rules,
        where the provider has them. `add_origin_to_context`: add the columns
        `context_source_id`, `_source_type`, `_destination_id`, `_destination_type`.

        Raises `InvalidSettings` for a provider that there is not.
        """
        self.provider: Provider = provider_of(provider)
        self.settings = destination_settings(options or {})
        self.id_resolution = id_resolution and self.provider.merge_rules
        self.add_origin_to_context = add_origin_to_context
        self.max_columns = max_columns if self.provider.max_row_columns else None
        self._plans: dict[Any, Plan] = {}

    def rows(self, event: dict[str, Any], origin: Origin = NOWHERE) -> list[Row]:
        """The rows of one event (decoded JSON, as the processor wrote it), in order.

        Raises `UnusableEvent` for a type that there is not, a context that is no object, too
        many columns, nesting too deep, or an identity rule that lacks an id.
        """
        try:
            rows = self._rows(event, origin)
        except RecursionError:
            raise UnusableEvent("the event is nested too deeply") from None
        if self.max_columns is not None:
            for row in rows:
                if len(row.types) > self.max_columns:
                    raise UnusableEvent(
                        f"{self.provider.name} transformer: Too many columns outputted from the event"
                    )
        return rows

    def _rows(self, event: dict[str, Any], origin: Origin) -> list[Row]:
        kind = event.get("type")
        plan = self._plan(event, origin)
        call = plan.calls.get(kind) if isinstance(kind, str) else None
        if call is None:
            if kind == "merge":
                return self._merge_rows(plan, merge_properties(event)) if self.id_resolution else []
            raise UnusableEvent(f"Unknown event type: {json_text(kind or '')}")
        if kind == "track":
            return self._track_rows(plan, call, event, origin)
        if kind == "identify":
            return self._identify_rows(plan, call, event, origin)
        return self._plain_rows(plan, call, event, origin)

    def _plan(self, event: dict[str, Any], origin: Origin) -> Plan:
        integrations = event.get("integrations")
        cloud = origin.source_category == "cloud"
        settings = self.settings
        if integrations and (self.provider.type in integrations or ANY_WAREHOUSE in integrations):
            settings = event_settings(settings, self.provider, integrations)
        key = cloud if settings is self.settings else (cloud, settings)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            plan = self._plans[key] = Plan(self.provider, settings, cloud)
        return plan

    def _common(
        self, plan: Plan, call: CallPlan, event: dict[str, Any], origin: Origin
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The context and the standard columns that all tables share."""
        context = event.get("context")
        if context is None:
            context = {}
        elif type(context) is not dict:
            raise UnusableEvent("context is not a map", status=500)
        if self.add_origin_to_context:
            context = {**context, **self._origin(origin)}
        values, types = call.context.flatten(context)
        get = event.get
        request_ip, passed_ip = get("request_ip"), context.get("ip")
        put(values, types, plan.channel, get("channel"))
        put(values, types, plan.context_request_ip, request_ip)
        put(values, types, plan.context_passed_ip, passed_ip)
        put(values, types, plan.context_ip, request_ip if is_blank(passed_ip) else passed_ip)
        received = get("receivedAt")
        time = KNOWN_TIMES[received] if type(received) is str else None
        values[plan.received_at] = time or origin.received_at
        types[plan.received_at] = DATETIME
        return values, types

    def _origin(self, origin: Origin) -> dict[str, Any]:
        return {
            "sourceId": origin.source_id,
            "sourceType": origin.source_type,
            "destinationId": origin.destination_id,
            "destinationType": self.provider.type,
        }

    def _times(
        self, plan: Plan, event: dict[str, Any], values: dict[str, Any], types: dict[str, str]
    ) -> None:
        put(values, types, plan.sent_at, event.get("sentAt"))
        put(values, types, plan.timestamp, event.get("timestamp"))
        put(values, types, plan.original_timestamp, event.get("originalTimestamp"))

    def _standard(
        self, plan: Plan, event: dict[str, Any], values: dict[str, Any], types: dict[str, str]
    ) -> None:
        """Ids and times of every table but `users`."""
        message_id = event.get("messageId")
        if is_blank(message_id):
            message_id = f"auto-{uuid.uuid4()}"
        put(values, types, plan.id, message_id)
        put(values, types, plan.anonymous_id, event.get("anonymousId"))
        put(values, types, plan.user_id, event.get("userId"))
        self._times(plan, event, values, types)

    def _finish(self, plan: Plan, table: str, values: dict[str, Any], types: dict[str, str]) -> Row:
        for name in plan.load_times:
            types.setdefault(name, DATETIME)
        longest = self.provider.long_text
        if longest:
            for name, value in values.items():
                if (
                    types[name] == STRING
                    and len(value) * 2 > longest
                    and len(value.encode("utf-16-le", "surrogatepass")) > longest * 2
                ):
                    types[name] = TEXT
        return Row(table, values, types)

    def _full_event(
        self, plan: Plan, event: dict[str, Any], origin: Origin,
        values: dict[str, Any], types: dict[str, str],
    ) -> None:  # fmt: skip
        if not plan.settings.full_event:
            return
        whole = dict(event)
        if self.add_origin_to_context:
            whole["context"] = {**(event.get("context") or {}), **self._origin(origin)}
        values[plan.rudder_event] = json_text(whole)
        types[plan.rudder_event] = self.provider.full_event_type

    def _track_rows(
        self, plan: Plan, call: CallPlan, event: dict[str, Any], origin: Origin
    ) -> list[Row]:
        values, types = self._common(plan, call, event, origin)
        self._standard(plan, event, values, types)
        name = event.get("event")
        text = name if type(name) is str else ""
        event_column, event_text, record_id = call.own
        values[event_column] = plan.namer.event_name(text)
        types[event_column] = STRING
        put(values, types, event_text, name)
        rows = []
        table = plan.namer.event_table(text)
        if table:
            own, own_types = call.properties.flatten(event.get("properties"))
            more, more_types = call.user_properties.flatten(event.get("userProperties"))
            row = {**own, **more, **values}
            rows.append(self._finish(plan, table, row, {**own_types, **more_types, **types}))
        if not plan.settings.skip_tracks:
            put(values, types, record_id, origin.record_id)
            self._full_event(plan, event, origin, values, types)
            rows.insert(0, self._finish(plan, call.table, values, types))
        if self.id_resolution:
            rows += self._merge_rows(plan, call_properties("track", event))
        return rows

    def _identify_rows(
        self, plan: Plan, call: CallPlan, event: dict[str, Any], origin: Origin
    ) -> list[Row]:
        common, common_types = self._common(plan, call, event, origin)
        values, types = call.user_properties.flatten(event.get("userProperties"))
        if plan.settings.users_context_traits:
            traits = (event.get("context") or {}).get("traits")
            more, more_types = call.context_traits.flatten(traits)
            values.update(more)
            types.update(more_types)
        more, more_types = call.traits.flatten(event.get("traits"))
        values = {**values, **more, **common}
        types = {**types, **more_types, **common_types}
        user, user_types = dict(values), dict(types)
        self._standard(plan, event, values, types)
        self._full_event(plan, event, origin, values, types)
        rows = [self._finish(plan, call.table, values, types)]
        if self.id_resolution:
            rows += self._merge_rows(plan, call_properties("identify", event))
        user_id = event.get("userId")
        if plan.settings.skip_users or not self.provider.users_table or is_blank(user_id):
            return rows
        user.pop(plan.channel, None)
        user_types.pop(plan.channel, None)
        put(user, user_types, plan.id, user_id)
        if self.provider.users_times:
            self._times(plan, event, user, user_types)
        rows.append(self._finish(plan, plan.users, user, user_types))
        return rows

    def _plain_rows(
        self, plan: Plan, call: CallPlan, event: dict[str, Any], origin: Origin
    ) -> list[Row]:
        """Page, screen, group and alias: one row."""
        common, common_types = self._common(plan, call, event, origin)
        self._standard(plan, event, common, common_types)
        get = event.get
        if call.call == "group" or call.call == "alias":
            values, types = call.traits.flatten(get("traits"))
            own = get("groupId") if call.call == "group" else get("previousId")
        else:
            properties = get("properties")
            values, types = call.properties.flatten(properties)
            own = get("name")
            if is_blank(own) and isinstance(properties, dict):
                own = properties.get("name")
        put(common, common_types, call.own[0], own)
        self._full_event(plan, event, origin, common, common_types)
        rows = [self._finish(plan, call.table, {**values, **common}, {**types, **common_types})]
        if self.id_resolution:
            rows += self._merge_rows(plan, call_properties(call.call, event))
        return rows

    def _merge_rows(self, plan: Plan, properties: list[Property]) -> list[Row]:
        if not properties:
            return []
        values = {plan.name(name): value for name, value in merge_rule(properties).items()}
        types = dict.fromkeys(values, STRING)
        return [Row(plan.name(MERGE_RULES_TABLE), values, types, merge_rule=True)]
