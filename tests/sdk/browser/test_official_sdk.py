"""The same random scripts drive the official JavaScript SDK, in a real browser, and our client."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SDK = ROOT / "tests/browser/node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd"
HARNESS = ROOT / "tests/vectors/official_sdk.js"
ORIGIN = "http://shop.example.test/"
CLOCK = """
(() => {
  const Real = Date;
  let now = Real.now();
  window.setClock = (ms) => { now = ms; };
  window.Date = class extends Real {
    constructor(...parts) { if (parts.length) super(...parts); else super(now); }
    static now() { return now; }
  };
})();
"""
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
LEAPS = [0, 1, 5, 1000, MINUTE, MINUTE + 1, 10 * MINUTE, 10 * MINUTE + 1, 30 * MINUTE]
LEAPS += [30 * MINUTE + 1, 61 * MINUTE, -1, -MINUTE]
CALLS = {
    "track": 14,
    "page": 5,
    "identify": 9,
    "group": 2,
    "alias": 3,
    "reset": 5,
    "start_session": 5,
    "end_session": 4,
    "session_id": 6,
    "close": 3,
    "reload": 3,
    "clear_storage": 2,
}


def config(pick: random.Random) -> dict[str, Any]:
    return {
        "auto_track": pick.choice([True, True, True, None, False]),
        "timeout_ms": pick.choice([None, MINUTE, 10 * MINUTE]),
        "cut_off_ms": pick.choice([None, None, 10 * MINUTE, 60 * MINUTE]),
    }


def arguments(pick: random.Random, do: str) -> dict[str, Any]:
    if do in ("launch", "reload"):
        return {"config": config(pick)} if pick.random() < 0.4 else {}
    if do == "identify":
        return {"user_id": pick.choice(["u1", "u2", "u1", "u2", "u3", ""])}
    if do == "alias":
        return {"user_id": pick.choice(["u1", "z"])}
    if do == "start_session" and pick.random() < 0.6:
        return {"id": pick.choice([1234567890, 123456789, 9876543210987])}
    if do == "reset":
        return {"anonymous_id": pick.random() < 0.3}
    return {}


def script(seed: int) -> dict[str, Any]:
    """A script with the types that Python's callers use; odd ones are the machine's tests."""
    pick = random.Random(seed)
    tabs, there, steps, t = pick.choice(["a", "ab", "abc"]), set(), [], 0
    for _ in range(40):
        t += pick.choice(LEAPS)
        tab = pick.choice(tabs)
        do = "launch"
        if tab in there:
            (do,) = pick.choices([*CALLS], [*CALLS.values()])
        there.add(tab)
        if do == "close":
            there.discard(tab)
        steps.append({"t": t, "tab": tab, "do": do, "args": arguments(pick, do)})
    return {
        "id": f"seed {seed}",
        "platform": "web",
        # The browser drops cookies by its own clock: the script's stays behind it.
        "epoch_ms": int(time.time() * 1000) - 200 * DAY,
        "config": config(pick),
        "steps": steps,
    }


class Official:
    """The official SDK in the tabs of one fresh visitor."""

    def __init__(self, context: Any, written: dict[str, Any]) -> None:
        self.context = context
        self.written = written
        self.pages: dict[str, Any] = {}
        context.add_init_script(CLOCK)
        context.route("**/*", self._serve)

    def _serve(self, route: Any) -> None:
        if route.request.url == ORIGIN + "sdk.js":
            route.fulfill(path=SDK / "index.js", content_type="text/javascript")
        else:
            route.fulfill(body="<title>shop</title>", content_type="text/html")

    def play(self, step: dict[str, Any]) -> dict[str, Any]:
        do, args, tab = step["do"], step["args"], step["tab"]
        if do == "close":
            self.pages.pop(tab).close()
            return {}
        if do in ("launch", "reload"):
            page = self.pages.get(tab) or self.context.new_page()
            self.pages[tab] = page
            page.goto(ORIGIN)
            page.add_script_tag(url=ORIGIN + "sdk.js")
            page.add_script_tag(path=HARNESS)
            do, args = "launch", {**self.written["config"], **args.get("config", {})}
        if do == "clear_storage":
            self.context.clear_cookies()
        now = self.written["epoch_ms"] + step["t"]
        play = "([now, name, args]) => play(now, name, args)"
        shown: dict[str, Any] = self.pages[tab].evaluate(play, [now, do, args])
        return shown


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_a_random_script_shows_the_same_in_both(chromium: Any, playing: Any, seed: int) -> None:
    if not SDK.exists():
        pytest.skip("needs `npm install` in tests/browser")
    written = json.loads(json.dumps(script(seed)))
    context = chromium.new_context()
    context.set_default_timeout(60_000)
    official, ours = Official(context, written), playing.Player(written, 0)
    theirs_by_name: dict[str, int] = {}
    ours_by_name: dict[str, int] = {}
    try:
        for number, step in enumerate(written["steps"]):
            where = f"seed {seed}, step {number}: {step}"
            theirs, shown = official.play(step), ours.play(step)
            if shown is not ... and step["do"] != "reset":
                assert shown == theirs["see"], where
            if step["do"] in playing.CALLS:
                event = ours.sent[-1]
                assert (event.get("userId") or "") == theirs["also"]["user"], where
                anon = theirs_by_name.setdefault(theirs["also"]["anon"], len(theirs_by_name))
                mine = ours_by_name.setdefault(event["anonymousId"], len(ours_by_name))
                assert mine == anon, where
            if "also" in theirs and step["tab"] in ours.clients:
                stored = ours.store.load().get("rl_session")
                assert stored == theirs["also"]["stored"], where
    finally:
        context.close()
