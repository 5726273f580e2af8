"""The official server-side SDKs, unchanged, and what phones send."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import TESTS, Server, eventually

PHONES = Path(__file__).parent / "phones.jsonl"
RECORDED = TESTS.parent.parent / "shared" / "reference" / "mobile-batches.jsonl"

NODE_SCRIPT = """
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");
const [key, url] = process.argv.slice(1);
const client = new RudderAnalytics(key, { dataPlaneUrl: url, flushAt: 20 });
for (let i = 0; i < 12; i++) {
  client.track({ userId: "node-user", event: "From Node", properties: { i } });
}
client.identify({ userId: "node-user", traits: { plan: "pro" } });
client.flush(() => process.exit(0));
"""

PYTHON_SCRIPT = """
import sys
import rudderstack.analytics as rudder
rudder.write_key, rudder.dataPlaneUrl = sys.argv[1:]
for i in range(12):
    rudder.track("python-user", "From Python", {"i": i})
rudder.identify("python-user", {"plan": "pro"})
rudder.flush()
"""


def assert_stored_with_a_session(server: Server, user: str, event: str) -> None:
    def all_there() -> list[dict[str, Any]]:
        found = [e for e in server.events() if e.get("userId") == user]
        return found if len(found) == 13 else []

    events = eventually(all_there)
    tracked = sorted(e["properties"]["i"] for e in events if e.get("event") == event)
    assert tracked == list(range(12))
    (session,) = eventually(server.sessions)
    assert (session["events"], session["user_id"], session["provenance"]) == (13, user, "inferred")


def test_the_official_node_sdk_sends_unchanged(server: Server) -> None:
    done = subprocess.run(
        ["node", "-e", NODE_SCRIPT, server.write_key, server.url],
        cwd=TESTS / "browser",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_stored_with_a_session(server, "node-user", "From Node")


def test_the_official_python_sdk_sends_unchanged(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PYTHON_SCRIPT, server.write_key, server.url],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_stored_with_a_session(server, "python-user", "From Python")


def phone_requests() -> list[dict[str, Any]]:
    """Requests as the Android and the Kotlin SDK make them; recorded ones too, where there are."""
    own = [json.loads(line) for line in PHONES.read_text().splitlines()]
    if RECORDED.is_file():
        own += [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return own


@pytest.mark.parametrize("request_made", phone_requests(), ids=lambda r: r["recorded_from"])
def test_the_requests_of_phones_make_sessions(server: Server, request_made: dict[str, Any]) -> None:
    assert send(server, request_made) == (200, b"ok")
    sent = json.loads(request_made["body"])["batch"]

    def all_there() -> list[dict[str, Any]]:
        found = server.events()
        return found if len(found) == len(sent) else []

    assert {e["messageId"] for e in eventually(all_there)} == {e["messageId"] for e in sent}
    carried = {e["context"]["sessionId"] * 1000 for e in sent}
    eventually(lambda: {s["session_id"] for s in server.sessions()} == carried)


def send(server: Server, request_made: dict[str, Any]) -> tuple[int, bytes]:
    given = request_made["headers"]
    headers = {name: given[name] for name in ("Content-Type", "AnonymousId")}
    headers["Authorization"] = "Basic " + base64.b64encode(f"{server.write_key}:".encode()).decode()
    body = request_made["body"].encode()
    if given.get("Content-Encoding") == "gzip":
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    chunked = given.get("Transfer-Encoding") == "chunked"
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    try:
        connection.request(
            request_made["method"],
            request_made["path"],
            iter([body]) if chunked else body,
            headers,
            encode_chunked=chunked,
        )
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
