"""A second reading of the published rules of the phones' sessions plays as the machine does.

Random scripts go to states that no recording visits: manual sessions that meet timeouts, restarts
in every state, clocks set back, opting out at any time.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from sojourn.testing import vector_phones, vectors
from sojourn.testing.vector_steps import difference

PLATFORMS = ("android", "ios", "react-native", "flutter", "kotlin", "swift", "ios-v2")
EPOCH = 1_700_000_000_123
SCRIPTS = 250
"""Random scripts for each platform."""
RARE = {"manual_touch"}
"""Shows only in a next run that begins opted out, which no script here comes to."""


class Writer:
    """Writes one random script for a platform, from a seed."""

    def __init__(self, platform: str, seed: int) -> None:
        self.platform, self.random = platform, random.Random(f"{platform} {seed}")
        self.now = self.pick(0, 0, 123, 500, 876)
        self.steps: list[dict[str, Any]] = []
        self.config: dict[str, Any] = {
            "auto_track": self.chance(0.8),
            "lifecycle": self.chance(0.85),
            "timeout_ms": self.pick(None, 60_000, 60_000, 0, 999, 1, 1000, 1001, 1500, 10_000),
            "scenes": self.chance(0.6),
            "background_updates": platform == "swift" and self.chance(0.3),
        }
        if platform != "swift" and self.chance(0.1):
            self.config["timeout_ms"] = -1
        timeout = self.config["timeout_ms"]
        self.timeout = 300_000 if timeout is None or timeout < 0 else timeout

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def add(self, do: str, **args: Any) -> None:
        step = {"t": self.now, "do": do, "args": args}
        self.steps.append(step)
        whole = self.timeout
        leaps = [0, 0, 1, 10, 500, 999, 1000, 1001, whole // 2, whole * 2, -1, -500, -1000]
        leaps += [whole - 1, whole, whole + 1, whole + 999, whole + 1000, -whole, -whole - 1]
        self.now += self.pick(*leaps)

    def launch(self) -> None:
        args: dict[str, Any] = {}
        for key, share, values in (
            ("auto_track", 0.25, (True, False)),
            ("lifecycle", 0.15, (True, False)),
            ("timeout_ms", 0.15, (60_000, 1000, 999, 1500, 0)),
            ("version", 0.15, ("1.1.0", "1.2.0")),
            ("build", 0.15, (2, 3)),
            ("ui", 0.2, (False,)),
        ):
            if self.chance(share):
                args[key] = self.pick(*values)
        self.add("launch", **args)

    def restart(self) -> None:
        if self.chance(0.7):  # else the process is gone without a word
            self.add("close", **({"terminate": True} if self.chance(0.4) else {}))
        self.launch()

    def call(self) -> None:
        objects = self.pick({"sessionId": {"x": 1}}, {"a": {"b": 1}}, {"sessionStart": {"y": 1}})
        context = {} if self.chance(0.8) else {"context": objects}
        do = self.pick("track", "track", "screen", "group", "identify", "identify", "alias")
        key = {"group": "group_id", "identify": "user_id", "alias": "new_id"}.get(do, "name")
        named = self.pick({}, {}, {key: "u1"}, {key: "u2"}, {key: ""})
        self.add(do, **named, **context)

    def control(self) -> None:
        do = self.pick("reset", "reset", "start_session", "start_session", "end_session", "opt_out")
        if do == "reset":
            self.add(do, **self.pick({}, {"anonymous_id": True}, {"session": False}))
        elif do == "start_session":
            ids = (None, 1234567890, 123456789, 42, 1_700_000_000_123)
            self.add(do, **({} if (number := self.pick(*ids)) is None else {"id": number}))
        elif do == "end_session":
            self.add(do)
        elif self.platform not in ("kotlin", "swift"):
            self.add(do, value=self.chance(0.5))

    def script(self) -> dict[str, Any]:
        self.launch()
        away = False
        while len(self.steps) < 24:
            turn = self.random.random()
            if turn < 0.12:
                self.restart()
                away = False
            elif turn < 0.38:
                self.add("foreground" if away else "background")
                away = not away if self.chance(0.9) else away
            elif turn < 0.72:
                self.call()
            elif turn < 0.95:
                self.control()
            else:
                self.add("session_id")
        known = {"id": "random", "recorded_from": "", "epoch_ms": EPOCH}
        return {**known, "platform": self.platform, "config": self.config, "steps": self.steps}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_random_scripts_show_the_same_by_the_table_and_by_the_machine(
    platform: str, second_reading: Any
) -> None:
    for seed in range(SCRIPTS):
        scenario = Writer(platform, seed).script()
        phone = second_reading(scenario)
        for step in scenario["steps"]:
            step.update(phone.play(step["do"], step["args"], EPOCH + step["t"]))
        found = vectors.failure(scenario)
        assert found is None, (seed, found)


def test_the_table_is_the_whole_of_it_and_each_row_matters(second_reading: Any) -> None:
    """Turning any row over on its platforms makes some script show something else."""
    rows = second_reading(Writer("ios", 0).script()).rule
    for row in rows.keys() - RARE:
        assert any(differs(second_reading, row, platform) for platform in PLATFORMS), row


def differs(second_reading: Any, row: str, platform: str) -> bool:
    for seed in range(SCRIPTS):
        scenario = Writer(platform, seed).script()
        phone = second_reading(scenario)
        phone.rule = {**phone.rule, row: not phone.rule[row]}
        for step, shown in zip(scenario["steps"], vector_phones.replay(scenario), strict=True):
            wanted = phone.play(step["do"], step["args"], EPOCH + step["t"])
            if difference({**step, **wanted}, shown):
                return True
    return False
