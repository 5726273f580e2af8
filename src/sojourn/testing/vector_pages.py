"""Replays session vectors of the web SDKs: the tabs of one browser on its storage."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

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
    Reset,
    SetAnonymousId,
    StartSession,
    changes,
    decode_session,
    restore,
    session_context,
    session_id,
    step,
)
from sojourn.core.session_numbers import person
from sojourn.testing.vector_calls import call_context, reset_of
from sojourn.testing.vector_steps import Observation, session_part
from sojourn.testing.vector_storage import Browser, Storage

__all__ = ["replay"]

_CALLS = frozenset(("track", "page", "identify", "group", "alias"))
_AT_ONCE = frozenset(("start_session", "end_session", "session_id"))
"""What the legacy SDK does not keep waiting for its configuration."""


def replay(scenario: Mapping[str, Any]) -> list[Observation]:
    """What each step shows. Calls before a launch wait for it, and show what they did then."""
    return _Site(scenario).play()


class _Site:
    """One browser, its tabs, and the script that plays in them."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self._scenario = scenario
        self.legacy: bool = scenario["recorded_from"].startswith("rudder-sdk-js")
        self.browser = Browser()
        self.fresh: Iterator[str] = (f"anonymous-{n}" for n in itertools.count())
        self._numbers: dict[str, int] = {}
        self._pages: dict[str, _Page] = {}
        self._waiting: dict[str, list[int]] = {}
        self._shown: list[Observation] = [{} for _ in scenario["steps"]]

    def number(self, anonymous_id: str) -> int:
        """The anonymous id as the vectors name it: numbered by first appearance."""
        return self._numbers.setdefault(anonymous_id, len(self._numbers))

    def play(self) -> list[Observation]:
        for index, script in enumerate(self._scenario["steps"]):
            self._play(index, script)
        return self._shown

    def _play(self, index: int, script: Mapping[str, Any]) -> None:
        tab, do, args = script.get("tab", ""), script["do"], script.get("args") or {}
        now = self._scenario["epoch_ms"] + script["t"]
        page = self._pages.get(tab)
        if do == "clear_storage":
            self.browser.clear()
        elif do in ("launch", "reload"):
            if do == "reload" and page is not None:
                page.leave(now)
            early = page if do == "launch" and page is not None and not page.ready else None
            page = early or self._open(tab, args, now)
            self._pages[tab] = page
            self._shown[index]["see"] = page.address_events(args.get("query", ""), now)
            self._play_waiting(tab, page, now)
        elif do == "close":
            if page is not None:
                self._shown[index]["see"] = page.leave(now)
                del self._pages[tab]
            self.browser.close_tab(tab)
        elif page is not None and page.ready:
            self._shown[index] = page.do(do, args, now)
        else:
            self._early(index, tab, do, args, now)
        page = self._pages.get(tab)
        if page is not None:
            self._shown[index].setdefault("also", {})["stored"] = page.stored()

    def _open(self, tab: str, args: Mapping[str, Any], now: int) -> _Page:
        config = {**self._scenario["config"], **(args.get("config") or {})}
        return _Page(self, tab, config, now)

    def _play_waiting(self, tab: str, page: _Page, now: int) -> None:
        page.ready = True
        for earlier in self._waiting.pop(tab, ()):
            script = self._scenario["steps"][earlier]
            self._shown[earlier] = page.do(script["do"], script.get("args") or {}, now)

    def _early(self, index: int, tab: str, do: str, args: Mapping[str, Any], now: int) -> None:
        """A call before the SDK is ready."""
        at_once = self.legacy and self._scenario["config"].get("buffer") == "load"
        if at_once and tab not in self._pages:
            self._pages[tab] = self._open(tab, {}, now)
        if at_once and do in _AT_ONCE:
            self._shown[index] = self._pages[tab].do(do, args, now)
        elif do == "session_id":
            self._shown[index]["see"] = None
        else:
            self._waiting.setdefault(tab, []).append(index)


