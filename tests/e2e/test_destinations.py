"""A server with a destination: events arrive, failures become dead letters, replays arrive."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import eventually, post, said_by, serving


class Hook(http.server.ThreadingHTTPServer):
    """A webhook that refuses the event called Refused while `strict`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict[str, Any]] = []
        self.strict = True

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.received if event.get("event") == name]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        refused = self.server.strict and event.get("event") == "Refused"
        if not refused:
            self.server.received.append(event)
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    running = Hook()
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def test_events_reach_a_webhook_and_what_it_refuses_can_be_sent_again(
    tmp_path: Path, hook: Hook
) -> None:
    config = tmp_path / "sojourn.toml"
    config.write_text(
        f"""
        [[sources]]
        name = "shop"
        write_key = "k-shop"
        [[destinations]]
        name = "hook"
        type = "webhook"
        url = "http://127.0.0.1:{hook.server_address[1]}/in"
        allow_internal = true
        sources = ["shop"]
        """
    )
    data_dir = tmp_path / "data"
    with serving(data_dir, "--config", str(config)) as server:
        for name in ("Kept", "Refused", "Kept"):
            body = json.dumps({"event": name, "userId": "u", "context": {"sessionId": 1700000000}})
            headers = {"Authorization": "Basic ay1zaG9wOg=="}  # k-shop:
            assert post(f"{server.url}/v1/track", body.encode(), headers) == (200, "ok")
        eventually(lambda: len(hook.named("Kept")) == 2)
        assert {e["context"]["sessionId"] for e in hook.named("Kept")} == {1700000000}

        folder = ("--data-dir", data_dir, "--config", config)
        listed = eventually(lambda: said_by("dead-letters", "list", "--json", *folder))
        letter = json.loads(listed)
        assert (letter["stage"], letter["reason"][:8]) == ("hook", "HTTP 400")
        shown = json.loads(said_by("dead-letters", "show", letter["id"], "--json", *folder))
        assert json.loads(shown["event"])["event"] == "Refused"

        hook.strict = False
        said_by("dead-letters", "replay", "--stage", "hook", *folder)
        eventually(lambda: len(hook.named("Refused")) == 1)
        status = json.loads(said_by("status", "--json", *folder))
        (destination,) = status["destinations"]
        assert (destination["name"], destination["delivered"]) == ("hook", 3)
        with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        assert 'sojourn_deliveries_total{destination="hook",outcome="delivered"} 3.0' in metrics
        assert 'sojourn_rejected_total{destination="hook",reason="HTTP 400"} 1.0' in metrics
