"""The `Client` of rudder-sdk-python, on Sojourn's."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Optional

from sojourn.core.session import EVENT
from sojourn.sdk.client import Client as SojournClient
from sojourn.sdk.ids import new_id
from sojourn.sdk.options import Delivery, QueueLimits
from sojourn.sdk.wire import dumps

ID_TYPES = (numbers.Number, str)
_WAIT = 10.0


class Client:
    """Sends events whose persons the caller names. Raises `AssertionError` for misuse, as there."""

    class DefaultConfig:
        """The defaults of the constructor."""

        write_key = None
        host = None
        on_error = None
        debug = False
        send = True
        sync_mode = False
        max_queue_size = 10000
        gzip = True
        timeout = 15
        max_retries = 10
        proxies = None
        thread = 1
        upload_interval = 0.5
        upload_size = 100

    def __init__(
        self,
        write_key: Any = DefaultConfig.write_key,
        host: Optional[str] = DefaultConfig.host,
        debug: bool = DefaultConfig.debug,
        max_queue_size: int = DefaultConfig.max_queue_size,
        send: bool = DefaultConfig.send,
        on_error: Optional[Callable[[Exception, list[Any]], Any]] = DefaultConfig.on_error,
        gzip: bool = DefaultConfig.gzip,
        max_retries: int = DefaultConfig.max_retries,
        sync_mode: bool = DefaultConfig.sync_mode,
        timeout: float = DefaultConfig.timeout,
        proxies: Any = DefaultConfig.proxies,
        thread: int = DefaultConfig.thread,
        upload_size: int = DefaultConfig.upload_size,
        upload_interval: float = DefaultConfig.upload_interval,
    ) -> None:
        require("write_key", write_key, str)
        self.write_key = write_key
        self.host = host
        self.debug = debug
        self.send = send
        self.sync_mode = sync_mode
        self.on_error = on_error
        tries = (min(0.5 * 2**attempt, 60) for attempt in range(max_retries))
        self._client = _Sender(
            write_key,
            host or "http://localhost:8080",
            enabled=send,
            queue=QueueLimits(events=max_queue_size or 10**9, when_full="drop-new"),
            delivery=Delivery(upload_size, upload_interval, gzip, timeout, sum(tries)),
            transport=_proxied(host, proxies),
            on_error=self._failed,
        )

    def identify(
        self,
        user_id: Any = None,
        traits: Any = None,
        context: Any = None,
        timestamp: Any = None,
        anonymous_id: Any = None,
        integrations: Any = None,
        message_id: Any = None,
    ) -> tuple[bool, dict[str, Any]]:
        """Who a person is. Returns whether it was queued, and the event."""
        require("user_id or anonymous_id", user_id or anonymous_id, ID_TYPES)
        require("traits", traits or {}, dict)
        context = {**(context or {}), "traits": traits or {}}
        own: dict[str, Any] = {}
        return self._enqueue(
            "identify", own, user_id, anonymous_id, context, timestamp, integrations, message_id
        )

    def track(
        self,
        user_id: Any = None,
        event: Any = None,
        properties: Any = None,
        context: Any = None,
        timestamp: Any = None,
        anonymous_id: Any = None,
        integrations: Any = None,
        message_id: Any = None,
    ) -> tuple[bool, dict[str, Any]]:
        """Something happened."""
        require("user_id or anonymous_id", user_id or anonymous_id, ID_TYPES)
        require("properties", properties or {}, dict)
        require("event", event, str)
        own = {"event": event, "properties": properties or {}}
        return self._enqueue(
            "track", own, user_id, anonymous_id, context, timestamp, integrations, message_id
        )

    def alias(
        self,
        previous_id: Any = None,
        user_id: Any = None,
        context: Any = None,
        timestamp: Any = None,
        integrations: Any = None,
        message_id: Any = None,
    ) -> tuple[bool, dict[str, Any]]:
        """A new id for a person."""
        require("previous_id", previous_id, ID_TYPES)
        require("user_id", user_id, ID_TYPES)
        own = {"previousId": str(previous_id)}
        return self._enqueue(
            "alias", own, user_id, None, context, timestamp, integrations, message_id
        )

    def group(
        self,
        user_id: Any = None,
        group_id: Any = None,
        traits: Any = None,
        context: Any = None,
        timestamp: Any = None,
        anonymous_id: Any = None,
        integrations: Any = None,
        message_id: Any = None,
    ) -> tuple[bool, dict[str, Any]]:
        """A person belongs to a group."""
        require("user_id or anonymous_id", user_id or anonymous_id, ID_TYPES)
        require("group_id", group_id, ID_TYPES)
        require("traits", traits or {}, dict)
        own = {"groupId": str(group_id), "traits": traits or {}}
        return self._enqueue(
            "group", own, user_id, anonymous_id, context, timestamp, integrations, message_id
        )

    def page(
        self,
        user_id: Any = None,
        category: Any = None,
        name: Any = None,
        properties: Any = None,
        context: Any = None,
        timestamp: Any = None,
        anonymous_id: Any = None,
        integrations: Any = None,
        message_id: Any = None,
    ) -> tuple[bool, dict[str, Any]]:
        """A page was seen."""
        own = _view(user_id or anonymous_id, category, name, properties)
        return self._enqueue(
            "page", own, user_id, anonymous_id, context, timestamp, integrations, message_id
        )

    def screen(
        self,
        user_id: Any = None,
        category: Any = None,
        name: Any = None,
        properties: Any = None,
        context: Any = None,
        timestamp: Any = None,
        anonymous_id: Any = None,
        integrations: Any = None,
        message_id: Any = None,
    ) -> tuple[bool, dict[str, Any]]:
        """A screen of an application was seen."""
        own = _view(user_id or anonymous_id, category, name, properties)
        return self._enqueue(
            "screen", own, user_id, anonymous_id, context, timestamp, integrations, message_id
        )

    def _enqueue(
        self,
        kind: str,
        own: dict[str, Any],
        user_id: Any,
        anonymous_id: Any,
        context: Any,
        timestamp: Any,
        integrations: Any,
        message_id: Any,
    ) -> tuple[bool, dict[str, Any]]:
        moment = datetime.now(timezone.utc) if timestamp is None else timestamp
        require("integrations", integrations or {}, dict)
        require("timestamp", moment, datetime)
        require("context", context or {}, dict)
        message = {
            **own,
            "type": kind,
            "messageId": new_id() if message_id is None else str(message_id),
            "timestamp": moment.isoformat(),
            "userId": None if user_id is None else str(user_id),
            "anonymousId": None if anonymous_id is None else str(anonymous_id),
            "context": context or {},
            "integrations": integrations or {"All": True},
            "channel": "server",
        }
        accepted = self._client.queue(message, own, moment)
        if accepted and self.sync_mode:
            self._client.flush(_WAIT)
        return accepted or not self.send, message

    def _failed(self, error: Any) -> None:
        if self.on_error is not None:
            import json

            self.on_error(error, [json.loads(event) for event in error.events])

    def flush(self) -> None:
        """Send what is queued, and wait for it."""
        self._client.flush(_WAIT)

    def join(self) -> None:
        """Send what is queued, and end."""
        self._client.close(_WAIT)

    def shutdown(self) -> None:
        """Send what is queued, and end."""
        self._client.close(_WAIT)


class _Sender(SojournClient):
    """A client that takes events as rudder-sdk-python writes them."""

    def queue(self, message: dict[str, Any], own: dict[str, Any], moment: datetime) -> bool:
        """Queue an event; `own` are the members that only its type has."""
        options = {
            "user_id": message["userId"],
            "anonymous_id": message["anonymousId"],
            "context": message["context"],
            "integrations": message["integrations"],
            "timestamp": moment,
            "message_id": message["messageId"],
        }
        members = dumps(own)[1:-1]
        fields = f"{members}," if members else ""
        return self._emit(message["type"], fields, EVENT, options) is not None


def require(name: str, field: Any, data_type: Any) -> None:
    """Raise `AssertionError` unless the field is of the type."""
    if not isinstance(field, data_type):
        raise AssertionError(f"{name} must have {data_type}, got: {field}")


def _view(person: Any, category: Any, name: Any, properties: Any) -> dict[str, Any]:
    require("user_id or anonymous_id", person, ID_TYPES)
    require("properties", properties or {}, dict)
    own: dict[str, Any] = {"properties": properties or {}}
    for key, value in (("name", name), ("category", category)):
        if value:
            require(key, value, str)
            own[key] = value
    return own


def _proxied(host: Optional[str], proxies: Any) -> Any:
    if not proxies:
        return None
    from sojourn.sdk.transport import HTTPTransport

    return HTTPTransport(host or "", proxies=proxies)
