"""HTTP in, log out: the gateway speaks RudderStack's protocol."""

from sojourn.gateway.app import Gateway
from sojourn.gateway.limits import Limits
from sojourn.gateway.stats import Stats

__all__ = ["Gateway", "Limits", "Stats"]
