"""A disk that runs full: an alert while a warehouse is behind, a refusal when nothing fits."""

from __future__ import annotations

import base64
import json
import resource
from pathlib import Path
from typing import Any

from sojourn.testing.postgres_server import free_port

from .conftest import WRITE_KEY, Server, ask, eventually, post, run, said_by, serving

HEADERS = {"Authorization": "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()}
CONFIGURATION = """
[settings]
disk_budget = "300KB"
[[sources]]
name = "shop"
write_key = "{key}"
[[warehouses]]
name = "analytics"
type = "postgres"
url = "postgresql://nobody@127.0.0.1:{port}/none"
interval = "1s"
"""


def event(name: str, size: int = 50_000) -> bytes:
    """Much for the log and nothing for the tables: nulls have no columns."""
    properties = {"x" * size: None}
    body = {"event": "Opened", "anonymousId": "a", "messageId": name, "properties": properties}
    return json.dumps(body).encode()


def send(server: Server, name: str) -> tuple[int, str]:
    return post(f"{server.url}/v1/track", event(name), HEADERS)


def test_a_warehouse_that_is_down_long_is_an_alert_and_nothing_is_deleted(tmp_path: Path) -> None:
    config = tmp_path / "sojourn.toml"
    config.write_text(CONFIGURATION.format(key=WRITE_KEY, port=free_port()))
    with serving(tmp_path / "data", "--config", str(config)) as server:
        for number in range(20):
            assert send(server, f"m-{number}") == (200, "ok")
    with serving(tmp_path / "data", "--config", str(config), "--open-console") as server:
        (alert,) = eventually(lambda: over_budget(server, config), seconds=90)
        assert "warehouse:analytics (" in alert["text"]
        status, health = ask(f"{server.url}/health")
        assert (status, "disk_budget" in json.loads(health)["alerts"]) == (200, True)
        metrics = ask(f"{server.url}/metrics")[1]
        assert 'sojourn_alert{alert="disk_budget"} 1.0' in metrics
        assert 'sojourn_lag_entries{reader="warehouse:analytics"}' in metrics
        page = " ".join(ask(f"{server.url}/warehouse")[1].split())
        assert "The log takes" in page
        assert "warehouse:analytics (" in page
        shown = sojourn(server, config, "status")
        assert "Alert: The log takes" in " ".join(shown.split())
        assert len(server.events()) == 20
    assert "alert disk_budget: The log takes" in server.output.read_text()


def sojourn(server: Server, config: Path, *arguments: str) -> str:
    return said_by(*arguments, "--data-dir", server.data_dir, "--config", config)


def over_budget(server: Server, config: Path) -> list[dict[str, Any]]:
    alerts = json.loads(sojourn(server, config, "status", "--json"))["alerts"]
    return [alert for alert in alerts if alert["name"] == "disk_budget"]


def test_a_full_disk_refuses_so_that_sdks_try_again_and_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        pid = server.process.pid
        assert send(server, "m-first") == (200, "ok")
        log = server.data_dir / "log.db-wal"
        # No file may grow beyond this: to a program, a disk that is full.
        limit = log.stat().st_size + 1_000_000
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        acknowledged, refused = ["m-first"], None
        for number in range(100):
            answer = send(server, f"m-{number}")
            if answer[0] != 200:
                refused = answer
                break
            acknowledged.append(f"m-{number}")
        assert refused == (500, "the event log could not be written\n")
        assert ask(f"{server.url}/health") == (503, "Cannot connect to db\n")
        assert len(acknowledged) > 1

        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        eventually(lambda: send(server, "m-again") == (200, "ok"), seconds=60)
        expected = sorted([*acknowledged, "m-again"])
        eventually(
            lambda: sorted(one["messageId"] for one in server.events()) == expected, seconds=90
        )
        assert ask(f"{server.url}/health")[0] == 200
        eventually(lambda: loaded(server) == expected, seconds=90)


def loaded(server: Server) -> list[str]:
    query = 'SELECT id FROM "default".tracks ORDER BY id'
    done = run("sql", "--json", query, "--data-dir", server.data_dir)
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]
