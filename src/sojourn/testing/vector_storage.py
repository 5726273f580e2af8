"""A browser's storage, as far as session vectors need it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

__all__ = ["Browser", "Storage"]

_COOKIE, _LOCAL, _SESSION = "cookieStorage", "localStorage", "sessionStorage"
_BEFORE_CONSENT: dict[Any, frozenset[str] | None] = {
    None: None,
    "none": frozenset(),
    "session": frozenset(("rl_session",)),
    "anonymousId": frozenset(("rl_anonymous_id",)),
}
"""What the strategies before consent keep; None: everything."""


class Browser:
    """Cookies and local storage for all tabs, session storage for each."""

    def __init__(self) -> None:
        self._shared: dict[str, dict[str, str]] = {_COOKIE: {}, _LOCAL: {}}
        self._tabs: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def storage(self, tab: str, config: Mapping[str, Any]) -> Storage:
        """The storage of a page, as the page's configuration chooses it."""
        places = {**self._shared, _SESSION: self._tabs[tab]}
        kept = _BEFORE_CONSENT[config.get("pre_consent")]
        return Storage(config.get("storage") or _COOKIE, places, kept)

    def clear(self) -> None:
        """The visitor clears the site data."""
        for place in (*self._shared.values(), *self._tabs.values()):
            place.clear()

    def close_tab(self, tab: str) -> None:
        """Session storage ends with its tab."""
        self._tabs.pop(tab, None)


class Storage:
    """The values of one page, in the place that the page chose."""

    def __init__(
        self, kind: str, places: Mapping[str, dict[str, str]], kept: frozenset[str] | None
    ) -> None:
        self._places = places
        self._place: dict[str, str] | None = {} if kind == "memoryStorage" else places.get(kind)
        self._kept = kept

    def keeps(self, key: str) -> bool:
        """Whether a value is stored at all."""
        return self._place is not None and (self._kept is None or key in self._kept)

    def consent(self) -> None:
        """From now on everything is kept."""
        self._kept = None

    def load(self) -> dict[str, Any]:
        """All values. Those found in other places move over."""
        if self._place is None:
            return {}
        for place in self._places.values():
            if place is self._place:
                continue
            for key in [key for key in place if self.keeps(key)]:
                self._place[key] = place.pop(key)
        return {key: self.get(key) for key in self._place if self.keeps(key)}

    def get(self, key: str) -> Any:
        """One value, or None."""
        if self._place is None or not self.keeps(key) or key not in self._place:
            return None
        return json.loads(self._place[key])

    def found(self, key: str) -> Any:
        """One value, wherever it lies in the browser but in a page's memory, or None."""
        texts = [place[key] for place in self._places.values() if key in place]
        return json.loads(texts[0]) if texts else None

    def save(self, changes: Mapping[str, Any]) -> None:
        """Write the values; None removes one."""
        for key, value in changes.items():
            if self._place is None or not self.keeps(key):
                continue
            if value is None:
                self._place.pop(key, None)
            else:
                self._place[key] = json.dumps(value)
