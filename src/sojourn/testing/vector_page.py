"""One page of a web session vector, with the SDK on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from sojourn.core.policy import Policy
from sojourn.core.profiles import WEB, WEB_V1, configure
from sojourn.core.session import (
    EVENT,
    NEW,
    Adopt,
    Effect,
    EndSession,
    Identify,
    Input,
    Launch,
    Session,
    SetAnonymousId,
    StartSession,
    changes,
    decode_session,
    record,
    restore,
    session_context,
    session_id,
    step,
)
from sojourn.core.session_numbers import person
from sojourn.testing.vector_calls import call_context, reset_of
from sojourn.testing.vector_steps import Observation, session_part
from sojourn.testing.vector_storage import Storage

__all__ = ["Page", "Visitor"]

_CALLS = frozenset(("track", "page", "identify", "group", "alias"))


class Visitor:
    """Where anonymous ids come from, and how the vectors name them."""

    def __init__(self) -> None:
        self._fresh: Iterator[str] = (f"anonymous-{n}" for n in itertools.count())
        self._numbers: dict[str, int] = {}

    def fresh_id(self) -> str:
        """An anonymous id that was never there before."""
        return next(self._fresh)

    def number(self, anonymous_id: str) -> int:
        """The anonymous id as the vectors name it: numbered by first appearance."""
        return self._numbers.setdefault(anonymous_id, len(self._numbers))


class Page:
    """The SDK from its load on. `ready`: it has its configuration and plays calls."""

    def __init__(
        self, visitor: Visitor, storage: Storage, config: Mapping[str, Any], legacy: bool, now: int
    ) -> None:
        self._visitor = visitor
        self._storage = storage
        self._legacy = legacy
        self._unloads = bool(config.get("page_lifecycle"))
        self._policy = _policy(config, legacy)
        self._custom: dict[str, Any] = {}
        self._state = NEW
        self.ready = False
        self._launch(now)

    def stored(self) -> Any:
        """The SDK's session record, as it lies in the browser."""
        return self._storage.found("rl_session")

    def do(self, do: str, args: Mapping[str, Any], now: int) -> Observation:
        """Plays one step of a script."""
        if do in _CALLS:
            return self._call(do, args, now)
        shown: Observation = {}
        if do == "session_id":
            shown["see"] = session_id(self._state, now, self._policy, self._stored_session())
        elif do == "reset":
            given = reset_of(args, self._visitor.fresh_id(), self._legacy)
            self._step(given, now)
            self._write_identity(forgets_id=given.renew_anonymous_id is True)
            shown["see"] = []
        elif do == "start_session":
            self._step(StartSession(args.get("id")), now)
        elif do == "end_session":
            self._step(EndSession(), now)
        elif do == "consent":
            self._consent(now)
        elif do == "set_custom_context":
            merged = {**self._custom, **args["context"]}
            self._custom = {key: value for key, value in merged.items() if value is not None}
        else:  # clear_custom_context
            self._custom = {}
        return shown

    def address_events(self, query: str, now: int) -> list[dict[str, Any]]:
        """The calls that the page's address asks for, and what they sent."""
        asked = dict(reversed(parse_qsl(query.removeprefix("?"))))
        shown = []
        if asked.get("ajs_aid"):
            self._step(SetAnonymousId(asked["ajs_aid"]), now)
        if asked.get("ajs_uid") or any(name.startswith("ajs_trait_") for name in asked):
            user_id = asked.get("ajs_uid") or None
            shown.append(self._sent("identify", self._event(Identify(user_id), now)))
        if asked.get("ajs_event"):
            shown.append(self._sent(asked["ajs_event"], self._event(EVENT, now)))
        return shown

    def leave(self, now: int) -> list[dict[str, Any]]:
        """The page goes; what the SDK sends then."""
        if not self._unloads or not self.ready:
            return []
        return [self._sent("Page Unloaded", self._event(EVENT, now))]

    def _launch(self, now: int, writes_expiry: bool = True) -> None:
        policy = self._policy
        if not self._storage.keeps("rl_session"):
            policy = policy.with_options(auto_track=False)
        found, launch = restore(self._storage.load(), policy), Launch(self._visitor.fresh_id())
        self._state, _ = step(found, launch, now, policy)
        written = self._state
        if not writes_expiry:
            written, _ = step(found, launch, now, policy.with_options(launch_is_activity=False))
        self._storage.save(changes(found, written, policy))

    def _consent(self, now: int) -> None:
        """Writes what memory holds, and runs the launch rules again.

        An expiry that they push is not written, though: it stays in memory.
        """
        memory = self._state
        if not self._storage.keeps("rl_anonymous_id"):
            memory = memory._replace(anonymous_id="")
        self._storage.consent()
        self._storage.save(record(memory, self._policy))
        self._launch(now, writes_expiry=False)

    def _call(self, do: str, args: Mapping[str, Any], now: int) -> Observation:
        user_id = person(args.get("user_id", "user")) if do in ("identify", "alias") else None
        effect = self._event(Identify(user_id) if do == "identify" else EVENT, now)
        caller = {**self._custom, **call_context(args)}
        state = self._state
        if do == "identify":
            self._write_identity(forgets_id=False)
        if not self._storage.keeps("rl_user_id"):
            self._state = state._replace(user_id="")
        return {
            "see": session_part(session_context(caller, effect, self._policy)),
            "also": {
                "anon": self._visitor.number(state.anonymous_id),
                "user": user_id or state.user_id,
            },
        }

    def _write_identity(self, forgets_id: bool) -> None:
        """The legacy SDK writes who the person is whether or not memory changed."""
        if not self._legacy:
            return
        self._storage.save({"rl_user_id": self._state.user_id or None})
        if forgets_id:
            self._storage.save({"rl_anonymous_id": None})

    def _sent(self, name: str, effect: Effect) -> dict[str, Any]:
        context = session_context(self._custom, effect, self._policy)
        return {"event": name, **session_part(context)}

    def _event(self, given: Input, now: int) -> Effect:
        if not self._state.anonymous_id or not self._storage.keeps("rl_anonymous_id"):
            self._step(SetAnonymousId(self._visitor.fresh_id()), now)
        stored = self._stored_session()
        if isinstance(given, Identify):
            return self._step(given._replace(stored=stored), now)
        if stored is not None:
            self._state, _ = step(self._state, Adopt(stored), now, self._policy)
        return self._step(given, now)

    def _stored_session(self) -> Session | None:
        """What storage holds, where it goes before memory."""
        if not self._policy.follows_storage:
            return None
        return decode_session(self._storage.get("rl_session"), self._policy)

    def _step(self, given: Input, now: int) -> Effect:
        before = self._state
        self._state, effect = step(before, given, now, self._policy)
        self._storage.save(changes(before, self._state, self._policy))
        return effect


def _policy(config: Mapping[str, Any], legacy: bool) -> Policy:
    """The options that a page loads the SDK with."""
    if legacy:
        return configure(
            WEB_V1,
            auto_track=config.get("auto_track"),
            timeout_ms=config.get("timeout_ms"),
            caller_may_override=True,
        )
    return configure(
        WEB,
        auto_track=config.get("auto_track"),
        timeout_ms=config.get("timeout_ms"),
        cut_off_ms=config.get("cut_off_ms"),
        cut_off_enabled=config.get("cut_off_enabled"),
        caller_may_override=True,
    )
