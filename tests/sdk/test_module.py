"""The functions of the module `sojourn`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sojourn
from sojourn.sdk.version import VERSION


def test_the_module_does_nothing_until_it_is_configured(
    stub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert sojourn.track("E", user_id="u") is None
    assert sojourn.page("P") is None
    assert "before sojourn.configure()" in caplog.text
    assert len(caplog.records) == 1
    c = sojourn.configure("key", stub.url)
    assert sojourn.get_client() is c
    sojourn.track("E", user_id="u")
    sojourn.page("P", user_id="u")
    sojourn.screen("S", user_id="u")
    sojourn.identify("u")
    sojourn.group("g", user_id="u")
    sojourn.alias("v", "u")
    assert sojourn.flush()
    assert stub.names == ["E", "page", "screen", "identify", "group", "alias"]
    other = sojourn.configure("key", stub.url)
    assert c.track("late", user_id="u") is None
    other.close()


def test_everything_the_module_promises_is_there() -> None:
    for name in sojourn.__all__:
        assert getattr(sojourn, name) is not None
        assert name in dir(sojourn)
    with pytest.raises(AttributeError):
        sojourn.nothing  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{VERSION}"\n' in project
