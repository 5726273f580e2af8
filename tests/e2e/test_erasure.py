"""People are forgotten by a running server: from the shell, by the API, from the console."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import signal
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .conftest import TESTS, WRITE_KEY, Server, ask, eventually, post, run, said_by, serving

KEY = {"Authorization": "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()}
ANNA = "anna-4711"
SECRET = f"secret-of-{ANNA}"


def send(server: Server, number: int, **fields: Any) -> None:
    event = {"type": "track", "event": "Opened", "messageId": f"m{number}", **fields}
    body = json.dumps({"batch": [event]}).encode()
    assert post(f"{server.url}/v1/batch", body, KEY) == (200, "ok")


def send_two_people(server: Server) -> None:
    send(server, 1, anonymousId=f"device-of-{ANNA}")
    send(server, 2, anonymousId=f"device-of-{ANNA}", userId=ANNA, properties={"note": SECRET})
    send(server, 3, anonymousId="device-of-bert", userId="bert")
    eventually(lambda: len(server.sessions()) == 2)


def holds(folder: Path, marker: str) -> list[str]:
    """The files in which the marker stands."""
    files = (path for path in folder.iterdir() if path.is_file())
    return [path.name for path in files if marker.encode() in path.read_bytes()]


@contextmanager
def far_end() -> Iterator[tuple[str, list[Any]]]:
    """Amplitude's deletion API and a webhook: the URL, and what was asked."""
    asked: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"] or 0)
            asked.append((self.path, self.rfile.read(length).decode()))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_address[1]}", asked
    site.shutdown()
    site.server_close()


def test_a_person_is_forgotten_and_stays_forgotten(server: Server) -> None:
    send_two_people(server)
    folder = ["--data-dir", str(server.data_dir)]
    found = json.loads(said_by("forget", "--user-id", ANNA, "--dry-run", "--json", *folder))
    assert found["log"] == {"raw": 2, "events": 2}
    assert found["tables"]["session_events"] == 2
    assert len(server.events()) == 3
    receipt = json.loads(said_by("forget", "--user-id", ANNA, "--yes", "--json", *folder))
    assert receipt["complete"]
    assert receipt["users"] == [hashlib.sha256(ANNA.encode()).hexdigest()]
    deleted = {place["kind"]: place["deleted"] for place in receipt["places"]}
    assert deleted["log"] == {"raw": 2, "events": 2}
    assert deleted["tables"]["sessions"] == 1
    assert deleted["state"]["message_ids"] == 2
    assert [event["userId"] for event in server.events()] == ["bert"]
    assert [session["user_id"] for session in server.sessions()] == ["bert"]
    assert holds(server.data_dir, ANNA) == []
    # whatever comes later is answered and not kept; what others send is
    send(server, 4, userId=ANNA, anonymousId="another", properties={"note": SECRET})
    send(server, 5, userId="carl")
    eventually(lambda: [event["userId"] for event in server.events()] == ["bert", "carl"])
    assert holds(server.data_dir, ANNA) == []
    listed = said_by("forget", "--receipts", "--json", *folder)
    assert json.loads(listed)["id"] == receipt["id"]
    # and after a restart
    server.stop()
    with serving(server.data_dir) as again:
        send(again, 6, userId=ANNA)
        send(again, 7, userId="dora")
        eventually(lambda: [e["userId"] for e in again.events()] == ["bert", "carl", "dora"])
        assert holds(again.data_dir, ANNA) == []


