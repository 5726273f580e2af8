"""Another definition of a session, as somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sojourn.core.errors import InvalidSettings
from sojourn.insights.redefine import Policy
from sojourn.settings import parse_duration


@dataclass(frozen=True)
class Definition:
    """`timeout` and `max_length` as people write durations; empty: as it is. `source`: its id."""

    timeout: str = ""
    max_length: str = ""
    source: str = ""

    def rules(self, known: Mapping[str, Policy]) -> dict[str, Policy]:
        """The rules of every source that this changes. Raises `InvalidSettings`."""
        if not (self.timeout or self.max_length):
            raise InvalidSettings("what should change? Name a timeout or a maximum length")
        if self.source and self.source not in known:
            raise InvalidSettings(
                f"source '{self.source}' has no sessions; there are: {', '.join(known) or 'none'}"
            )
        timeout = _milliseconds("timeout", self.timeout)
        max_length = _milliseconds("maximum length", self.max_length)
        return {
            name: Policy(timeout or policy.timeout_ms, max_length or policy.max_length_ms)
            for name, policy in known.items()
            if self.source in ("", name)
        }


def _milliseconds(name: str, text: str) -> int:
    if not text:
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidSettings(f"{name} {error}") from None
