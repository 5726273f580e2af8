"""Funnels, reports and segments: from `sojourn.toml`, and out and in from the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

Sojourn = Callable[..., Any]
CONFIGURED = """
[funnels."To the order"]
steps = ["Product Viewed", "Order Completed"]

[reports."Channels of phones"]
report = "breakdown"
by = "channel"
device = "mobile"

[segments.Newsletter]
channel = "Email"
"""


def test_what_the_configuration_names_is_in_the_console_and_stays_as_it_is(
    sojourn: Sojourn, serving: Any, tmp_path: Path
) -> None:
    (tmp_path / "sojourn.toml").write_text(CONFIGURED)
    with serving("--open-console") as server, httpx.Client(base_url=server["url"]) as client:
        funnels = client.get("/funnels", timeout=60).text
        assert "/funnels?steps=Product+Viewed%7COrder+Completed" in funnels
        overview = client.get("/", timeout=60).text
        assert "/?channel=Email" in overview
        assert "/breakdown?by=channel&amp;device=mobile" in overview
        assert client.get("/settings", timeout=60).text.count("in the configuration file") == 3

        refused = sojourn(
            "saved", "import", "-", said=CONFIGURED.replace("Email", "SMS"), fails=True
        )
        assert "'Newsletter' stands in the configuration file" in refused.stderr
        assert "Saved 0" in sojourn("saved", "import", "-", said=CONFIGURED).stdout


def test_what_is_exported_comes_in_elsewhere(
    sojourn: Sojourn, serving: Any, tmp_path: Path
) -> None:
    with serving():
        assert sojourn("saved", "export").stdout == ""
        assert "Saved 3" in sojourn("saved", "import", "-", said=CONFIGURED).stdout
        exported = sojourn("saved", "export").stdout
    assert sojourn("saved", "export").stdout == exported, "the same without a server"
    document = tomllib.loads(exported)
    assert document["funnels"] == {"To the order": {"steps": "Product Viewed|Order Completed"}}
    (tmp_path / "views.toml").write_text(exported)
    (tmp_path / "elsewhere").mkdir()
    there = ("--data-dir", "elsewhere")
    sojourn("saved", "import", "views.toml", *there)
    assert sojourn("saved", "export", *there).stdout == exported


def test_a_view_that_makes_no_sense_stops_the_start_with_its_key(
    sojourn: Sojourn, tmp_path: Path
) -> None:
    for text, words in (
        ("[funnels.x]\nstep = 'a'", "sojourn.toml: funnels.x.steps is missing"),
        ("[funnels.x]\nsteps = 'a|b'\ncolour = 'red'", "funnels.x.colour: the report 'funnel' has"),
        ("[reports.x]\nby = 'channel'", "reports.x.report is missing"),
        ("[reports.x]\nreport = 'nope'", "reports.x.report is 'nope', which has no page; there"),
        ("[reports.x]\nreport = 'breakdown'\nby = 'hat'", "reports.x.by: 'hat' is none of"),
        ("[segments.x]\nchannel = { a = 1 }", "segments.x.channel must be text"),
        ("[segments.x]\n", "segments.x says nothing"),
        ("segments = 3", "segments must be a table, such as [segments.name]"),
    ):
        (tmp_path / "sojourn.toml").write_text(text)
        refused = sojourn("serve", "--port", "0", "--open-console", fails=True)
        assert words in refused.stderr, text
        assert "sojourn.toml" in refused.stderr


def test_an_import_that_is_partly_wrong_saves_nothing(sojourn: Sojourn, tmp_path: Path) -> None:
    (tmp_path / "sojourn-data").mkdir()
    partly = CONFIGURED + "[segments.Wrong]\nhat = 'red'\n"
    refused = sojourn("saved", "import", "-", said=partly, fails=True)
    assert "segments.Wrong.hat" in refused.stderr
    assert sojourn("saved", "export").stdout == ""
    assert "cannot be read" in sojourn("saved", "import", "nowhere.toml", fails=True).stderr
