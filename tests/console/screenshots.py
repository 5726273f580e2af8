"""Take a picture of every page of a running console, light and dark, wide and narrow.

    python tests/console/screenshots.py http://127.0.0.1:8080 docs/screenshots

The console must be open to this machine (`sojourn serve --demo --open-console`).
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

FUNNEL = "/funnels?steps=Product+Viewed%7CProduct+Added%7CCheckout+Started%7COrder+Completed"
PAGES = {
    "overview": "/",
    "live": "/live",
    "sessions": "/sessions",
    "session": "/sessions/{key}",
    "journeys": "/journeys",
    "compared": "/journeys?device=desktop&compare=device%3Dmobile",
    "funnels": FUNNEL,
    "retention": "/retention",
    "problems": "/problems",
    "sources": "/sources",
    "destinations": "/destinations",
    "warehouse": "/warehouse",
    "settings": "/settings",
}
SIZES = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 390, "height": 844}}


def main(url: str, folder: Path) -> None:
    """Write `NAME-SCHEME-SIZE.png` for every page into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(f"{url}/api/reports/sessions?errored=yes&limit=1") as answer:
        key = json.load(answer)["rows"][0][0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for scheme in ("light", "dark"):
            for size in SIZES:
                take(browser, url, key, folder, scheme, size)
        browser.close()


def take(browser: Browser, url: str, key: str, folder: Path, scheme: str, size: str) -> None:
    """All pages in one light and one size."""
    context = browser.new_context(color_scheme=scheme, viewport=SIZES[size])
    page = context.new_page()
    for name, path in PAGES.items():
        page.goto(url + path.replace("{key}", key))
        page.wait_for_selector("[aria-busy]", state="detached")
        page.screenshot(path=folder / f"{name}-{scheme}-{size}.png")
    context.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
