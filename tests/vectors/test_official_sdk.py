"""Random scripts show the same in the official JavaScript SDK, in a real browser, and in ours."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from sojourn.testing import vector_pages
from sojourn.testing.vector_steps import difference

HERE = Path(__file__).parent
SDK = HERE.parent / (
    "browser/node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js"
)
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
LEAPS = [0, 0, 1, 1, 5, 1000, MINUTE - 1, MINUTE, MINUTE + 1, 10 * MINUTE, 10 * MINUTE + 1]
LEAPS += [30 * MINUTE - 1, 30 * MINUTE, 30 * MINUTE + 1, 60 * MINUTE + 1, 721 * MINUTE, -1, -MINUTE]
USERS = ["u1", "u2", "u1", "u2", "u3", "", None, 5, "5", {"x": 1}, True, [1, 2], 0]
IDS = [1234567890, 123456789, "1234567890", None, 1e21, 1.234567e21, 1234567890.0, 1234567890.5]
IDS += [True, 0, -1234567890, 10**20, 2**53, {"a": 1}]
RESETS = [{"anonymous_id": True}, {"anonymous_id": False}, {}]
RESETS += [
    {"options": options}
    for options in (
        {"entries": {"sessionInfo": False}},
        {"entries": {"anonymousId": True, "sessionInfo": False}},
        {"entries": {"userId": False}},
        {"entries": {"sessionInfo": 0, "anonymousId": 1}},
        "x",
        None,
        [],
    )
]
CONTEXTS = [{"sessionId": 42}, {"sessionStart": True}, {"sessionId": None}, {"other": 1}, "x", []]
STORAGES = ["cookieStorage", "localStorage", "sessionStorage", "memoryStorage", "none"]


class Writer:
    """Writes one random script."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def config(self, part: bool) -> dict[str, Any]:
        pick, config = self.pick, {}
        if not part or pick.random() < 0.5:
            config["auto_track"] = pick.choice([True, True, True, None, False, 0, "false"])
        if not part or pick.random() < 0.5:
            config["timeout_ms"] = pick.choice(
                [None, None, MINUTE, 10 * MINUTE, 1, 0, -1, "60000", 60000.5, True, [5]]
            )
        if not part or pick.random() < 0.5:
            config["cut_off_ms"] = pick.choice(
                [None, None, 60 * MINUTE, 10 * MINUTE, 30 * MINUTE, -5, "x", 60000.5]
            )
        if pick.random() < 0.1:
            config["cut_off_enabled"] = pick.choice([True, False, "true", 1])
        if pick.random() < (0.1 if part else 0.3):
            config["storage"] = pick.choice(STORAGES)
        if pick.random() < 0.15:
            config["pre_consent"] = pick.choice([None, "none", "session", "anonymousId"])
        return config

    def args(self, do: str) -> dict[str, Any]:
        pick = self.pick
        if do in ("launch", "reload"):
            return {"config": self.config(part=True)} if pick.random() < 0.4 else {}
        if do == "set_custom_context":
            return {"context": pick.choice([{"sessionId": 9}, {"sessionStart": True}, {"a": 1}])}
        found: dict[str, Any] = {}
        if do == "identify":
            found["user_id"] = pick.choice(USERS)
        elif do == "alias" and pick.random() < 0.6:
            found["user_id"] = pick.choice(["u1", "u2", "z", 5])
        elif do == "start_session" and pick.random() < 0.6:
            found["id"] = pick.choice(IDS)
        elif do == "reset":
            return pick.choice(RESETS)
        elif do in ("track", "page") and pick.random() < 0.15:
            found["context"] = pick.choice(CONTEXTS)
        return found

    def script(self) -> dict[str, Any]:
        pick = self.pick
        tabs = pick.choice(["a", "ab", "abc"])
        config, open_tabs, steps, t = self.config(part=False), set(), [], 0
        for _ in range(pick.randrange(12, 30)):
            t += pick.choice(LEAPS)
            tab = pick.choice(tabs)
            if tab not in open_tabs:
                do = "launch"
                open_tabs.add(tab)
            else:
                names = "track page identify group alias reset start_session end_session session_id"
                names += " close reload clear_storage consent set_custom_context"
                names += " clear_custom_context"
                weights = [14, 5, 9, 2, 3, 6, 5, 4, 5, 3, 3, 1, 3, 1, 1]
                (do,) = pick.choices(names.split(), weights)
            if do == "clear_storage" and len(open_tabs) > 1:
                do = "session_id"  # a page cannot clear the session storage of another tab
            if do == "close":
                open_tabs.discard(tab)
            steps.append({"t": t, "tab": tab, "do": do, "args": self.args(do)})
        return {
            # The browser drops cookies by its own clock: the script's stays behind it, by
            # less than the year that cookies live.
            "epoch_ms": int(time.time() * 1000) - 200 * 24 * 60 * MINUTE,
            "recorded_from": "@rudderstack/analytics-js",
            "config": config,
            "steps": steps,
        }


