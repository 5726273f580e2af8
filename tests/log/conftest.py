"""A NATS server for each module, and logs on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Any

import pytest

from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.testing.nats_server import NatsServerProcess

from ..nats_or_skip import nats_or_skip

NUMBERS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServerProcess]:
    with nats_or_skip() as running:
        yield running


@pytest.fixture
def where(server: NatsServerProcess) -> NatsServer:
    """A name on it that is new for each test."""
    return NatsServer.of(f"{server.url}/log{next(NUMBERS)}")


@pytest.fixture
async def open_log(where: NatsServer) -> AsyncIterator[Callable[..., NatsLog]]:
    """Logs of one name, closed at the end."""
    opened: list[NatsLog] = []

    def open_it(**options: Any) -> NatsLog:
        opened.append(NatsLog(where, **options))
        return opened[-1]

    yield open_it
    for log in opened:
        await log.close()
