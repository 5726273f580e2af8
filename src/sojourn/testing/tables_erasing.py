"""The part of the suite for warehouses that is about erasing people."""

# ruff: noqa: D102 - the names of the tests say what they promise.

from __future__ import annotations

from typing import Any

from sojourn.core.erasure import People
from sojourn.testing.tables_events import SOURCES, in_pieces, visits
from sojourn.testing.tables_storage import Contents, NewStorage, contents, load_all, rows_of

_PEOPLE = People(frozenset({"user-1", "user-3"}), devices=frozenset({("web", "anonymous-2")}))


class ErasingSuite:
    """A person can be taken out of the tables."""

    def erase(self, tables: Any, people: People) -> dict[str, int]:
        found: dict[str, int] = tables.erase(people, SOURCES)
        return found

    def test_erased_tables_are_those_that_were_loaded_without_the_people(
        self, new_storage: NewStorage
    ) -> None:
        events = visits(80)
        erased, expected = new_storage(), new_storage()
        load_all(erased, in_pieces(events, (40,)))
        tables = erased.open()
        try:
            deleted = self.erase(tables, _PEOPLE)
            missing = {"web_shop.tracks", "the_app.tracks", "web_shop.users"} - deleted.keys()
            assert not missing, deleted
            assert self.erase(tables, _PEOPLE) == {}
        finally:
            tables.close()
        load_all(expected, in_pieces([one for one in events if not _theirs(one)], (40,)))
        assert rows_of(self.read_of(erased)) == rows_of(self.read_of(expected))

    def read_of(self, storage: Any) -> Contents:
        return contents(storage, getattr(self, "precision", 1000))


def _theirs(event: dict[str, Any]) -> bool:
    number = int(event["messageId"].lstrip("m"))
    ids = (event.get(name) or "" for name in ("userId", "anonymousId", "previousId"))
    return _PEOPLE.own("app" if number % 4 == 0 else "web", *ids)
