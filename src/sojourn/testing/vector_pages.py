"""Replays session vectors of the web SDKs: the tabs of one browser on its storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.testing.vector_page import Page, Visitor
from sojourn.testing.vector_steps import Observation
from sojourn.testing.vector_storage import Browser

__all__ = ["replay"]

_AT_ONCE = frozenset(("start_session", "end_session", "session_id"))
"""What the legacy SDK does not keep waiting for its configuration."""


def replay(scenario: Mapping[str, Any]) -> list[Observation]:
    """What each step shows. Calls before a launch wait for it, and show what they did then."""
    return _Site(scenario).play()


class _Site:
    """One browser, its tabs, and the script that plays in them."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self._scenario = scenario
        self._legacy: bool = scenario["recorded_from"].startswith("rudder-sdk-js")
        self._browser = Browser()
        self._visitor = Visitor()
        self._pages: dict[str, Page] = {}
        self._waiting: dict[str, list[int]] = {}
        self._shown: list[Observation] = [{} for _ in scenario["steps"]]

    def play(self) -> list[Observation]:
        for index, script in enumerate(self._scenario["steps"]):
            self._play(index, script)
        return self._shown

    def _play(self, index: int, script: Mapping[str, Any]) -> None:
        tab, do, args = script.get("tab", ""), script["do"], script.get("args") or {}
        now = self._scenario["epoch_ms"] + script["t"]
        page = self._pages.get(tab)
        if do == "clear_storage":
            self._browser.clear()
        elif do in ("launch", "reload"):
            sent = page.leave(now) if do == "reload" and page is not None else []
            if page is None or page.ready:
                page = self._open(tab, args, now)
                self._pages[tab] = page
            self._shown[index]["see"] = sent + page.address_events(args.get("query", ""), now)
            self._play_waiting(tab, page, now)
        elif do == "close":
            if page is not None:
                self._shown[index]["see"] = page.leave(now)
                del self._pages[tab]
            self._waiting.pop(tab, None)
            self._browser.close_tab(tab)
        elif page is not None and page.ready:
            self._shown[index] = page.do(do, args, now)
        else:
            self._early(index, tab, do, args, now)
        page = self._pages.get(tab)
        if page is not None:
            self._shown[index].setdefault("also", {})["stored"] = page.stored()

    def _open(self, tab: str, args: Mapping[str, Any], now: int) -> Page:
        config = {**self._scenario["config"], **(args.get("config") or {})}
        storage = self._browser.storage(tab, config)
        return Page(self._visitor, storage, config, self._legacy, now)

    def _play_waiting(self, tab: str, page: Page, now: int) -> None:
        page.ready = True
        for earlier in self._waiting.pop(tab, ()):
            script = self._scenario["steps"][earlier]
            self._shown[earlier] = page.do(script["do"], script.get("args") or {}, now)

    def _early(self, index: int, tab: str, do: str, args: Mapping[str, Any], now: int) -> None:
        """A call before the SDK is ready."""
        at_once = self._legacy and self._scenario["config"].get("buffer") == "load"
        if at_once and tab not in self._pages:
            self._pages[tab] = self._open(tab, {}, now)
        if at_once and do in _AT_ONCE:
            self._shown[index] = self._pages[tab].do(do, args, now)
        elif do == "session_id":
            self._shown[index]["see"] = None
        else:
            self._waiting.setdefault(tab, []).append(index)
