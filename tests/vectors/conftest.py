"""The phones' session rules once more, in the words of the published table of parameters.

Read column by column from the table that is published with the recordings; shares no code with
the machine.
"""

from __future__ import annotations

from typing import Any

import pytest

PLATFORMS = ("android", "ios", "react-native", "flutter", "kotlin", "swift", "ios-v2")
TABLE = """
seconds            - y - - - - y
expired_at_equal   - - y y - - y
signed             - - - - y y -
negative_as_is     - - y y - - -
auto_by_lifecycle  y y y y - - y
dropped_touch      - - y y - - -
background_touch   - - - - y y -
foreground_only    - - - - - y -
renewal_forgets    y y - - - - -
reset_touch        y y - - - - -
start_survives     - - - - y y -
gate_opened        y - - - - - -
gate_background    - - y y y - -
start_is_manual    - - y y y y y
end_keeps_kind     y y - y - - -
end_keeps_on       - - - y - - -
refused_is_manual  - - - y - - -
opened_always      - y - - - y y
return_background  - - - - - y -
by_version         - y - - - y y
switch_any         - - - - y - -
switch_given       - - - - - y -
caller_objects     y y y y - - -
skips_first        - - - - - - y
manual_forgets     - - - - - - y
reset_forgets      - - - - - - y
manual_touch       - - - - - - y
version_lifecycle  - - - - - - y
drops_blank        - - - - - - y
"""


def column(platform: str) -> dict[str, bool]:
    """The platform's column of the table."""
    place = 1 + PLATFORMS.index(platform)
    return {row.split()[0]: row.split()[place] == "y" for row in TABLE.strip().splitlines()}


class Phone:
    """What is stored, what the process knows, and the rules in the words of the table."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.platform, self.config = scenario["platform"], scenario["config"]
        self.rule = column(self.platform)
        self.id: int | None = None
        self.last: int | None = None
        self.kind, self.start, self.forgotten = "none", False, False
        self.user, self.opted_out, self.on, self.opened = "", False, False, False
        self.known: tuple[str, int] | None = None
        self.installed: tuple[str, int] = ("1.0.0", 1)

    def active(self) -> bool:
        return self.on and self.kind == "auto"

    def expired(self, now: int) -> bool:
        if self.last is None:
            return True
        unit = 1000 if self.rule["seconds"] else 1
        elapsed, timeout = now // unit - self.last // unit, self.timeout // unit
        if self.rule["signed"]:
            return elapsed <= 0 or elapsed > timeout
        elapsed = abs(elapsed)
        return elapsed >= timeout if self.rule["expired_at_equal"] else elapsed > timeout

    def renew(self, now: int) -> None:
        if self.rule["renewal_forgets"]:
            self.last = None
        self.id, self.start = now // 1000, True

    def clear(self) -> None:
        if self.rule["renewal_forgets"] or self.rule["manual_forgets"]:
            self.last = None
        self.id, self.start = None, False

    def touch(self, now: int) -> None:
        self.last, self.forgotten = now, False

    def event(self, now: int, blank: bool = False, context: Any = None) -> Any:
        """The session part of an event, or None where it is dropped."""
        if blank and self.rule["drops_blank"]:
            return None
        if self.opted_out:
            if self.rule["dropped_touch"] and self.active():
                self.touch(now)
            return None
        ours: dict[str, Any] = {} if self.id is None else {"sessionId": self.id}
        if self.id is not None and self.start:
            ours["sessionStart"], self.start = True, False
        keys = ("sessionId", "sessionStart")
        caller = {key: value for key, value in (context or {}).items() if key in keys}
        counts = self.active() or (self.rule["manual_touch"] and self.kind == "manual")
        if counts and (not self.rule["foreground_only"] or self.front or self.background_counts):
            self.touch(now)
        if self.rule["caller_objects"]:
            return {**ours, **{k: v for k, v in caller.items() if isinstance(v, dict)}}
        return {**caller, **ours}

    def own(self, out: list[Any], now: int, name: str, properties: dict[str, Any]) -> None:
        part = self.event(now)
        if name == "Application Opened" and (part is not None or self.rule["dropped_touch"]):
            self.opened = True
        if part is not None:
            out.append(({"event": name, **part}, properties))

    def launch(self, args: dict[str, Any], now: int, out: list[Any]) -> None:
        options, rule = {**self.config, **args}, self.rule
        version, build = self.installed
        self.installed = (args.get("version", version), args.get("build", build))
        self.lifecycle = bool(options["lifecycle"] or options.get("new_lifecycle"))
        self.background_counts = bool(options.get("background_updates"))
        timeout = options["timeout_ms"]
        usable = timeout is not None and (timeout >= 0 or rule["negative_as_is"])
        self.timeout: int = timeout if usable else 300_000
        ui = args.get("ui", True)
        self.opened, self.was_back, self.front = False, False, True
        self.returned = bool(options.get("scenes")) and ui
        self.start = self.start and rule["start_survives"]
        if self.forgotten:
            self.last, self.forgotten = None, False
        self.on = options["auto_track"] and (self.lifecycle or not rule["auto_by_lifecycle"])
        if self.on:
            if self.kind != "auto" or self.expired(now):
                self.renew(now)
            self.kind = "auto"
        elif self.kind == "auto":
            self.clear()
            self.kind = "none"
        before = self.known
        if self.lifecycle or not rule["version_lifecycle"]:
            self.known = self.installed
        if self.lifecycle:
            self.first_events(before, ui or rule["opened_always"], now, out)

    def first_events(self, before: Any, opens: bool, now: int, out: list[Any]) -> None:
        properties = {"version": self.installed[0], "build": self.shown(self.installed[1])}
        changed = 0 if self.rule["by_version"] else 1
        if before is None:
            self.own(out, now, "Application Installed", properties)
        elif before[changed] != self.installed[changed]:
            more = {"previous_version": before[0], "previous_build": self.shown(before[1])}
            self.own(out, now, "Application Updated", {**properties, **more})
        if opens:
            self.own(out, now, "Application Opened", self.cold())

    def shown(self, build: int) -> Any:
        return str(build) if self.platform in ("ios", "ios-v2") else build

    def cold(self) -> dict[str, Any]:
        found: dict[str, Any] = {"from_background": False}
        if self.platform not in ("react-native", "flutter"):
            found["version"] = self.installed[0]
        if self.platform == "ios-v2":
            found["build"] = self.shown(self.installed[1])
        return found

    def foreground(self, now: int, out: list[Any]) -> None:
        rule, came_back, self.was_back, self.front = self.rule, self.was_back, False, True
        first, self.returned = not self.returned, True
        if first and rule["skips_first"]:
            return
        gate = (self.opened or not rule["gate_opened"]) and (
            came_back or not rule["gate_background"]
        )
        looks = self.lifecycle or not rule["auto_by_lifecycle"]
        if gate and looks and self.active() and self.expired(now):
            self.renew(now)
        if self.lifecycle and (came_back or not rule["return_background"]):
            back = self.opened or self.platform in ("ios", "swift", "ios-v2")
            found = {**self.cold(), "from_background": True} if back else self.cold()
            plain = {"from_background": True}
            self.own(
                out,
                now,
                "Application Opened",
                found if not back or self.platform == "ios-v2" else plain,
            )

    def reset(self, now: int) -> None:
        if self.id is not None:
            self.renew(now)
            self.forgotten = self.rule["reset_forgets"]
            if self.rule["reset_touch"] and self.active():
                self.touch(now)

    def start_session(self, number: Any, now: int) -> None:
        if number is not None and len(str(number)) < 10:
            if self.rule["refused_is_manual"] and self.kind == "auto":
                self.kind = "manual"
            return
        if self.rule["start_is_manual"]:
            self.kind = "manual"
        if (self.on and self.rule["renewal_forgets"]) or self.rule["manual_forgets"]:
            self.last = None
        self.on, self.start = False, True
        self.id = now // 1000 if number is None else number

    def identify(self, user: str, now: int) -> None:
        if self.opted_out or (user == "" and self.rule["drops_blank"]):
            return
        given = self.rule["switch_any"] or (self.rule["switch_given"] and user != "")
        if given and self.user not in ("", user):
            self.reset(now)
        self.user = user

    def play(self, do: str, args: dict[str, Any], now: int) -> dict[str, Any]:
        out: list[Any] = []
        if do in ("track", "screen", "group", "identify", "alias"):
            return {"see": self.call(do, args, now)}
        if do == "session_id":
            return {"see": self.id}
        if do == "launch":
            self.launch(args, now, out)
        elif do == "foreground":
            self.foreground(now, out)
        elif do == "background":
            if self.rule["background_touch"] and self.active():
                self.touch(now)
            self.front, self.was_back = False, True
            if self.lifecycle:
                self.own(out, now, "Application Backgrounded", {})
        elif do == "close":
            if args.get("terminate") and self.platform == "swift" and self.active():
                self.touch(now)
        elif do == "reset":
            self.user = ""
            if args.get("session") is not False:
                self.reset(now)
        elif do == "start_session":
            self.start_session(args.get("id"), now)
        elif do == "end_session":
            self.clear()
            self.kind = self.kind if self.rule["end_keeps_kind"] else "none"
            self.on = self.on and self.rule["end_keeps_on"]
        else:
            self.opted_out = args["value"]
        return {"see": [part for part, _ in out], "see_properties": [more for _, more in out]}

    def call(self, do: str, args: dict[str, Any], now: int) -> Any:
        key = {"group": "group_id", "identify": "user_id", "alias": "new_id"}.get(do, "name")
        named = args.get(key, "x" if key != "user_id" else "u")
        if do == "identify":
            self.identify(named, now)
        elif do == "alias" and named and self.platform in ("kotlin", "swift"):
            self.user = named
        return self.event(now, named == "", args.get("context"))


@pytest.fixture(scope="session")
def second_reading() -> type[Phone]:
    """The phone that plays by the table: `Phone(scenario).play(do, args, now)`."""
    return Phone
