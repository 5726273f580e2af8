"""The part of the suite for warehouses about events that come more than once."""

# ruff: noqa: D102 - the names of the tests say what they promise.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sojourn.testing.tables_erasing import ErasingSuite
from sojourn.testing.tables_events import in_batch, table_event
from sojourn.testing.tables_storage import NewStorage, Storage, load_all, plain

_DAY = 86_400
Event = dict[str, Any]


class CopiesSuite(ErasingSuite):
    """What stays of rows with one id, read as the warehouse says its tables are to be read."""

    one_row_per: ClassVar[Literal["id", "day", "moment"]] = "id"
    """The newest row stays of each id; `day`, `moment`: of each id and day (UTC) or time of
    receipt."""
    ties: ClassVar[Literal["greatest", "last"]] = "greatest"
    """Of equally new rows the one of greater content stays, in any order; or the last loaded."""
    precision: ClassVar[int] = 1000
    """Parts of a second that times keep."""

    def rows(self, storage: Storage, table: str) -> list[dict[str, Any]]:
        """The rows of a table by id, without nulls."""
        rows = [
            {name: plain(value, self.precision) for name, value in row.items() if value is not None}
            for row in storage.read().get(table, ())
        ]
        return sorted((row for row in rows if row), key=lambda row: str(row.get("id")))

    def test_of_rows_with_one_id_the_newest_stays(self, new_storage: NewStorage) -> None:
        copies = [_copy(0, 1.5), _copy(5, 2.5), _copy(_DAY, 3.5)]
        copies[0]["properties"]["only"] = "old"
        kept = {"id": [3.5], "day": [2.5, 3.5], "moment": [1.5, 2.5, 3.5]}[self.one_row_per]
        one_by_one = [[[copy] for copy in order] for order in _orders(copies)]
        together = [[copies], [copies[::-1]]]
        for loads in one_by_one + together:
            storage = new_storage()
            load_all(storage, [[in_batch(*events)] for events in [*loads, loads[0]]])
            rows = self.rows(storage, "web_shop.added")
            assert sorted(row["price"] for row in rows) == kept
            assert [row["price"] for row in rows if "only" in row] == kept[: len(kept) - 2]
            assert len(self.rows(storage, "web_shop.tracks")) == len(kept)

    def test_of_rows_equally_new_one_stays_the_same_in_any_order(
        self, new_storage: NewStorage
    ) -> None:
        copies = [_copy(0, 1.5), _copy(0, 2.5), _copy(0, 1.5)]
        copies[2]["properties"]["more"] = "x"
        one_by_one = [[[copy] for copy in order] for order in _orders(copies)]
        together = [[copies], [copies[::-1]]]
        found = [
            (self.one_of(new_storage, loads), _content(loads[-1][-1]))
            for loads in one_by_one + together
        ]
        if self.ties == "greatest":
            assert len({kept for kept, _ in found}) == 1
        else:
            assert [kept for kept, _ in found] == [last for _, last in found]

    def one_of(self, new_storage: NewStorage, loads: Sequence[Sequence[Event]]) -> tuple[Any, ...]:
        """What the one row has that stays of these loads."""
        storage = new_storage()
        load_all(storage, [[in_batch(*events)] for events in loads])
        (row,) = self.rows(storage, "web_shop.added")
        assert len(self.rows(storage, "web_shop.tracks")) == 1
        return (row["price"], row.get("more"))


def _orders(three: Sequence[Event]) -> list[list[Event]]:
    """Each of them is first once, in the middle once, and last once."""
    first, second, third = three
    return [[first, second, third], [third, first, second], [second, third, first]]


def _copy(second: int, price: float) -> Event:
    event = table_event(second, properties={"price": price})
    return {**event, "messageId": "m0"}


def _content(event: Event) -> tuple[Any, ...]:
    return (event["properties"]["price"], event["properties"].get("more"))
