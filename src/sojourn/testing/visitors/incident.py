"""Planted problems: what a report on problems ought to find, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Incident:
    """From `day` on, people of `segment` reach `step` less often.

    `step`: the event that is not reached, one of `STEPS`. `segment`: traits that must all be
    equal, named as in the sessions table: `platform` (`web`, `android`, `ios`), `browser`, `os`,
    `device` (`mobile`, `desktop`), `channel`; also `country`; empty: everybody. `day` and
    `until`: days after the beginning of the history, 0 the first; `until` is exclusive, None:
    it lasts. `effect`: the share of those who would have gone on that no longer do, 0 to 1.
    """

    step: str = "Payment Info Entered"
    segment: Mapping[str, str] = field(default_factory=dict)
    day: float = 9
    effect: float = 0.7
    until: float | None = None

    def strikes(self, step: str, traits: Mapping[str, str], day: float) -> bool:
        """Whether a person with these traits meets it at this step on this day."""
        return (
            step == self.step
            and day >= self.day
            and (self.until is None or day < self.until)
            and all(traits.get(name) == value for name, value in self.segment.items())
        )


STEPS: Final = (
    "Product Viewed",
    "Product Added",
    "Checkout Started",
    "Payment Info Entered",
    "Order Completed",
)
"""The way to an order, in order: the events that an `Incident` may name."""

SAFARI_PAYMENT: Final = Incident(
    step="Payment Info Entered",
    segment={"browser": "Mobile Safari", "os": "iOS"},
    day=9,
    effect=0.75,
)
"""The incident of the demo: the payment page breaks in Safari on iOS on the tenth day."""
