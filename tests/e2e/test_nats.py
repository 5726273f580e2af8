"""`sojourn serve` with its log on NATS: events become sessions, over restarts of both."""

from __future__ import annotations

import base64
import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sojourn.testing.nats_server import NatsServerProcess

from ..nats_or_skip import nats_or_skip
from ..program import Running
from .conftest import WRITE_KEY, Server, environment, eventually, post, run, serving

NUMBERS = count()
PASSWORD = "not-for-the-output"
AUTHORIZATION = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()


@pytest.fixture
def nats_running() -> Iterator[NatsServerProcess]:
    with nats_or_skip(f"authorization {{ user: shop, password: {PASSWORD} }}") as running:
        yield running


@pytest.fixture
def config(
    tmp_path: Path, nats_running: NatsServerProcess, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("NATS_PASSWORD", PASSWORD)
    path = tmp_path / "sojourn.toml"
    path.write_text(
        f'[settings]\nlog = "{nats_running.url}/shop"\n'
        'nats_user = "shop"\nnats_password = "env:NATS_PASSWORD"\n'
    )
    return path


def send(server: Server | Gateway, *minutes: int) -> int:
    events = [
        {
            "type": "page",
            "messageId": f"m{minute}",
            "anonymousId": "v",
            "originalTimestamp": f"2026-03-01T08:{minute:02}:00.000Z",
            "sentAt": f"2026-03-01T08:{minute:02}:00.000Z",
            "properties": {"url": f"https://shop.example/{minute}"},
        }
        for minute in minutes
    ]
    body = json.dumps({"batch": events}).encode()
    return post(f"{server.url}/v1/batch", body, {"Authorization": AUTHORIZATION})[0]


def stored(server: Server, kind: str) -> list[dict[str, Any]]:
    """As `sojourn export`, without the start of a process."""
    token = json.loads((server.data_dir / "serve.json").read_text())["token"]
    request = urllib.request.Request(
        f"{server.url}/control/export/{kind}", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [json.loads(line) for line in answer]


def counted(server: Server) -> int:
    return sum(session["events"] for session in stored(server, "sessions"))


class Gateway:
    """A `sojourn gateway` on a free port."""

    def __init__(self, config: Path) -> None:
        self.output = config.parent / f"gateway-{next(NUMBERS)}.out"
        with self.output.open("wb") as output:
            self.process = Running(
                "gateway", "--port", "0", "--config", config,
                stdout=output, stderr=output, env=environment(),
            )  # fmt: skip

    @cached_property
    def url(self) -> str:
        return str(eventually(self._listening))

    def _listening(self) -> str:
        written = self.output.read_text()
        assert self.process.poll() is None, written
        found = re.search(r"config URL: (http://\S+)\n", written)
        return found[1] if found else ""


@contextmanager
def gateway(config: Path) -> Iterator[Gateway]:
    running = Gateway(config)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_events_become_sessions_over_restarts_of_either(
    tmp_path: Path, config: Path, nats_running: NatsServerProcess
) -> None:
    data = tmp_path / "data"
    with serving(data, "--config", str(config)) as server:
        assert send(server, 0, 1, 2) == 200
        eventually(lambda: counted(server) == 3)
        nats_running.kill()
        nats_running.start()
        assert send(server, 3, 4) == 200
        eventually(lambda: counted(server) == 5)
        shown = run("status", "--data-dir", data, "--config", config).stdout
        assert f"{nats_running.url}/shop" in shown
        server.kill()
    with serving(data, "--config", str(config)) as server:
        assert send(server, 5) == 200
        eventually(lambda: counted(server) == 6)
        assert len(stored(server, "events")) == 6
        assert server.stop() == 0
        assert PASSWORD not in server.output.read_text()
    assert not (data / "log.db").exists()
    alone = run("status", "--json", "--data-dir", data, "--config", config)
    status = json.loads(alone.stdout)
    assert status["log"]["kind"] == "nats"
    assert status["readers"]["processor"]["entries"] == 0
    replayed = run("warehouse", "replay", tmp_path / "other.duckdb", "--data-dir", data,
                       "--config", config)  # fmt: skip
    assert "6 events are in" in replayed.stdout, replayed.stderr


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_gateways_alone_take_events_for_the_one_that_makes_sessions(
    tmp_path: Path, config: Path
) -> None:
    data = tmp_path / "data"
    with gateway(config) as one, serving(data, "--config", str(config)) as main:
        with gateway(config) as other:
            assert send(one, 0, 1) == 200
            assert send(other, 2) == 200
            eventually(lambda: counted(main) == 3)
            other.process.kill()
        main.stop()
        assert send(one, 3) == 200, "what makes the sessions is away"
    with serving(data, "--config", str(config)) as main:
        eventually(lambda: counted(main) == 4)


def test_a_gateway_alone_needs_a_shared_log_and_sources(tmp_path: Path, config: Path) -> None:
    for text, said in (("", "set log = nats://"), (config.read_text(), "there is no source")):
        config.write_text(text)
        started = run("gateway", "--port", "0", "--config", config, SOJOURN_WRITE_KEY="")
        assert started.returncode == 1
        assert said in started.stderr
        assert "Traceback" not in started.stderr


def test_a_server_that_is_not_there_is_said_in_one_sentence(
    tmp_path: Path, config: Path, nats_running: NatsServerProcess
) -> None:
    nats_running.stop()
    started = run("serve", "--port", "0", "--data-dir", tmp_path / "data", "--config", config)
    assert started.returncode == 1
    assert f"{nats_running.url}/shop cannot be reached" in started.stderr
    assert "Traceback" not in started.stderr
    assert PASSWORD not in started.stderr
