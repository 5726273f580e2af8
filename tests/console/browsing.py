"""A browser on the console."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page, expect

PATIENCE_S = 60
"""How long to wait for what a page is about to show: the machine may be busy with other tests."""

expect.set_options(timeout=PATIENCE_S * 1000)


@contextlib.contextmanager
def opening(browser: Browser, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page in a fresh profile, and what goes wrong on it."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_S * 1000)
    page, troubles = context.new_page(), []
    page.on("console", lambda said: troubles.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
    try:
        yield page, troubles
    finally:
        context.close()


def ask(served: Any, path: str) -> Any:
    with urllib.request.urlopen(served.url + path, timeout=PATIENCE_S) as answer:
        return json.load(answer)


def first_key(served: Any) -> str:
    report = ask(served, "/api/reports/sessions?converted=yes&limit=1&sort=events")
    key: str = report["rows"][0][report["columns"].index("session_key")]
    return key
