"""Simulated visitors of a small shop, as the requests that the official SDKs would send.

>>> history = visitors(seed=1, people=20, days=3, now_ms=1_795_500_000_000)
>>> next(history).path
'/v1/batch'

People come from channels, in browsers and apps, return, sign in, search, buy, get stuck; a
share of them only look once. Problems can be planted (`Incident`) or not. All of it is a pure
function of its arguments. What the events are called:

* views: `Home`, `Category`, `Product`, `Search`, `Cart`, `Checkout`, `Payment`, `Thanks`, …
* the way to an order: `STEPS`
* clicks: `Element Clicked` with `element`; errors: `Error Occurred` with `message`, `fatal`
"""

from sojourn.testing.visitors.incident import SAFARI_PAYMENT, STEPS, Incident
from sojourn.testing.visitors.traffic import Sending, live, visitors

__all__ = ["SAFARI_PAYMENT", "STEPS", "Incident", "Sending", "live", "visitors"]
