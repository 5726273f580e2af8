"""Replays session vectors of the mobile SDKs: one application on one phone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sojourn.core.profiles import PROFILES, configure
from sojourn.core.session import (
    NEW,
    Alias,
    Background,
    Close,
    EndSession,
    Event,
    Foreground,
    Identify,
    Input,
    Launch,
    OptOut,
    Reset,
    StartSession,
    changes,
    restore,
    session_context,
    session_id,
    step,
)
from sojourn.testing.vector_steps import Observation, emitted, session_part

__all__ = ["replay"]

_CALLS = frozenset(("track", "page", "screen", "identify", "group", "alias"))
_NAMES = {"track": "name", "page": "name", "screen": "name", "group": "group_id"}


def replay(scenario: Mapping[str, Any]) -> Iterator[Observation]:
    """What each step shows, in order."""
    phone = _Phone(scenario)
    for script in scenario["steps"]:
        now = scenario["epoch_ms"] + script["t"]
        yield phone.play(script["do"], script.get("args") or {}, now)


class _Phone:
    """Storage that outlives processes, and at most one process."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self._profile = PROFILES[scenario["platform"]]
        self._config: dict[str, Any] = scenario["config"]
        self._policy = self._profile
        self._state = NEW
        self._stored: dict[str, Any] = {}
        self._version, self._build = "1.0.0", 1
        self._fresh = (f"anonymous-{number}" for number in itertools.count())

    def play(self, do: str, args: Mapping[str, Any], now: int) -> Observation:
        if do == "launch":
            return self._launch(args, now)
        if do == "session_id":
            return {"see": session_id(self._state, now, self._policy)}
        if do in _CALLS:
            return self._call(do, args, now)
        return emitted(self._step(self._input(do, args), now))

    def _launch(self, args: Mapping[str, Any], now: int) -> Observation:
        options = {**self._config, **args}
        self._version = args.get("version", self._version)
        self._build = args.get("build", self._build)
        self._policy = configure(
            self._profile,
            auto_track=options["auto_track"],
            timeout_ms=options["timeout_ms"],
            lifecycle=bool(options["lifecycle"] or options.get("new_lifecycle")),
            background_updates=bool(options.get("background_updates")),
            scenes=bool(options.get("scenes")),
            caller_may_override=True,
        )
        self._state = restore(json.loads(json.dumps(self._stored)), self._policy)
        launch = Launch(next(self._fresh), self._version, self._build, args.get("ui", True))
        return emitted(self._step(launch, now))

    def _call(self, do: str, args: Mapping[str, Any], now: int) -> Observation:
        given: Input
        if do == "identify":
            given = Identify(args.get("user_id", "u"), next(self._fresh))
        elif do == "alias":
            given = Alias(args.get("new_id", "n"))
        else:
            given = Event(args.get(_NAMES[do], "x") == "")
        effect = self._step(given, now)
        if not effect.accepted:
            return {"see": None}
        context = session_context(args.get("context"), effect, self._policy)
        return {"see": session_part(context)}

    def _input(self, do: str, args: Mapping[str, Any]) -> Input:
        if do == "close":
            return Close(bool(args.get("terminate")))
        if do == "reset":
            renew = args.get("anonymous_id")
            return Reset(next(self._fresh), renew, args.get("session") is not False)
        if do == "start_session":
            return StartSession(args.get("id"))
        if do == "opt_out":
            return OptOut(args["value"])
        plain: dict[str, Input] = {
            "foreground": Foreground(),
            "background": Background(),
            "end_session": EndSession(),
        }
        return plain[do]

    def _step(self, given: Input, now: int) -> Any:
        before = self._state
        self._state, effect = step(before, given, now, self._policy)
        for key, value in changes(before, self._state, self._policy).items():
            if value is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = value
        return effect
