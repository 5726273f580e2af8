"""A NATS server for tests, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sojourn.core.errors import MissingPart
from sojourn.testing.nats_server import NatsServerProcess, nats_server


@contextmanager
def nats_or_skip(extra: str = "") -> Iterator[NatsServerProcess]:
    """A server; `extra`: more lines for its configuration. Without one the test is skipped."""
    try:
        with nats_server(extra) as running:
            yield running
    except MissingPart as missing:
        pytest.skip(str(missing))
