"""Mixpanel's events: track, page, screen and alias, for `/import/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sojourn.core.errors import InvalidEvent, InvalidSettings
from sojourn.destinations.mixpanel import limits
from sojourn.destinations.mixpanel.fields import map_event
from sojourn.destinations.mixpanel.identity import own
from sojourn.destinations.user_agent import parsed
from sojourn.destinations.values import child, epoch_ms, text, truthy

_INSERT_ID = 36
"""Longest `$insert_id`: that many characters from the end of the message id."""
_CATEGORY = r"{{\s*category\s*}}"
_NAME = r"{{\s*name\s*}}"


def track(
    event: Mapping[str, Any], *, token: Any, simplified: bool, drop_traits: bool, now_ms: int
) -> dict[str, Any]:
    """The event of a track. Raises `InvalidEvent`."""
    message_id = event.get("messageId")
    if truthy(message_id) and not isinstance(message_id, str):
        raise InvalidEvent("`messageId` must be a text")
    properties = dict(_object(event.get("properties")))
    if not drop_traits:
        properties |= _object(child(event.get("context"), "traits"))
    _common(event, properties, token, simplified, now_ms)
    limits.check_size(properties)
    payload = {"properties": properties}
    if "event" in event:
        payload["event"] = event["event"]
    return payload


def view(
    event: Mapping[str, Any], name: str, *, token: Any, simplified: bool, now_ms: int
) -> dict[str, Any]:
    """The event of a page or screen under the event name `name`. Raises `InvalidEvent`."""
    properties = dict(_object(child(event.get("context"), "traits")))
    properties |= _object(event.get("properties"))
    _common(event, properties, token, simplified, now_ms)
    for key in ("name", "category"):
        if truthy(event.get(key)):
            properties[key] = event[key]
    limits.check_size(properties)
    return {"event": name, "properties": properties}


def alias(event: Mapping[str, Any], token: Any, now_ms: int) -> dict[str, Any]:
    """The event that gives an id another name. Raises `InvalidEvent`."""
    previous = event.get("previousId")
    other = previous if truthy(previous) else event.get("anonymousId")
    if not truthy(other):
        raise InvalidEvent("an alias needs `previousId` or `anonymousId`")
    if other == event.get("userId"):
        raise InvalidEvent("`previousId` or `anonymousId` of an alias is the same as `userId`")
    limits.check_age(epoch_ms(event.get("timestamp")), now_ms)
    properties = {"distinct_id": other}
    if "userId" in event:
        properties["alias"] = event["userId"]
    if token is not None:
        properties["token"] = token
    return {"event": "$create_alias", "properties": properties}


def _object(value: Any) -> dict[str, Any]:
    return value if value.__class__ is dict else {}


def _common(
    event: Mapping[str, Any], out: dict[str, Any], token: Any, simplified: bool, now_ms: int
) -> None:
    """Write what every event carries, over what is there."""
    map_event(event, out)
    message_id = event.get("messageId")
    if message_id:
        out["$insert_id"] = message_id[-_INSERT_ID:] if isinstance(message_id, str) else message_id
    session = session_id(event)
    if session is not None:
        out["$session_id"] = session
    if token is not None:
        out["token"] = token
    out["time"] = _time(event, now_ms)
    out.pop("distinct_id", None)
    own(event, simplified, "distinct_id", out)
    context = event.get("context")
    if context.__class__ is dict:
        campaign = context.get("campaign")
        if campaign.__class__ is dict:
            for key, value in campaign.items():
                out["utm_campaign" if key == "name" else "utm_" + key] = value
        if event.get("channel") == "web":
            browser(context, out)
    if simplified:
        for target, key in (("$device_id", "anonymousId"), ("$user_id", "userId")):
            if key in event:
                out[target] = event[key]


def _time(event: Mapping[str, Any], now_ms: int) -> int | None:
    """When it happened, ms; null for what is no date. The age is judged by `timestamp` alone."""
    stamp = event.get("timestamp")
    if not stamp:
        return epoch_ms(event.get("originalTimestamp"))
    found = epoch_ms(stamp)
    limits.check_age(found, now_ms)
    return found


def browser(context: Mapping[str, Any], out: dict[str, Any]) -> None:
    """Write `$browser` and `$browser_version` where the user agent tells them."""
    user_agent = context.get("userAgent")
    if user_agent.__class__ is str and user_agent:
        agent = parsed(user_agent)
        for target, value in (("$browser", agent.browser), ("$browser_version", agent.version)):
            if value is None:
                out.pop(target, None)
            else:
                out[target] = value


def session_id(event: Mapping[str, Any]) -> str | None:
    """The session id as text: the root's, else the context's; 0 and false count."""
    for value in (event.get("session_id"), child(event.get("context"), "sessionId")):
        if value is not None and value != "":
            return text(value) or None
    return None


def templated(template: Any, event: Mapping[str, Any]) -> str:
    """The event name of a page or screen by its template. Raises `InvalidSettings`.

    A placeholder without a value goes where white space stands on both sides, else it stays.
    """
    if not isinstance(template, str) or not template:
        raise InvalidSettings("the template of the event names of pages or screens is missing")
    category = child(event.get("properties"), "category")
    for pattern, value in ((_CATEGORY, category), (_NAME, event.get("name"))):
        if value is None:
            template = re.sub(rf"\s{pattern}\s", " ", template)
        else:
            filled = text(value).replace("\\", r"\\")
            template = re.sub(pattern, filled, template)
    return str(template)
