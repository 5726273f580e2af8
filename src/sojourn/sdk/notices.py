"""What the SDK says in the program's log: little, and each thing once a minute at most.

The logger is `sojourn`. Nothing is configured; where the program configures no logging, nothing
is printed.
"""

from __future__ import annotations

import time

_EVERY_SECONDS = 60.0
_REMEMBERED = 100


def report(said: dict[str, float], text: str, *values: object) -> None:
    """Log a warning, unless the same was logged within the last minute. `said` remembers."""
    now, whole = time.monotonic(), text % values
    if now - said.get(whole, -_EVERY_SECONDS) < _EVERY_SECONDS:
        return
    if len(said) >= _REMEMBERED:
        said.clear()
    said[whole] = now
    import logging  # seldom needed, and a fifth of the import

    logger = logging.getLogger("sojourn")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # else Python prints where nobody configured
    logger.warning(text, *values)
