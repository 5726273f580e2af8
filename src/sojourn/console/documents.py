"""JSON documents in the state store: the little that the console itself has to remember."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from sojourn.core.ports import StateStore

T = TypeVar("T")
SPACE = "console"


class Documents:
    """Whole JSON documents by name. Changes are serialised, so no update is lost."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._lock = threading.Lock()

    def read(self, name: str, kind: type[T]) -> T:
        """The document, or an empty one of `kind` (`dict`, `list`, a struct of defaults)."""
        found = self._store.get(SPACE, [name])
        return msgspec.json.decode(found[name], type=kind) if name in found else kind()

    def change(self, name: str, kind: type[T], edit: Callable[[T], Any]) -> Any:
        """Read the document, let `edit` alter it in place, write it; returns what `edit` does.

        Nothing is written where `edit` raises.
        """
        with self._lock:
            document = self.read(name, kind)
            answer = edit(document)
            self._store.put(SPACE, {name: msgspec.json.encode(document)}, 0)
        return answer

    def keep(self, name: str, value: Any, expires_at: int) -> None:
        """Write a whole document that goes by itself at `expires_at`, ms since the epoch."""
        self._store.put(SPACE, {name: msgspec.json.encode(value)}, expires_at)

    def has(self, name: str) -> bool:
        """Whether there is such a document."""
        return bool(self._store.get(SPACE, [name]))
