"""What the page of the sources says to paste does what it says."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sojourn.console.snippets import snippets

from .conftest import TESTS, Server, eventually

CONTROL_PLANE = {
    # Names of the SDKs' own set-up, by their documentation: every other name is a mistake.
    "Android": {
        "RudderClient", "getInstance", "this", "RudderConfig", "Builder", "withDataPlaneUrl",
        "withControlPlaneUrl", "withTrackLifecycleEvents", "true", "build",
    },
    "iOS": {
        "RSConfigBuilder", "builder", "alloc", "init", "withDataPlaneUrl", "withControlPlaneUrl",
        "withTrackLifecycleEvens", "YES", "RSClient", "getInstance", "config", "build",
    },
    "Kotlin": {
        "val", "analytics", "Analytics", "configuration", "Configuration", "application", "this",
        "writeKey", "dataPlaneUrl", "controlPlaneUrl",
    },
    "Swift": {
        "let", "analytics", "Analytics", "configuration", "Configuration", "writeKey",
        "dataPlaneUrl", "controlPlaneUrl",
    },
    "Flutter": {
        "import", "final", "config", "RudderConfigBuilder", "withDataPlaneUrl",
        "withControlPlaneUrl", "RudderController", "instance", "initialize", "build",
    },
    "React Native": {
        "import", "rudderClient", "from", "await", "setup", "dataPlaneUrl", "controlPlaneUrl",
        "trackAppLifecycleEvents", "true",
    },
}  # fmt: skip


def code_of(sdk: str, key: str = "the-key", url: str = "http://127.0.0.1:8080") -> str:
    (found,) = [one.code for one in snippets(key, url) if one.sdk == sdk]
    return found


def arrived(server: Server, kind: str, name: str = "") -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        events = server.events()
        return [e for e in events if e["type"] == kind and e.get("event", "") == name]

    event: dict[str, Any] = eventually(found)[0]
    return event


def run(command: list[str], home: Path, cwd: Path | None = None) -> None:
    environ = os.environ | {"HOME": str(home), "XDG_STATE_HOME": str(home)}
    done = subprocess.run(
        command, cwd=cwd or home, env=environ, capture_output=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("sdk", ["Python (Sojourn)", "Python (RudderStack)"])
def test_the_python_snippets_send(server: Server, tmp_path: Path, sdk: str) -> None:
    run([sys.executable, "-c", code_of(sdk, server.write_key, server.url)], tmp_path)
    arrived(server, "track", "Report Opened")


def test_the_node_snippet_sends(server: Server, tmp_path: Path) -> None:
    code = code_of("Node", server.write_key, server.url)
    run(["node", "-e", code], tmp_path, TESTS / "browser")
    assert arrived(server, "track", "Report Opened")["userId"] == "user-1"


def test_the_http_snippet_sends(server: Server, tmp_path: Path) -> None:
    run(["bash", "-c", code_of("HTTP", server.write_key, server.url)], tmp_path)
    assert arrived(server, "track", "Report Opened")["userId"] == "user-1"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".html": "text/html", ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """An empty folder on the web, but for the official SDK: the folder and its URL."""
    folder = tmp_path / "site"
    folder.mkdir()
    build = "@rudderstack/analytics-js/dist/npm/modern/bundled/esm/index.mjs"
    shutil.copy(TESTS / "browser" / "node_modules" / build, folder / "sdk.mjs")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_javascript_snippet_sends_a_page_view_with_a_session(
    server: Server, browser: Any, site: tuple[Path, str]
) -> None:
    folder, url = site
    imports = '{"imports": {"@rudderstack/analytics-js/bundled": "/sdk.mjs"}}'
    code = code_of("JavaScript", server.write_key, server.url)
    (folder / "mine.html").write_text(
        "<title>A page of mine</title>"
        f'<script type="importmap">{imports}</script><script type="module">{code}</script>'
    )
    context = browser.new_context()
    context.set_default_timeout(60_000)
    try:
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{url}/mine.html")
        event = arrived(server, "page")
        assert event["context"]["page"]["title"] == "A page of mine"
        assert event["context"]["sessionStart"] is True
        assert troubles == []
    finally:
        context.close()


@pytest.mark.parametrize("sdk", CONTROL_PLANE)
def test_the_mobile_snippets_name_what_the_sdks_have_and_both_urls(sdk: str) -> None:
    code = code_of(sdk)
    assert code.count('"http://127.0.0.1:8080"') == 2
    assert code.count('"the-key"') == 1
    names = set(re.findall(r"[A-Za-z]\w*", re.sub(r"\"[^\"]*\"|'[^']*'", "", code)))
    assert names == CONTROL_PLANE[sdk]
