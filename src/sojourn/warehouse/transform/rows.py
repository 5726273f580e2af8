"""The transformer: one event to the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.warehouse.transform import calls
from sojourn.warehouse.transform.errors import UnusableEvent
from sojourn.warehouse.transform.identity import merge_properties
from sojourn.warehouse.transform.model import NOWHERE, Origin, Row
from sojourn.warehouse.transform.plan import Plan
from sojourn.warehouse.transform.providers import Provider, provider_of
from sojourn.warehouse.transform.settings import (
    ANY_WAREHOUSE,
    destination_settings,
    event_settings,
)
from sojourn.warehouse.transform.values import json_text

MAX_COLUMNS = 1600
"""Most columns of a row, unless told otherwise; data lakes have no such limit."""
_PLANS_MAX = 16


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
        self._origin = NOWHERE
        self._added = self._context_of(NOWHERE)

    def rows(self, event: dict[str, Any], origin: Origin = NOWHERE) -> list[Row]:
        """The rows of one event (decoded JSON, as the processor wrote it), in order.

        The rows of one call share nothing with later calls; an event is not changed.
        Raises `UnusableEvent` for a type that there is not, a context that is no object, too
        many columns, nesting too deep, a missing record id or an identity rule that lacks an id.
        """
        try:
            rows = self._rows(event, origin)
        except RecursionError:
            raise UnusableEvent("the event is nested too deeply") from None
        limit = self.max_columns
        if limit is not None:
            for row in rows:
                if len(row.types) > limit and not calls.of_a_pipeline(event):
                    raise UnusableEvent(
                        f"{self.provider.name} transformer: Too many columns outputted"
                        " from the event"
                    )
        return rows

    def _rows(self, event: dict[str, Any], origin: Origin) -> list[Row]:
        if origin is not self._origin:
            self._origin = origin
            self._added = self._context_of(origin)
        context = event.get("context")
        if type(context) is not dict:
            if context is not None and self.add_origin_to_context:
                raise UnusableEvent("context is not a map", status=500)
            context = {}
        plan = self._plan(event, origin)
        kind = event.get("type")
        name = kind.lower() if isinstance(kind, str) else ""
        call = plan.calls.get(name)
        if call is not None:
            subject = calls.Subject(
                plan, call, event, context, origin, self._added, self.id_resolution
            )
            return calls.BY_TYPE[name](subject)
        if name != "merge":
            raise UnusableEvent(f"Unknown event type: {json_text(name)}")
        if not self.id_resolution:
            return []
        return [calls.merge_rule_row(plan, merge_properties(event))]

    def _context_of(self, origin: Origin) -> dict[str, Any]:
        if not self.add_origin_to_context:
            return {}
        return {
            "sourceId": origin.source_id,
            "sourceType": origin.source_type,
            "destinationId": origin.destination_id,
            "destinationType": self.provider.type,
        }

    def _plan(self, event: dict[str, Any], origin: Origin) -> Plan:
        cloud = origin.source_category == "cloud"
        settings = self.settings
        integrations = event.get("integrations")
        if (
            integrations
            and isinstance(integrations, dict)
            and (self.provider.type in integrations or ANY_WAREHOUSE in integrations)
        ):
            settings = event_settings(settings, self.provider, integrations)
        key = cloud if settings is self.settings else (cloud, settings)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_MAX:
                self._plans.clear()
            plan = self._plans[key] = Plan(self.provider, settings, cloud)
        return plan
