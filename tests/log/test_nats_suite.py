"""The log on NATS keeps every promise of the port, on a real server."""

import pytest

from sojourn.log.jetstream.server import NatsServer
from sojourn.log.nats_log import NatsLog
from sojourn.testing.log_suite import EventLogSuite, OpenLog


class TestNatsLog(EventLogSuite):
    keeps_clock = False

    @pytest.fixture
    def open_log(self, where: NatsServer) -> OpenLog:
        return lambda partitions=None, clock=None: NatsLog(where, partitions, clock=clock)
