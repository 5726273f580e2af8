"""Identity and session that a client holds, kept by the session machine, and stored.

The machine is `sojourn.core.session`; this is what feeds it: the clock, the store, and a short
cut for the usual event of a running session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from sojourn.core import session as machine
from sojourn.core.session import EVENT, Change, Reason
from sojourn.sdk.ids import new_id
from sojourn.sdk.stores import exclusive
from sojourn.sdk.wire import dumps, escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sojourn.core.policy import Policy
    from sojourn.core.session import Emitted, Input
    from sojourn.sdk.options import AppInfo
    from sojourn.sdk.stores import Storage

TRAITS = "rl_trait"
"""Under which name storage keeps the person's traits."""

_NEVER = 1 << 62
_UNKNOWN = object()


class Stamp(NamedTuple):
    """What identity and session add to an event, as JSON, and what comes before it."""

    ids: str
    """`"anonymousId":"…","userId":"…",`, or less."""
    traits: str
    """`,"traits":{…}` for `context`, or nothing."""
    session: str
    """`,"sessionId":…,"sessionStart":true` for `context`, or less."""
    refused: str = ""
    """Why the event is not to be sent; empty: it is."""
    emitted: tuple[Emitted, ...] = ()
    """Events of the client's own that come first."""


NOBODY = Stamp("", "", "")


def ids_json(anonymous_id: Optional[str], user_id: Optional[str]) -> str:
    """The ids of an event as JSON members, each with its comma."""
    ids = f'"anonymousId":{escape(anonymous_id)},' if anonymous_id else ""
    return f'{ids}"userId":{escape(user_id)},' if user_id else ids


def session_json(session_id: Any, start: bool) -> str:
    """The session of an event as JSON members of `context`, each after a comma."""
    if session_id is None:
        return ""
    flag = ',"sessionStart":true' if start else ""
    return f',"sessionId":{dumps(session_id)}{flag}'


