"""Identity and session of a context: of a request, a task, a thread, a block of code."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sojourn.sdk.identity import Identity

_current: ContextVar[Optional[Scope]] = ContextVar("sojourn_scope", default=None)


def current(client: object) -> Optional[Scope]:
    """The innermost scope of `client` here, or `None`."""
    scope = _current.get()
    while scope is not None and scope.client is not client:
        scope = scope.outer
    return scope


class ScopedSession:
    """A session that a scope brings along. Its first event says so, if it begins here."""

    __slots__ = ("_begins", "id")

    def __init__(self, session_id: int, *, begins: bool) -> None:
        self.id = session_id
        self._begins = begins

    def take_start(self) -> bool:
        """Whether this is the session's first event; true once at most."""
        begins, self._begins = self._begins, False
        return begins


class Scope:
    """What events inside it carry. Use it by `with client.scope(…)`; it nests.

    It is bound to the context (`contextvars`): asyncio tasks, and threads that are started with
    a copy of the context, are inside; other threads are not.
    """

    def __init__(
        self,
        client: object,
        *,
        user_id: Optional[str] = None,
        anonymous_id: Optional[str] = None,
        session: Optional[ScopedSession] = None,
        context: Optional[Mapping[str, Any]] = None,
        inherit: bool = True,
        identity: Optional[Identity] = None,
    ) -> None:
        outer: Optional[Scope] = current(client) if inherit else None
        self.client = client
        self.outer: Optional[Scope] = None
        self.user_id: Optional[str] = user_id or (outer.user_id if outer else None)
        """Of the events inside; `identify` inside the scope changes it."""
        self.anonymous_id: Optional[str] = anonymous_id or (outer.anonymous_id if outer else None)
        self.session: Optional[ScopedSession] = session or (outer.session if outer else None)
        """Of the events inside; `None`: the client's, or none."""
        self.context: dict[str, Any] = {**(outer.context if outer else {}), **(context or {})}
        self.identity: Optional[Identity] = identity or (outer.identity if outer else None)
        """Where person and session of the events inside are kept, if not with the client."""
        self.inherits: bool = inherit and (outer is None or outer.inherits)
        """Whether what is missing here comes from the client."""
        self._token: Optional[Token[Optional[Scope]]] = None

    @property
    def names_person(self) -> bool:
        """Whether the person inside is the scope's, not the client's."""
        if self.user_id or self.anonymous_id:
            return True
        return not self.inherits and self.identity is None

    @property
    def session_id(self) -> Optional[int]:
        """The session of the events inside, if the scope has one of its own."""
        return self.session.id if self.session else None

    def __enter__(self) -> Scope:
        self.outer = _current.get()
        self._token = _current.set(self)
        return self

    def __exit__(self, *error: object) -> None:
        token, self._token = self._token, None
        if token is None:
            return
        try:
            _current.reset(token)
        except ValueError:
            # Left in another context than it was entered in, as generators and middlewares do;
            # what was set there ends with that context.
            if _current.get() is self:
                _current.set(self.outer)
