"""What a refusal looks like, and an event that is none's fault."""

from __future__ import annotations

import gzip
from typing import Any

from .conftest import Server

GOOD = b'{"anonymousId":"a"}'
ZIPPED = gzip.compress(GOOD, mtime=0)  # without the time: names of tests are made of it


def assert_refused(server: Server, answer: Any, status: int, text: str) -> None:
    assert (answer.status, answer.text) == (status, text + "\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Origin"
    assert server.stored() == []
