"""How a call becomes an event: identity and session, context, queue."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from sojourn.core import session as machine
from sojourn.sdk import checks, exits
from sojourn.sdk.calls import Calls
from sojourn.sdk.identity import NOBODY, Stamp, ids_json, session_json
from sojourn.sdk.ids import forget_ids, new_id
from sojourn.sdk.messages import BeforeSend, filtered
from sojourn.sdk.notices import report
from sojourn.sdk.scope import Scope, current
from sojourn.sdk.wire import dumps

if TYPE_CHECKING:
    from sojourn.core.session import Input
    from sojourn.sdk.assembly import Parts
    from sojourn.sdk.identity import Identity

NAMELESS = "neither user_id nor anonymous_id: name the person, or enter a scope that does"


class Emitter(Calls):
    """The inside of a client."""

    def __init__(
        self, parts: Parts, before_send: Optional[BeforeSend], *, enabled: bool, strict: bool
    ) -> None:
        self._identity = parts.identity
        self._dispatcher = parts.dispatcher
        self._messages = parts.messages
        self._page = parts.page
        self._now = parts.clock.now_ms
        self._holds = parts.holds
        self._before_send = before_send
        self._enabled = enabled
        self._strict = strict
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._reported: dict[str, float] = {}
        exits.watch(self)

    def after_fork(self) -> None:
        """In a forked child: share nothing with the parent. Called by itself."""
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self._lock = threading.RLock()
        forget_ids()
        self._identity.after_fork()
        self._dispatcher.after_fork()

    def _emit(
        self, kind: str, fields: str, given: Input, options: Mapping[str, Any], **more: Any
    ) -> Optional[str]:
        if self._pid != os.getpid():
            self.after_fork()
        if not self._enabled:
            return None
        now = self._now()
        scope = current(self)
        if scope is not None or options or more or self._page is not None:
            return self._emit_special(kind, fields, given, options, now, scope, more)
        with self._lock:
            stamp = self._identity.stamp(given, now)
        if (stamp.refused or not stamp.ids or stamp.emitted) and not self._clear(stamp, now):
            return None
        message_id = new_id()
        text = self._messages.usual(kind, message_id, now, fields, stamp)
        return message_id if self._put(text) else None

    def _emit_special(
        self,
        kind: str,
        fields: str,
        given: Input,
        options: Mapping[str, Any],
        now: int,
        scope: Optional[Scope],
        more: Mapping[str, Any],
    ) -> Optional[str]:
        """An event with options, in a scope, in a browser; `identify` and `alias` anywhere."""
        try:
            options = checks.options(options)
        except TypeError as error:
            return self._misuse(error)
        with self._lock:
            stamp, anonymous_id, user_id = self._stamp(given, now, options, scope, more)
        anonymous_id = options.get("anonymous_id") or anonymous_id
        user_id = options.get("user_id") or user_id
        if isinstance(given, machine.Alias):
            previous = more.get("previous_id") or user_id or anonymous_id
            fields += f'"previousId":{dumps(previous)},' if previous else ""
            user_id = given.user_id
        elif isinstance(given, machine.Identify):
            user_id = given.user_id or user_id
        _, traits, session, refused, emitted = stamp
        stamp = Stamp(ids_json(anonymous_id, user_id), traits, session, refused, emitted)
        if (refused or not stamp.ids or emitted) and not self._clear(stamp, now):
            return None
        context = self._page.context() if self._page is not None else {}
        if scope is not None:
            context.update(scope.context)
        context.update(options.get("context", ()))
        message_id = options.get("message_id") or new_id()
        try:
            text = self._messages.special(kind, message_id, now, fields, stamp, context, options)
        except (TypeError, ValueError) as error:
            return self._misuse(error)
        return message_id if self._put(text) else None

    def _stamp(
        self,
        given: Input,
        now: int,
        options: Mapping[str, Any],
        scope: Optional[Scope],
        more: Mapping[str, Any],
    ) -> tuple[Stamp, Optional[str], Optional[str]]:
        """The stamp, and the anonymous id and user id that go with it."""
        identity = self._keeper(scope)
        own = scope is None or scope.inherits or scope.identity is not None
        keeps = self._holds or identity is not self._identity
        apart = not own or "session_id" in options
        traits: Any = more.get("traits")
        if scope is not None:
            keeps = keeps and not scope.names_person
            apart = apart or scope.session is not None
        if not keeps and isinstance(given, (machine.Identify, machine.Alias)):
            if scope is not None and isinstance(given, machine.Identify) and given.user_id:
                scope.user_id = given.user_id
            given = machine.EVENT
        if not apart:
            stamp = identity.stamp(given, now)
        else:
            stamp = identity.plain(now) if own else NOBODY
            stamp = stamp._replace(session=_other_session(options, scope))
        if scope is not None and scope.names_person:
            stamp = stamp._replace(traits="")
        if traits:
            if keeps and not stamp.refused:
                identity.add_traits(traits)
                traits = identity.traits
            stamp = stamp._replace(traits=f',"traits":{dumps(dict(traits))}')
        anonymous_id = identity.anonymous_id if own else None
        user_id = identity.user_id if own else None
        if scope is not None:
            anonymous_id, user_id = scope.anonymous_id or anonymous_id, scope.user_id or user_id
        return stamp, anonymous_id, user_id

    def _keeper(self, scope: Optional[Scope]) -> Identity:
        """Who keeps person and session here: a request's cookies, or the client."""
        if scope is not None and scope.identity is not None:
            return scope.identity
        return self._identity

    def _clear(self, stamp: Stamp, now: int) -> bool:
        """Send the client's own events that come first; False if the event itself may not go."""
        for own in stamp.emitted:
            self._put_own(own, stamp, now)
        if stamp.refused:
            self._drop(stamp.refused)
        elif not stamp.ids:
            self._misuse(ValueError(NAMELESS))
        else:
            return True
        return False

    def _put_own(self, own: machine.Emitted, stamp: Stamp, now: int) -> None:
        """Queue an event of the client's own, such as Application Opened."""
        fields = f'"event":{dumps(own.name)},"properties":{dumps(own.properties)},'
        stamp = stamp._replace(session=session_json(own.session_id, own.session_start))
        self._put(self._messages.usual("track", new_id(), now, fields, stamp))

    def _put(self, text: str) -> bool:
        if self._before_send is not None:
            try:
                kept = filtered(text, self._before_send)
            except Exception as error:
                self._drop(f"before_send: {type(error).__name__}: {error}")
                return False
            if kept is None:
                self._dispatcher.drop("before_send")
                return False
            text = kept
        if self._dispatcher.put(text.encode("ascii")):
            return True
        self._report("events are being dropped: %s", self._dispatcher.stats().last_error)
        return False

    def _view_properties(self, kind: str) -> dict[str, Any]:
        return self._page.properties() if self._page is not None and kind == "page" else {}

    def _drop(self, reason: str) -> None:
        self._dispatcher.drop(reason)
        self._report("an event was dropped: %s", reason)

    def _misuse(self, error: Exception) -> Optional[str]:
        self._complain(error)
        self._dispatcher.drop(str(error))
        return None

    def _complain(self, error: Exception) -> None:
        """Misuse that costs no event."""
        if self._strict:
            raise error
        self._report("%s", error)

    def _report(self, text: str, reason: object) -> None:
        report(self._reported, text, reason)

    def _held(self) -> Identity:
        """Who keeps person and session here, begun."""
        if self._pid != os.getpid():
            self.after_fork()
        identity = self._keeper(current(self))
        with self._lock:
            identity.ready(self._now())
        return identity

    def _take(self, given: Optional[Input]) -> Optional[machine.Effect]:
        """One step of the session machine that is no event, or the launch alone.

        Returns its effect, if there is one and the client is not disabled.
        """
        if self._pid != os.getpid():
            self.after_fork()
        if not self._enabled:
            return None
        now = self._now()
        identity = self._keeper(current(self))
        with self._lock:
            effect = None
            if given is not None:
                effect = identity.take(given, now)
            stamp = identity.plain(now)
        for own in stamp.emitted:
            self._put_own(own, stamp, now)
        return effect

    def leave(self) -> None:
        """The program ends, or is done with this client: store what is not stored yet."""
        with self._lock:
            if self._enabled and self._identity.launched:
                self._identity.take(machine.Close(announced=True), self._now())
                self._identity.close()

    def _save(self) -> None:
        """Store what the last events changed."""
        if self._pid != os.getpid():
            self.after_fork()
        with self._lock:
            self._identity.save(self._now())


def _other_session(options: Mapping[str, Any], scope: Optional[Scope]) -> str:
    """The session part of an event whose session is not the client's."""
    if "session_id" in options:
        return session_json(options["session_id"], False)
    if scope is None or scope.session is None:
        return ""
    return session_json(scope.session.id, scope.session.take_start())
