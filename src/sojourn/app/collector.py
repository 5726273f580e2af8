"""The garbage collector of a server."""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 100)
"""Of the three generations; Python's own first one is 700."""


def calm_collector() -> None:
    """Have the garbage collector look less often, and not at what stays for good.

    A request and a lot of events make thousands of objects that reference counts let go of.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