class Official:
    """The official SDK in tabs of one fresh visitor."""

    def __init__(self, context: Any) -> None:
        self.context = context
        context.add_init_script(CLOCK)
        context.route("**/*", self._serve)
        self.pages: dict[str, Any] = {}
        self.numbers: dict[str, int] = {}

    def _serve(self, route: Any) -> None:
        if route.request.url == ORIGIN + "sdk.js":
            route.fulfill(path=SDK, content_type="text/javascript")
        else:
            route.fulfill(body="<title>shop</title>", content_type="text/html")

    def play(self, script: dict[str, Any]) -> list[dict[str, Any]]:
        return [self._step(script, step) for step in script["steps"]]

    def _step(self, script: dict[str, Any], step: dict[str, Any]) -> dict[str, Any]:
        do, args, tab = step["do"], step["args"], step["tab"]
        if do == "close":
            self.pages.pop(tab).close()
            return {}
        if do in ("launch", "reload"):
            self._load(tab)
            do, args = "launch", {**script["config"], **args.get("config", {})}
        if do == "clear_storage":
            self.context.clear_cookies()
        now = script["epoch_ms"] + step["t"]
        shown = self.pages[tab].evaluate("([now, name, args]) => play(now, name, args)",
                                         [now, do, args])  # fmt: skip
        self._settle(tab)
        if "anon" in shown["also"]:
            anon = shown["also"]["anon"]
            shown["also"]["anon"] = self.numbers.setdefault(anon, len(self.numbers))
        return shown

    def _settle(self, tab: str) -> None:
        """Wait until every tab sees what this one has stored: they are processes of their own."""
        stored = self.pages[tab].evaluate("localStorage.getItem('rl_session')")
        for other in self.pages.values():
            if other is not self.pages[tab]:
                agreed = "stored => localStorage.getItem('rl_session') === stored"
                other.wait_for_function(agreed, arg=stored, timeout=60_000)

    def _load(self, tab: str) -> None:
        if tab not in self.pages:
            self.pages[tab] = self.context.new_page()
        page = self.pages[tab]
        page.goto(ORIGIN)
        page.add_script_tag(url=ORIGIN + "sdk.js")
        page.add_script_tag(path=HERE / "official_sdk.js")


@pytest.fixture(scope="module")
def chromium() -> Any:
    from playwright.sync_api import sync_playwright

    assert SDK.exists(), "run `npm install` in tests/browser"
    flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", chromium_sandbox=False, args=flags
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("seed", [*range(8), 100])
def test_a_random_script_shows_the_same_in_the_official_sdk(chromium, seed):
    script = json.loads(json.dumps(Writer(seed).script()))
    context = chromium.new_context()
    context.set_default_timeout(60_000)
    try:
        official = Official(context).play(script)
    finally:
        context.close()
    ours = vector_pages.replay(script)
    for number, (step, theirs, shown) in enumerate(
        zip(script["steps"], official, ours, strict=True)
    ):
        found = difference(theirs, shown)
        assert found is None, f"seed {seed}, step {number} {step}: official SDK {found}"
