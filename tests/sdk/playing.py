"""Plays the scripts of recorded scenarios with a real client. Loaded by the fixture `playing`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from sojourn import AppInfo, Client, Sessions

CALLS = {"track", "page", "screen", "identify", "group", "alias"}


class Unplayable(Exception):
    """The script needs something that the client has no call for."""


class Store:
    """Storage that outlives clients and that several of them share."""

    def __init__(self, look_every_ms: int | None) -> None:
        self.look_every_ms = look_every_ms
        self.values: dict[str, str] = {}

    def load(self) -> Mapping[str, Any]:
        return {key: json.loads(text) for key, text in self.values.items()}

    def save(self, changes: Mapping[str, Any]) -> None:
        for key, value in changes.items():
            self.values.pop(key, None)
            if value is not None:
                self.values[key] = json.dumps(value)


class Player:
    """Plays one scenario; each tab (or phone) has at most one client at a time."""

    def __init__(self, scenario: Mapping[str, Any], look_every_ms: int | None) -> None:
        self.config = scenario["config"]
        self.platform = scenario["platform"]
        self.epoch = scenario["epoch_ms"]
        self.store = Store(look_every_ms)
        self.clients: dict[str, Client] = {}
        self.now = 0
        self.sent: list[dict[str, Any]] = []
        self.version, self.build = "1.0.0", 1
        self.people = itertools.count()

    def now_ms(self) -> int:
        return self.now

    def keep(self, event: dict[str, Any]) -> None:
        self.sent.append(event)

    def play(self, step: Mapping[str, Any]) -> Any:
        """What the step shows, as the recordings write it; Ellipsis: it shows nothing."""
        do, args, tab = step["do"], step.get("args") or {}, step.get("tab", "")
        self.now = self.epoch + step["t"]
        self.sent.clear()
        if do in ("launch", "reload"):
            self.leave(tab, {})
            return self.launch(tab, args)
        if do == "close":
            self.leave(tab, args)
            return ...
        if do == "clear_storage":
            self.store.values.clear()
            return ...
        if tab not in self.clients:
            raise Unplayable("a call before the launch")
        return self.call(self.clients[tab], do, args)

    def launch(self, tab: str, args: Mapping[str, Any]) -> Any:
        options = {**self.config, **args, **args.get("config", {})}
        odd = {"new_lifecycle", "background_updates", "scenes", "query"}
        odd |= {"storage", "buffer", "page_lifecycle", "pre_consent"}
        timeout, cut_off = options.get("timeout_ms"), options.get("cut_off_ms")
        switch = options.get("cut_off_enabled")
        if switch is not None and switch is not True:
            cut_off = None
        elif switch and cut_off is None:
            cut_off = 12 * 3600_000
        plain = all(t is None or (type(t) is int and t >= 0) for t in (timeout, cut_off))
        if odd & {key for key in options if options[key]} or args.get("ui") is False or not plain:
            raise Unplayable("an option that the client has not")
        if options.get("auto_track") not in (True, False, None):
            raise Unplayable("an odd switch")
        self.version = args.get("version", self.version)
        self.build = args.get("build", self.build)
        self.clients[tab] = Client(
            "key",
            "http://nowhere",
            profile=self.platform,
            sessions=Sessions(
                options.get("auto_track"),
                None if timeout is None else timeout / 1000,
                None if cut_off is None else cut_off / 1000,
                options.get("lifecycle"),
            ),
            app=AppInfo("App", self.version, self.build),
            storage=self.store,
            before_send=self.keep,
            clock=self,
        )
        self.clients[tab].start()
        return self.own_events()

    def leave(self, tab: str, args: Mapping[str, Any]) -> None:
        client = self.clients.pop(tab, None)
        if client is not None and self.platform != "web" and args.get("terminate"):
            client.close()
        elif client is not None:
            client._save()  # the process is killed; what is unwritten is at most 0.2 s old

    def call(self, c: Client, do: str, args: Mapping[str, Any]) -> Any:
        if do in CALLS:
            if set(args) - {"name", "user_id", "new_id", "group_id", "properties", "traits"}:
                raise Unplayable("the caller's own context")
            self.event(c, do, args)
            return part(self.sent[-1]) if self.sent else None
        if do == "session_id":
            return c.session_id
        if do == "start_session":
            if args.get("id") is not None and type(args["id"]) is not int:
                raise Unplayable("an odd id")
            c.start_session(args.get("id"))
            return ...
        if do == "reset":
            flag = args.get("anonymous_id")
            if set(args) - {"anonymous_id"} or flag not in (None, True, False):
                raise Unplayable("reset options")
            c.reset(anonymous_id=flag is True)
        elif do == "opt_out":
            c.opt_out(args["value"])
            return ...
        elif do in ("foreground", "background", "end_session"):
            getattr(c, do)()
        else:
            raise Unplayable(do)
        return ... if do == "end_session" else self.own_events()

    def event(self, c: Client, do: str, args: Mapping[str, Any]) -> None:
        web = self.platform == "web"
        if do == "identify":
            user = args.get("user_id", "user" if web else "u")
            if not isinstance(user, str):
                raise Unplayable("an odd user id")
            c.identify(user)
        elif do == "alias":
            c.alias(args.get("user_id" if web else "new_id", "n"), "before")
        elif do == "group":
            c.group(args.get("group_id", "g"))
        else:
            getattr(c, do)(args.get("name", "x"))

    def own_events(self) -> Any:
        return [{"event": event["event"], **part(event)} for event in self.sent]


def part(event: Mapping[str, Any]) -> dict[str, Any]:
    context = event["context"]
    return {key: context[key] for key in ("sessionId", "sessionStart") if key in context}


def play(scenario: Mapping[str, Any], look_every_ms: int | None) -> bool:
    """Play as far as the client can; True if that is the whole scenario."""
    player = Player(scenario, look_every_ms)
    for number, step in enumerate(scenario["steps"]):
        try:
            shown = player.play(step)
        except Unplayable:
            return False
        where = f"{scenario['id']}, step {number}: {step}"
        if shown is not ... and "see" in step:
            assert shown == step["see"], where
        if "see_properties" in step:
            assert [event["properties"] for event in player.sent] == step["see_properties"], where
        stored = step.get("also", {}).get("stored", ...)
        if stored is not ... and look_every_ms == 0 and step.get("tab", "") in player.clients:
            assert player.store.load().get("rl_session") == stored, where
    return True
