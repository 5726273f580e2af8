"""What holds for all tests: what a made-up example may take, and which tests run together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long a made-up example takes says nothing on a busy machine.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

TOGETHER = {"tests/console", "tests/docs", "tests/engines"}
"""Folders whose tests share what takes long to make."""


def scope_of(nodeid: str) -> str:
    """What a test is run together with, in one process: its file, or its folder."""
    file = nodeid.split("::", 1)[0]
    folder = file.rsplit("/", 1)[0]
    return folder if folder in TOGETHER else file


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that at the end no process waits long for another."""
    first = {scope_of(item.nodeid) for item in items if item.get_closest_marker("slow")}
    first |= {scope_of(item.nodeid) for item in items if scope_of(item.nodeid) in TOGETHER}
    items.sort(key=lambda item: scope_of(item.nodeid) not in first)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole files go to a process: what a module shares is made once, not in every process."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return ByFile(config, log)
