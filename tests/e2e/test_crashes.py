"""`kill -9` under load: nothing acknowledged is missing, nothing is doubled."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from pathlib import Path

from .conftest import WRITE_KEY, Server, exported, said_by

ROUNDS = 10
AUTHORIZATION = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()


class Client(threading.Thread):
    """Sends batches of events one after another and remembers those that were acknowledged."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._url = url
        self.acknowledged: list[str] = []
        self.sent: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._url.removeprefix("http://"), timeout=10)
        with contextlib.closing(connection):
            self._send_on(connection)

    def _send_on(self, connection: http.client.HTTPConnection) -> None:
        for number in range(1_000_000):
            ids = [f"{self.name}-{number}-{place}" for place in range(10)]
            body = json.dumps({"batch": [self._event(message_id) for message_id in ids]})
            self.sent += ids
            try:
                connection.request("POST", "/v1/batch", body, {"Authorization": AUTHORIZATION})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                return  # the server is gone
            assert answer.status == 200
            self.acknowledged += ids

    def _event(self, message_id: str) -> dict[str, object]:
        return {
            "type": "track",
            "event": "Ticked",
            "messageId": message_id,
            "anonymousId": self.name,
            "context": {"sessionId": 1_700_000_000_000},
        }


def test_ten_kills_under_load_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    randomness = random.Random(7)
    acknowledged: list[str] = []
    sent: set[str] = set()
    for round_number in range(ROUNDS):
        server = Server(data_dir)
        clients = [Client(server.url, f"r{round_number}c{place}") for place in range(4)]
        for client in clients:
            client.start()
        # How long the load lasts before the kill is the point of the test.
        time.sleep(randomness.uniform(0.2, 0.8))
        server.kill()
        for client in clients:
            client.join(timeout=15)
            acknowledged += client.acknowledged
            sent |= set(client.sent)

    assert len(acknowledged) > 1000
    stored = Counter(event["messageId"] for event in exported("events", data_dir))
    assert set(acknowledged) - set(stored) == set()
    assert set(stored) <= sent
    assert max(stored.values()) == 1
    for table in ('"default".tracks', '"default".ticked', "session_events"):
        assert rows(data_dir, table) == (len(stored), len(stored)), table


def rows(data_dir: Path, table: str) -> tuple[int, int]:
    """All rows of a table, and the different messages among them."""
    key = "message_id" if table == "session_events" else "id"
    query = f"SELECT count(*) AS n, count(DISTINCT {key}) AS different FROM {table}"
    answer = json.loads(said_by("sql", "--json", "--data-dir", data_dir, query))
    return answer["n"], answer["different"]
