"""A site with Pyodide, our wheel and the JavaScript SDK on it, its data plane, a real browser."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PYODIDE = HERE / "node_modules" / "pyodide"
SDK = ROOT / "tests/browser/node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/esm"
KINDS = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm"}
CONFIG = {"source": {"id": "s", "name": "s", "config": {}, "destinations": []}}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, as it is published."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(folder)]
    subprocess.run([*command, "--no-build-isolation", str(ROOT)], check=True, timeout=100)
    (made,) = folder.glob("*.whl")
    return made


class Site:
    """The pages and the data plane, on one origin."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.requests: list[tuple[str, list[dict[str, Any]]]] = []
        self.up = True
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, body = site.get(self.path.partition("?")[0])
                self.answer(status, kind, body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = site.post(self.path, body)
                self.answer(status, "text/plain", b"ok")

            def answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def get(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/sourceConfig"):
            return 200, "application/json", json.dumps(CONFIG).encode()
        if path.endswith(".whl"):
            return 200, "application/zip", self.wheel.read_bytes()
        if path.startswith("/page"):
            text = (HERE / "page.html").read_text().replace("WHEEL", self.wheel.name)
            return 200, "text/html", text.encode()
        if path == "/worker.mjs":
            return 200, "text/javascript", (HERE / "worker.mjs").read_bytes()
        if path == "/blank":
            return 200, "text/html", b"<title>elsewhere</title>"
        for prefix, folder in (("/pyodide/", PYODIDE), ("/sdk/", SDK)):
            file = folder / path.removeprefix(prefix)
            if path.startswith(prefix) and file.is_file():
                kind = KINDS.get(file.suffix, "application/octet-stream")
                return 200, kind, file.read_bytes()
        return 404, "text/plain", b""

    def post(self, path: str, body: bytes) -> int:
        if not self.up:
            return 503
        event = json.loads(body)
        self.requests.append((path, event.get("batch") or [event]))
        return 200

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, batch in self.requests for event in batch]

    def named(self, name: str) -> dict[str, Any]:
        """The one event of this name, once it has arrived."""
        wait_for(lambda: any(event.get("event") == name for event in self.events))
        (found,) = [event for event in self.events if event.get("event") == name]
        return found

    def way_of(self, name: str) -> str:
        """The path on which an event came."""
        (found,) = [p for p, batch in self.requests if any(e.get("event") == name for e in batch)]
        return found


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="module")  # while it is there, no other event loop can run here
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    if not PYODIDE.exists():
        pytest.skip("needs `npm install` in tests/sdk/browser")
    flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", chromium_sandbox=False, args=flags
        )
        yield browser
        browser.close()


@pytest.fixture
def site(wheel: Path) -> Iterator[Site]:
    site = Site(wheel)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def page(chromium: Any, site: Site) -> Iterator[Any]:
    """A page of a fresh visitor; errors on it fail the test."""
    context = chromium.new_context()
    context.set_default_timeout(60_000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []
