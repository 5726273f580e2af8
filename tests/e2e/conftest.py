"""A real server in a process of its own, a page server, a real browser."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..program import Done, Running
from ..program import run as run_program

TESTS = Path(__file__).parent.parent
WRITE_KEY = "test-write-key-0123456789"


class Server:
    """A `sojourn serve` on a free port."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.data_dir = data_dir
        self.write_key = WRITE_KEY
        self.output = data_dir.parent / f"{data_dir.name}.out"
        with self.output.open("ab") as output:
            self.process = Running(
                "serve", "--port", "0", "--data-dir", data_dir, *arguments,
                stdout=output, stderr=output, env=environment(),
            )  # fmt: skip
        self.url = eventually(self._listening, seconds=60)["url"]

    def _listening(self) -> dict[str, Any] | None:
        assert self.process.poll() is None, self.output.read_text()
        try:
            found: dict[str, Any] = json.loads((self.data_dir / "serve.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return found if found["pid"] == self.process.pid else None

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, as a service manager stops it."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=60)

    def events(self) -> list[dict[str, Any]]:
        """What `sojourn export events` prints."""
        return exported("events", self.data_dir)

    def sessions(self) -> list[dict[str, Any]]:
        """What `sojourn export sessions` prints."""
        return exported("sessions", self.data_dir)


def exported(kind: str, data_dir: Path) -> list[dict[str, Any]]:
    written = said_by("export", kind, "--data-dir", data_dir, "--json")
    return [json.loads(line) for line in written.split("\n") if line]


def environment(**more: str) -> dict[str, str]:
    """Where programs of the tests run: wide, and with a write key."""
    return os.environ | {"SOJOURN_WRITE_KEY": WRITE_KEY, "COLUMNS": "200"} | more


def run(*arguments: str | Path, script: Path | None = None, **environ: str) -> Done:
    """Run a command to its end, whatever that is."""
    return run_program(*arguments, script=script, env=environment(**environ))


def said_by(*arguments: str | Path, code: int = 0) -> str:
    """What a command prints; it must end so."""
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    return done.stdout


def eventually(probe: Callable[[], Any], seconds: float = 60) -> Any:
    """The first truthy answer of `probe`; fails when there is none before the deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {probe}"
        time.sleep(0.05)
    return answer


@contextmanager
def serving(data_dir: Path, *arguments: str) -> Iterator[Server]:
    server = Server(data_dir, *arguments)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as running:
        yield running
        assert running.stop() == 0, running.output.read_text()
        written = running.output.read_text()
        assert not re.search(r"Traceback|ERROR", written), written


class _Pages(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        if path.startswith("/sdk/"):
            build = "@rudderstack/analytics-js/dist/npm/modern/bundled/esm"
            name = path.removeprefix("/sdk/").split("?")[0]
            return str(TESTS / "browser" / "node_modules" / build / name)
        return super().translate_path(path)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def pages() -> Iterator[str]:
    """The URL of a small site with the official SDK on it."""
    handler = functools.partial(_Pages, directory=str(Path(__file__).parent / "pages"))
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://localhost:{site.server_address[1]}"
    site.shutdown()
    site.server_close()


@pytest.fixture(scope="module")  # while it is there, no other event loop can run here
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        )  # fmt: skip
        yield chromium
        chromium.close()


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    return ask(urllib.request.Request(url, data=body, headers=headers))


def ask(request: urllib.request.Request | str) -> tuple[int, str]:
    """Status and text of the answer, whatever it is."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