def test_a_folder_without_a_server_forgets_as_well(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        send_two_people(server)
    folder = ["--data-dir", str(server.data_dir)]
    assert "Not complete" not in said_by("forget", "--user-id", ANNA, "--yes", *folder)
    assert holds(server.data_dir, ANNA) == []
    assert [event["userId"] for event in server.events()] == ["bert"]
    said_by("forget", "--user-id", "  ", "--yes", *folder, code=1)
    said_by("forget", "--yes", *folder, code=1)
    said_by("forget", "--user-id", "x", "--source", "none", "--yes", *folder, code=1)


def test_a_server_goes_on_with_an_erasure_that_was_killed(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        send(server, 1, userId="anna", properties={"note": SECRET})
        send(server, 2, userId="bert")
        eventually(lambda: len(server.sessions()) == 2)
    worker = TESTS / "erasure" / "erasing_worker.py"
    killed = run(server.data_dir, "10", script=worker)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert holds(server.data_dir, SECRET) != []
    with serving(server.data_dir) as again:
        receipts = ["forget", "--receipts", "--json", "--data-dir", str(again.data_dir)]
        receipt = json.loads(eventually(lambda: said_by(*receipts)))
        assert receipt["complete"]
        assert [event["userId"] for event in again.events()] == ["bert"]
        assert [session["user_id"] for session in again.sessions()] == ["bert"]
        assert holds(again.data_dir, SECRET) == []


def call(server: Server, method: str, path: str, token: str, body: Any = None) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(server.url + path, data=data, headers=headers, method=method)
    return ask(request)


def test_the_regulations_api_suppresses_deletes_and_cancels(tmp_path: Path) -> None:
    config = tmp_path / "sojourn.toml"
    with far_end() as (url, asked):
        config.write_text(
            '[[destinations]]\nname = "amplitude"\ntype = "amplitude"\n'
            f'api_key = "k"\napi_secret = "s"\nurl = "{url}"\n'
        )
        with serving(tmp_path / "data", "--config", str(config), "--open-console") as server:
            token = make_token(server, "admin")
            assert call(server, "GET", "/v2/regulations", "")[0] == 401
            assert call(server, "GET", "/v2/regulations", make_token(server, "read"))[0] == 403
            for wrong in ({}, {"regulationType": "x", "users": [{"userId": "u"}]},
                          {"regulationType": "suppress", "users": [{"email": "e"}]},
                          {"regulationType": "suppress_with_delete", "users": [{"userId": "u"}]},
                          {"regulationType": "suppress", "users": [{"userId": "u"}],
                           "sourceIds": ["a"], "destinationIds": ["b"]}):  # fmt: skip
                status, words = call(server, "POST", "/v2/regulations", token, wrong)
                assert status == 400, words
            send_two_people(server)
            wanted = {"regulationType": "suppress", "users": [{"userId": "bert"}]}
            assert call(server, "POST", "/v2/regulations", token, wanted) == (201, "Created")
            send(server, 10, userId="bert")
            wanted = {
                "regulationType": "suppress_with_delete",
                "destinationIds": ["amplitude"],
                "users": [{"userId": ANNA, "email": f"{ANNA}@example.org"}],
            }
            assert call(server, "POST", "/v2/regulations", token, wanted) == (201, "Created")
            eventually(lambda: said_by("forget", "--receipts", "--json", "--data-dir",
                                   str(server.data_dir)))  # fmt: skip
            assert holds(server.data_dir, ANNA) == []
            assert [event["userId"] for event in server.events()] == ["bert"]
            told = [json.loads(body) for path, body in asked if path == "/api/2/deletions/users"]
            assert [one["user_ids"] for one in told] == [[ANNA]]
            status, text = call(server, "GET", "/v2/regulations", token)
            first, second = json.loads(text)["data"]
            assert status == 200
            assert first["regulationType"] == "suppress"
            assert second["attributes"]["destinationIds"] == ["amplitude"]
            path = "/v2/regulations?after_cursor=0"
            (after,) = json.loads(call(server, "GET", path, token)[1])["data"]
            assert after == second
            assert call(server, "DELETE", f"/v2/regulations/{first['id']}", token)[0] == 204
            assert call(server, "DELETE", "/v2/regulations/none", token)[0] == 404
            shown = json.loads(call(server, "GET", f"/v2/regulations/{first['id']}", token)[1])
            assert shown["canceled"] is True
            send(server, 11, userId="bert")
            eventually(lambda: len(server.events()) == 2)


def make_token(server: Server, scope: str) -> str:
    """An API token, made as the console makes one."""
    import re

    import httpx

    with httpx.Client(base_url=server.url) as client:
        page = client.get("/settings").text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)
        assert csrf is not None
        fields = {"name": f"t-{scope}", "scope": scope, "csrf": csrf[1]}
        made = client.post("/settings/tokens", data=fields, headers={"Origin": server.url}).text
    found = re.search(r"sojourn_[\w-]+", made)
    assert found is not None, made
    return found[0]


def test_the_console_forgets_a_person_and_shows_how_far_it_is(tmp_path: Path, browser: Any) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)
    with serving(tmp_path / "data", "--open-console") as server:
        send_two_people(server)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server.url}/settings")
        part = page.get_by_role("region", name="People to forget")
        expect(part).to_contain_text("Nobody was forgotten yet.")
        page.on("dialog", lambda dialog: dialog.accept())
        part.get_by_label("User id").fill(ANNA)
        part.get_by_role("button", name="Forget").click()
        expect(page.get_by_role("status")).to_contain_text("has begun")
        page.get_by_role("link", name="Back").click()
        row = page.get_by_role("region", name="People to forget").get_by_role("row").nth(1)
        expect(row).to_contain_text(hashlib.sha256(ANNA.encode()).hexdigest()[:12])
        expect(row).to_contain_text("done")
        expect(page.get_by_role("region", name="Changes")).to_contain_text("forget")
        page.close()
        assert holds(server.data_dir, ANNA) == []
        assert [event["userId"] for event in server.events()] == ["bert"]
