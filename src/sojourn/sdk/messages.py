"""Events as JSON text, put together from members that are JSON already.

Nothing is written twice: what does not change between events is written once. The closing brace
is missing, since the time of sending goes to the end of each event.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional

from sojourn.sdk.identity import Stamp
from sojourn.sdk.ids import iso_ms
from sojourn.sdk.wire import dumps, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

BeforeSend = Callable[[dict[str, Any]], Optional[dict[str, Any]]]

_SESSION_KEYS = ("sessionId", "sessionStart")
_ALL = '{"All":true}'


class Messages:
    """Writes the events of one client. `context` is what all of them carry."""

    def __init__(self, channel: str, context: Mapping[str, Any]) -> None:
        self._channel = f'"channel":{escape(channel)},'
        self._context = dumps(dict(context))[1:-1]

    def usual(self, kind: str, message_id: str, now: int, fields: str, stamp: Stamp) -> str:
        """An event without options outside of scopes, at `now` (Unix ms)."""
        return (
            f'{{"type":"{kind}","messageId":"{message_id}","originalTimestamp":"{iso_ms(now)}",'
            f'{stamp.ids}{self._channel}{fields}"context":{{{self._context}{stamp.traits}'
            f'{stamp.session}}},"integrations":{_ALL}'
        )

    def special(
        self,
        kind: str,
        message_id: str,
        now: int,
        fields: str,
        stamp: Stamp,
        context: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> str:
        """An event with options or in a scope. `context` goes over the client's own.

        Session keys of the stamp win over those in `context`. Raises `TypeError`, `ValueError`.
        """
        own = f"{{{self._context}{stamp.traits}{stamp.session}}}"
        if context:
            ours = json.loads(own)
            kept = [key for key in _SESSION_KEYS if stamp.session and key in ours]
            theirs = dict(context)
            if stamp.session:
                for key in _SESSION_KEYS:
                    theirs.pop(key, None)
            own = dumps({**ours, **theirs, **{key: ours[key] for key in kept}})
        moment = _moment(options.get("timestamp"), now)
        integrations = options.get("integrations")
        return (
            f'{{"type":"{kind}","messageId":{escape(message_id)},"originalTimestamp":"{moment}",'
            f'{stamp.ids}{self._channel}{fields}"context":{own},'
            f'"integrations":{_ALL if integrations is None else dumps(dict(integrations))}'
        )


def _moment(timestamp: Any, now: int) -> str:
    if timestamp is None:
        return iso_ms(now)
    try:
        return iso_ms(round(timestamp.timestamp() * 1000))
    except (OverflowError, OSError) as error:
        raise ValueError(f"timestamp {timestamp!r:.80}: {error}") from error


def filtered(text: str, before_send: BeforeSend) -> Optional[str]:
    """The event (without its closing brace) as `before_send` leaves it; `None`: it is not sent.

    Raises what `before_send` raises, and `TypeError` if it returns something else.
    """
    event = before_send(json.loads(text + "}"))
    if event is None:
        return None
    if not isinstance(event, dict):
        raise TypeError(f"before_send must return a dict or None, not {type(event).__name__}")
    return dumps(event)[:-1]