class Identity:
    """Who the client is, and in which session. The client's lock guards it.

    `holds` is false for servers, where the people are the program's to name: then there is no
    anonymous id until one is set, and `identify` concerns its own event alone.
    """

    def __init__(
        self, policy: Policy, store: Storage, app: Optional[AppInfo], *, holds: bool
    ) -> None:
        self.policy = policy
        self._store = store
        self._app = app
        self._holds = holds
        self._look_every: Optional[int] = getattr(store, "look_every_ms", 0)
        self._follows = policy.follows_storage and self._look_every is not None
        self._shares_person = bool(getattr(store, "shares_person", False))
        self._state = machine.NEW
        self._traits: dict[str, Any] = {}
        self.launched = False
        """The machine has begun: something was asked of it."""
        self._pending: tuple[Emitted, ...] = ()
        self._written: Any = None  # the stored session as this process knows it
        self._touched = 0  # the last event that the machine was not told of
        self._from = 0  # from … until: events need no step of the machine
        self._until = 0
        self._usual = NOBODY

    # Events

    def stamp(self, given: Input, now: int) -> Stamp:
        """Take in an event at `now` (Unix ms): what goes into it."""
        if given is EVENT and self._from <= now < self._until:
            self._from = self._touched = now
            return self._usual
        effect = self.take(given, now)
        ids = ids_json(self._state.anonymous_id, self._state.user_id)
        traits = f',"traits":{dumps(self._traits)}' if self._traits else ""
        emitted, self._pending = self._pending, ()
        if not effect.accepted:
            return Stamp(ids, traits, "", effect.reason.value, emitted)
        part = session_json(effect.session_id, effect.session_start)
        self._usual = Stamp(ids, traits, session_json(effect.session_id, False))
        self._open_window(now)
        return Stamp(ids, traits, part, "", emitted)

    def _open_window(self, now: int) -> None:
        """From when until when the next events change nothing but the time of the last one.

        The machine is then told of the last of them only, before anything else: that comes to
        the same, since none of them finds the session expired.
        """
        session = self._state.session
        self._from = self._until = 0
        if session.id is not None and session.start is not False:
            return
        deadline = machine.next_deadline(self._state, self.policy)
        look = _NEVER if self._look_every is None else now + self._look_every
        self._from = now
        self._until = min(look, _NEVER if deadline is None else deadline)

    # Everything else

    def take(self, given: Input, now: int) -> machine.Effect:
        """One step of the machine, stored."""
        self._close_window()
        with exclusive(self._store):
            if not self.launched:
                self._launch(now)
            before = self._state
            self._settle(now)
            if isinstance(given, machine.Identify):
                given = given._replace(stored=self._stored())
            elif isinstance(given, (machine.Event, machine.Alias)):
                self._follow(now)
            self._state, effect = machine.step(self._state, given, now, self.policy)
            changes = machine.changes(before, self._state, self.policy)
            if self._forgets_traits(given, effect):
                self._traits = {}
                changes[TRAITS] = None
            self._write(changes)
        self._pending += effect.emitted
        return effect

    def _write(self, changes: dict[str, Any]) -> None:
        if changes:
            self._store.save(changes)
            self._written = changes.get(self.policy.keys.session, self._written)

    def _launch(self, now: int) -> None:
        self.launched = True
        values = self._store.load()
        self._state = before = machine.restore(values, self.policy)
        traits = values.get(TRAITS)
        self._traits = traits if isinstance(traits, dict) else {}
        app = self._app
        given = machine.Launch(
            new_id() if self._holds else "",
            app.version if app else "",
            app.build if app else None,
        )
        self._written = values.get(self.policy.keys.session)
        self._state, effect = machine.step(before, given, now, self.policy)
        self._write(machine.changes(before, self._state, self.policy))
        self._pending += effect.emitted

    def _stored(self) -> Optional[machine.Session]:
        """The session in storage, if another than this process has written it."""
        if not self._follows:
            return None
        values = self._store.load()
        if self._shares_person:
            self._adopt_person(values)
        value = values.get(self.policy.keys.session)
        if value == self._written:
            return None
        self._written = value
        return machine.decode_session(value, self.policy)

    def _adopt_person(self, values: Mapping[str, Any]) -> None:
        """Go by who the person is for the other program on the same page."""
        known = machine.restore(values, self.policy)
        anonymous_id = known.anonymous_id or self._state.anonymous_id
        self._state = self._state._replace(anonymous_id=anonymous_id, user_id=known.user_id)
        traits = values.get(TRAITS)
        self._traits = traits if isinstance(traits, dict) else {}

    def _follow(self, now: int) -> None:
        """Go by what another process has written."""
        stored = self._stored()
        if stored is not None:
            self._state, _ = machine.step(self._state, machine.Adopt(stored), now, self.policy)

    def _settle(self, now: int) -> None:
        """Tell the machine of the last event in the window."""
        if self._touched:
            touched, self._touched = self._touched, 0
            self._state, _ = machine.step(self._state, EVENT, touched, self.policy)

    def _close_window(self) -> None:
        self._usual, self._from, self._until = NOBODY, 0, 0

    @staticmethod
    def _forgets_traits(given: Input, effect: machine.Effect) -> bool:
        if isinstance(given, machine.Reset):
            return given.user
        return effect.change is Change.STARTED and effect.reason is Reason.USER_CHANGE

    def save(self, now: int) -> None:
        """Write what the last events left unwritten, if there is anything."""
        if self._touched:
            before = self._state
            self._settle(now)
            self._close_window()
            self._write(machine.changes(before, self._state, self.policy))

    def add_traits(self, traits: Mapping[str, Any]) -> None:
        """Merge traits of the person into those that are held."""
        self._traits = {**self._traits, **traits}
        self._store.save({TRAITS: self._traits})
        self._close_window()

    def ready(self, now: int) -> None:
        """Launch, if that was not done yet."""
        if not self.launched:
            with exclusive(self._store):
                self._launch(now)

    def plain(self, now: int) -> Stamp:
        """The stamp of an event that is none of this session's, and what waits to come first."""
        self.ready(now)
        emitted, self._pending = self._pending, ()
        ids = ids_json(self._state.anonymous_id, self._state.user_id)
        traits = f',"traits":{dumps(self._traits)}' if self._traits else ""
        return Stamp(ids, traits, "", "", emitted)

    def close(self) -> None:
        """Let go of the store; it opens again if it is asked."""
        close = getattr(self._store, "close", None)
        if close is not None:
            close()

    def after_fork(self) -> None:
        """In a forked child: the store's handles are the parent's, and so is what it has not
        stored yet."""
        self._touched = 0
        self._close_window()
        after_fork = getattr(self._store, "after_fork", None)
        if after_fork is not None:
            after_fork()

    # To read

    def session_id(self, now: int) -> Optional[int]:
        """The session that is active at `now`, or `None`."""
        self.ready(now)
        self.save(now)
        stored = self._stored()
        if stored is not None:
            self._written = _UNKNOWN  # looked at, not taken over: the next event does that
        number: Optional[int] = machine.session_id(self._state, now, self.policy, stored)
        return number

    @property
    def anonymous_id(self) -> str:
        """Empty: none."""
        return self._state.anonymous_id

    @property
    def user_id(self) -> Optional[str]:
        """`None`: anonymous."""
        return self._state.user_id or None

    @property
    def traits(self) -> dict[str, Any]:
        """A copy of the person's traits."""
        return dict(self._traits)
