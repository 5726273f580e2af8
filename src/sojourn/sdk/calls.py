"""The six event calls of a client: they check, write JSON, and hand over to be stamped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Optional

from sojourn.core.session import EVENT, Alias, Event, Identify
from sojourn.sdk import checks
from sojourn.sdk.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from sojourn.core.session import Input
    from sojourn.sdk.options import CommonOptions, Options

_BLANK = Event(blank=True)


class Calls(ABC):
    """What makes events. Every call returns the `messageId`, or `None` if it was not accepted.

    No call waits for the network, changes what it is given, or raises: what is wrong is counted
    in `stats` and logged once. With `strict` misuse raises `TypeError` or `ValueError`.
    """

    @abstractmethod
    def _emit(
        self, kind: str, fields: str, given: Input, options: Mapping[str, Any], **more: Any
    ) -> Optional[str]:
        """Stamp and queue an event; `fields` are JSON members of its own, each with its comma."""

    @abstractmethod
    def _misuse(self, error: Exception) -> Optional[str]:
        """Raise the error if the client is strict, else count it and return None."""

    def track(
        self,
        event: str,
        properties: Optional[Mapping[str, Any]] = None,
        **options: Unpack[Options],
    ) -> Optional[str]:
        """Something happened: `track("Order Completed", {"revenue": 12.5})`."""
        try:
            name, own = checks.text(event, "event"), checks.members(properties, "properties")
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        fields = f'"event":{name},"properties":{own},'
        return self._emit("track", fields, EVENT if event else _BLANK, options)

    def page(
        self,
        name: Optional[str] = None,
        properties: Optional[Mapping[str, Any]] = None,
        *,
        category: Optional[str] = None,
        **options: Unpack[Options],
    ) -> Optional[str]:
        """A page was seen."""
        return self._view("page", name, category, properties, options)

    def screen(
        self,
        name: str,
        properties: Optional[Mapping[str, Any]] = None,
        *,
        category: Optional[str] = None,
        **options: Unpack[Options],
    ) -> Optional[str]:
        """A screen of an application was seen."""
        return self._view("screen", name, category, properties, options)

    def _view(
        self,
        kind: str,
        name: Optional[str],
        category: Optional[str],
        properties: Optional[Mapping[str, Any]],
        options: Mapping[str, Any],
    ) -> Optional[str]:
        try:
            shown = self._view_properties(kind)
            fields = ""
            if name is not None:
                fields = f'"name":{checks.text(name, "name")},'
                shown["name"] = name
            if category is not None:
                fields += f'"category":{checks.text(category, "category")},'
                shown["category"] = category
            checks.members(properties, "properties")
            shown.update(properties or {})
            fields += f'"properties":{checks.members(shown, "properties")},'
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        given = _BLANK if kind == "screen" and not name else EVENT
        return self._emit(kind, fields, given, options)

    def _view_properties(self, kind: str) -> dict[str, Any]:
        """What every page or screen call says; the browser knows the page."""
        return {}

    def identify(
        self,
        user_id: Optional[str] = None,
        traits: Optional[Mapping[str, Any]] = None,
        **options: Unpack[CommonOptions],
    ) -> Optional[str]:
        """The person is `user_id`; `traits` describe them, and are kept with the identity.

        Inside a scope the person is that scope's. On a server outside of scopes only this event
        carries the id.
        """
        try:
            if user_id is not None:
                user_id = checks.identifier(user_id, "user_id")
            checks.members(traits, "traits")
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        given = Identify(user_id, new_id())
        return self._emit("identify", "", given, options, traits=traits)

    def group(
        self,
        group_id: str,
        traits: Optional[Mapping[str, Any]] = None,
        **options: Unpack[Options],
    ) -> Optional[str]:
        """The person belongs to the group `group_id`, which `traits` describe."""
        try:
            group_id = checks.identifier(group_id, "group_id")
            fields = f'"groupId":{checks.text(group_id, "group_id")},'
            fields += f'"traits":{checks.members(traits, "traits")},'
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        return self._emit("group", fields, EVENT if group_id else _BLANK, options)

    def alias(
        self, user_id: str, previous_id: Optional[str] = None, **options: Unpack[CommonOptions]
    ) -> Optional[str]:
        """`user_id` is a new id of the person known as `previous_id` (default: as now)."""
        try:
            user_id = checks.identifier(user_id, "user_id")
            if previous_id is not None:
                previous_id = checks.identifier(previous_id, "previous_id")
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        return self._emit("alias", "", Alias(user_id), options, previous_id=previous_id)