class _Page:
    """One page with the SDK on it."""

    def __init__(self, site: _Site, tab: str, config: Mapping[str, Any], now: int) -> None:
        self._site = site
        self._unloads = bool(config.get("page_lifecycle"))
        self._policy = _policy(config, site.legacy)
        self._storage: Storage = site.browser.storage(tab, config)
        self._custom: dict[str, Any] = {}
        self._state = NEW
        self.ready = False
        self._launch(now, self._storage.keeps("rl_session") or not config.get("pre_consent"))

    def _launch(self, now: int, saves: bool) -> None:
        values = self._storage.load()
        self._state = restore(values, self._policy)
        self._step(Launch(next(self._site.fresh)), now, saves)

    def stored(self) -> Any:
        """The SDK's session record, as it lies in the browser."""
        return self._storage.persisted("rl_session")

    def do(self, do: str, args: Mapping[str, Any], now: int) -> Observation:
        if do in _CALLS:
            return self._call(do, args, now)
        shown: Observation = {}
        if do == "session_id":
            stored = self._stored_session() if self._policy.follows_storage else None
            shown["see"] = session_id(self._state, now, self._policy, stored)
        elif do == "reset":
            self._step(reset_of(args, next(self._site.fresh), self._site.legacy), now)
            shown["see"] = []
        elif do == "start_session":
            self._step(StartSession(args.get("id")), now)
        elif do == "end_session":
            self._step(EndSession(), now)
        elif do == "consent":
            self._consent(now)
        else:  # set_custom_context, clear_custom_context
            self._custom = args.get("context") or {}
        shown["also"] = {"stored": self.stored()}
        return shown

    def _call(self, do: str, args: Mapping[str, Any], now: int) -> Observation:
        user = None
        if do == "identify":
            user = person(args.get("user_id", "user"))
        effect = self._event(
            Identify(user, next(self._site.fresh)) if do == "identify" else None, now
        )
        caller = {**self._custom, **call_context(args)}
        state = self._state
        named = person(args.get("user_id", "user")) if do == "alias" else state.user_id
        return {
            "see": session_part(session_context(caller, effect, self._policy)),
            "also": {
                "anon": self._site.number(state.anonymous_id),
                "user": named,
                "stored": self.stored(),
            },
        }

    def address_events(self, query: str, now: int) -> list[dict[str, Any]]:
        """The events that the page's address asks for."""
        asked = parse_qs(query.removeprefix("?"))
        shown = []
        if "ajs_uid" in asked:
            effect = self._event(Identify(asked["ajs_uid"][0], next(self._site.fresh)), now)
            shown.append(self._sent("identify", effect))
        if "ajs_event" in asked:
            shown.append(self._sent(asked["ajs_event"][0], self._event(None, now)))
        return shown

    def leave(self, now: int) -> list[dict[str, Any]]:
        """The page goes; what the SDK sends then."""
        return [self._sent("Page Unloaded", self._event(None, now))] if self._unloads else []

    def _sent(self, name: str, effect: Effect) -> dict[str, Any]:
        context = session_context(self._custom, effect, self._policy)
        return {"event": name, **session_part(context)}

    def _event(self, identify: Identify | None, now: int) -> Effect:
        if not self._storage.keeps("rl_anonymous_id"):
            self._step(SetAnonymousId(next(self._site.fresh)), now)
        if identify is None:
            self._follow(now)
            return self._step(EVENT, now)
        if self._policy.follows_storage:
            identify = identify._replace(stored=self._stored_session())
        return self._step(identify, now)

    def _consent(self, now: int) -> None:
        had_session = self._storage.keeps("rl_session")
        self._storage.consent()
        before = self._state
        self._launch(now, not had_session)
        self._state = self._state._replace(user_id=before.user_id or self._state.user_id)

    def _follow(self, now: int) -> None:
        if self._policy.follows_storage:
            self._state, _ = step(self._state, Adopt(self._stored_session()), now, self._policy)

    def _stored_session(self) -> Any:
        return decode_session(self._storage.get("rl_session"), self._policy)

    def _step(self, given: Input, now: int, saves: bool = True) -> Effect:
        before = self._state
        self._state, effect = step(before, given, now, self._policy)
        written = changes(before, self._state, self._policy)
        if not saves:
            written.pop("rl_session", None)
        self._storage.save(written)
        return effect


def _policy(config: Mapping[str, Any], legacy: bool) -> Policy:
    options = {
        "auto_track": config.get("auto_track"),
        "timeout_ms": config.get("timeout_ms"),
        "caller_may_override": True,
    }
    if legacy:
        return configure(WEB_V1, **options)
    return configure(
        WEB,
        cut_off_ms=config.get("cut_off_ms"),
        cut_off_enabled=config.get("cut_off_enabled"),
        **options,
    )
