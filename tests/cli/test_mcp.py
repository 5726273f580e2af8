"""`sojourn mcp`, driven by the official client over standard input and output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from sojourn.app.data_directory import DataDirectory
from sojourn.app.platform import Platform
from sojourn.core.envelope import RequestMeta, pack_request
from sojourn.core.ports import RAW, Entry
from sojourn.settings import load

from ..program import SOJOURN


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    directory = DataDirectory(tmp_path / "data")
    directory.lock()
    platform = Platform(load(None, {}), directory)
    meta = RequestMeta("default", platform.clock.now_ms(), "192.0.2.1", "page", "b")
    body = json.dumps({"anonymousId": "v", "messageId": "m", "name": "Home"}).encode()
    await platform.log.append(RAW, [Entry("v", pack_request(meta, body))])
    await platform.close()
    directory.release()
    return directory.path


def content(answer: Any) -> Any:
    return json.loads(answer.content[0].text)


async def test_an_assistant_gets_figures_with_definition_sql_count_and_links(folder: Path) -> None:
    server = StdioServerParameters(
        command=str(SOJOURN), args=["mcp", "--data-dir", str(folder)], cwd=folder
    )
    async with stdio_client(server) as streams, ClientSession(*streams) as client:
        await client.initialize()
        assert {tool.name for tool in (await client.list_tools()).tools} == {
            "list_reports",
            "run_report",
            "query",
        }
        answer = content(
            await client.call_tool(
                "run_report", {"name": "overview", "parameters": {"traffic": "all"}}
            )
        )
        sessions = next(row for row in answer["rows"] if row["metric"] == "sessions")
        assert sessions["value"] == 1
        assert "/sessions?" in sessions["sessions_link"]
        assert answer["definition"]
        assert "SELECT" in answer["sql"].upper()
        found = content(await client.call_tool("query", {"sql": "SELECT views FROM sessions"}))
        assert (found["rows"], found["count"]) == ([[1]], 1)
