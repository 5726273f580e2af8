"""The six event calls of a client: they check, write JSON, and hand over to be stamped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Optional

from sojourn.core.session import EVENT, Alias, Event, Identify
from sojourn.sdk.ids import new_id
from sojourn.sdk.wire import dumps, escape

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
            fields = f'"event":{_text(event, "event")},"properties":{_members(properties)},'
        except (TypeError, ValueError) as error:
            return self._misuse(error)
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
                fields = f'"name":{_text(name, "name")},'
                shown["name"] = name
            if category is not None:
                fields += f'"category":{_text(category, "category")},'
                shown["category"] = category
            fields += f'"properties":{_members({**shown, **(properties or {})})},'
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
                _text(user_id, "user_id")
            kept = dumps(traits) if traits else ""  # checked before anything changes
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        given = Identify(user_id, new_id())
        return self._emit("identify", "", given, options, traits=traits if kept else None)

    def group(
        self,
        group_id: str,
        traits: Optional[Mapping[str, Any]] = None,
        **options: Unpack[Options],
    ) -> Optional[str]:
        """The person belongs to the group `group_id`, which `traits` describe."""
        try:
            fields = f'"groupId":{_text(group_id, "group_id")},"traits":{_members(traits)},'
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        return self._emit("group", fields, EVENT if group_id else _BLANK, options)

    def alias(
        self, user_id: str, previous_id: Optional[str] = None, **options: Unpack[CommonOptions]
    ) -> Optional[str]:
        """`user_id` is a new id of the person known as `previous_id` (default: as now)."""
        try:
            _text(user_id, "user_id")
            if previous_id is not None:
                _text(previous_id, "previous_id")
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        return self._emit("alias", "", Alias(user_id), options, previous_id=previous_id)


def _text(value: Any, name: str) -> str:
    """A text as JSON. Raises `TypeError` that names the argument."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}: {value!r:.80}")
    return escape(value)


def _members(value: Optional[Mapping[str, Any]]) -> str:
    """A mapping as JSON. Raises `TypeError` and `ValueError`."""
    if not value:
        return "{}"
    text = dumps(value)
    if text[0] != "{":
        raise TypeError(f"properties and traits must be mappings, not {type(value).__name__}")
    return text
