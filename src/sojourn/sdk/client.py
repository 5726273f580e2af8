"""The client: one object for scripts, servers, applications and the browser."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional, Union

from sojourn.core import session as machine
from sojourn.sdk import checks
from sojourn.sdk.assembly import build
from sojourn.sdk.emitter import Emitter
from sojourn.sdk.ids import new_id
from sojourn.sdk.options import AppInfo, Delivery, QueueLimits, Sessions, Stats
from sojourn.sdk.scope import Scope, ScopedSession, current
from sojourn.sdk.stores import MemoryStore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from sojourn.core.ports import Clock, Transport
    from sojourn.sdk.courier import DeliveryError
    from sojourn.sdk.messages import BeforeSend
    from sojourn.sdk.options import Profile
    from sojourn.sdk.stores import Storage


class Client(Emitter):
    """Sends events to a data plane, each with its person and session.

    Making one starts no thread, opens no file and sends nothing; the first event does. `storage`
    is a folder, a store, or `None`: memory for `server`, else the user's data folder. Without
    a `transport` events go to `data_plane_url` over HTTP. `before_send` gets each event and
    returns it, changed if it likes, or `None` to drop it. `on_error` is told of events that
    the server did not take, on another thread. With `strict`, misuse raises. Raises `ValueError`
    for arguments that cannot work.
    """

    def __init__(
        self,
        write_key: str,
        data_plane_url: str,
        *,
        profile: Profile = "server",
        sessions: Optional[Sessions] = None,
        app: Optional[AppInfo] = None,
        storage: Union[Storage, str, os.PathLike[str], None] = None,
        queue: QueueLimits = QueueLimits(),  # noqa: B008 (a frozen value)
        delivery: Delivery = Delivery(),  # noqa: B008 (a frozen value)
        transport: Optional[Transport] = None,
        ssl_context: Optional[ssl.SSLContext] = None,
        before_send: Optional[BeforeSend] = None,
        on_error: Optional[Callable[[DeliveryError], Any]] = None,
        enabled: bool = True,
        strict: bool = False,
        clock: Optional[Clock] = None,
    ) -> None:
        parts = build(
            write_key,
            data_plane_url,
            profile=profile,
            sessions=sessions,
            app=app,
            storage=storage if enabled else MemoryStore(),
            queue=queue,
            delivery=delivery,
            transport=transport,
            ssl_context=ssl_context,
            on_error=on_error,
            clock=clock,
        )
        super().__init__(parts, before_send, enabled=enabled, strict=strict)
        # A client that is forgotten still delivers; then its thread ends.
        weakref.finalize(self, parts.dispatcher.begin_close).atexit = False
        if parts.begin is not None:
            parts.begin()

    # Identity and session held by the client

    @property
    def anonymous_id(self) -> str:
        """The id of the person as long as no other is known. Empty: none (on servers)."""
        return self._held().anonymous_id

    @property
    def user_id(self) -> Optional[str]:
        """Who `identify` said it is; `None`: nobody known."""
        return self._held().user_id

    @property
    def traits(self) -> Mapping[str, Any]:
        """A copy of what `identify` said about the person."""
        return self._held().traits

    @property
    def session_id(self) -> Optional[int]:
        """The session of an event that were sent now, here; `None`: none, or it has expired."""
        scope = current(self)
        if scope is not None and scope.session is not None:
            return scope.session.id
        if scope is not None and not scope.inherits and scope.identity is None:
            return None
        with self._lock:
            return self._keeper(scope).session_id(self._now())

    def set_anonymous_id(self, value: Optional[str] = None) -> str:
        """Set the anonymous id, or a new random one. Returns it."""
        chosen = value or new_id()
        self._take(machine.SetAnonymousId(chosen))
        return chosen

    def reset(self, *, anonymous_id: bool = False) -> None:
        """Forget the person, and begin a new session if there is one: after a log-out.

        `anonymous_id`: change the anonymous id too.
        """
        self._take(machine.Reset(new_id(), True if anonymous_id else None))

    def start_session(self, session_id: Optional[int] = None) -> Optional[int]:
        """Begin a manual session, which lasts until it is ended. Returns the active session's id.

        An id has at least ten digits; one that has not is treated as the profile's official
        SDK does: ignored, or replaced by the clock.
        """
        effect = self._take(machine.StartSession(session_id))
        if effect is not None and effect.reason in _REFUSALS:
            self._complain(ValueError(f"session_id {session_id!r}: {effect.reason.value}"))
        return self.session_id

    def end_session(self) -> None:
        """End the session. Events go on without one, until the program starts anew."""
        self._take(machine.EndSession())

    def start(self) -> None:
        """Begin now what otherwise begins with the first event: the launch of the program.

        An automatic session begins, and Application Installed, Updated and Opened are sent where
        they are wanted.
        """
        self._take(None)

    def foreground(self) -> None:
        """The application comes to the front. The adapters of `sojourn.sdk.apps` call it."""
        self._take(machine.Foreground())

    def background(self) -> None:
        """The application leaves the front. State is stored, and the queue sent off."""
        self._take(machine.Background())
        if self._enabled:
            self._dispatcher.hurry()

    def opt_out(self, value: bool = True) -> None:
        """The person objects to tracking (`False`: no longer does). Events are then dropped."""
        self._take(machine.OptOut(value))

    # Identity and session of a context

    def scope(
        self,
        *,
        user_id: Optional[str] = None,
        anonymous_id: Optional[str] = None,
        session_id: Optional[int] = None,
        context: Optional[Mapping[str, Any]] = None,
        inherit: bool = True,
    ) -> Scope:
        """Who and what events inside `with client.scope(...)` are about.

        What is not given comes from the scope around, then from the client; with `inherit` false
        from nowhere.
        """
        given: dict[str, Any] = {
            "user_id": user_id,
            "anonymous_id": anonymous_id,
            "context": context,
        }
        if session_id is not None:
            given["session_id"] = session_id
        try:
            checked = checks.options(given)
        except TypeError as error:
            self._complain(error)
            checked = {}
        session = checked.get("session_id")
        return Scope(
            self,
            user_id=checked.get("user_id"),
            anonymous_id=checked.get("anonymous_id"),
            session=None if session is None else ScopedSession(session, begins=False),
            context=checked.get("context"),
            inherit=inherit,
        )

    def session(self, session_id: Optional[int] = None) -> Scope:
        """One manual session for the events inside `with client.session():`.

        The session that the client holds goes on undisturbed.
        """
        policy = self._identity.policy
        asked = machine.StartSession(session_id)
        state, effect = machine.step(machine.NEW, asked, self._now(), policy)
        if effect.reason in _REFUSALS:
            self._complain(ValueError(f"session_id {session_id!r}: {effect.reason.value}"))
            fresh = machine.StartSession(None)
            state, _ = machine.step(machine.NEW, fresh, self._now(), policy)
        return Scope(self, session=ScopedSession(state.session.id, begins=True))

    # Delivery

    def flush(self, timeout: Optional[float] = 10.0) -> bool:
        """Send what is queued, and wait for it, at most `timeout` seconds.

        True: everything queued before the call was accepted by the server.
        """
        self._save()
        return not self._enabled or self._dispatcher.flush(timeout)

    def close(self, timeout: Optional[float] = 2.0) -> bool:
        """Send what is queued, for at most `timeout` seconds, and end.

        True: all of it was accepted. What is left stays on disk where there is a disk store, for
        the next client; else it is dropped and counted. Events after this are dropped.
        """
        self.leave()
        return not self._enabled or self._dispatcher.close(timeout)

    async def aflush(self, timeout: Optional[float] = 10.0) -> bool:  # noqa: ASYNC109 (a deadline)
        """As `flush`, without holding up the event loop."""
        self._save()
        return not self._enabled or await self._dispatcher.aflush(timeout)

    async def aclose(self, timeout: Optional[float] = 2.0) -> bool:  # noqa: ASYNC109 (a deadline)
        """As `close`, without holding up the event loop."""
        self.leave()
        return not self._enabled or await self._dispatcher.aclose(timeout)

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        return self._dispatcher.stats()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


_REFUSALS = (machine.Reason.REFUSED, machine.Reason.REFUSED_CLOCK)
