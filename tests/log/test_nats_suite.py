"""The log on NATS keeps every promise of the port, on a real server."""

from collections.abc import Iterator
from itertools import count

import pytest

from sojourn.core.errors import MissingPart
from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.testing.log_suite import EventLogSuite, OpenLog
from sojourn.testing.nats_server import NatsServerProcess, nats_server

NUMBERS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServerProcess]:
    try:
        with nats_server() as running:
            yield running
    except MissingPart as missing:
        pytest.skip(str(missing))


class TestNatsLog(EventLogSuite):
    keeps_clock = False

    @pytest.fixture
    def open_log(self, server: NatsServerProcess) -> OpenLog:
        where = NatsServer.of(f"{server.url}/log{next(NUMBERS)}")
        return lambda partitions=None, clock=None: NatsLog(where, partitions, clock=clock)
