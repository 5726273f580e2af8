"""The suite that every warehouse passes: ours, and those of other packages.

Subclass `TablesSuite`, provide the fixture `new_storage`, and pytest runs the promises of
`sojourn.core.ports.Tables` against your warehouse:

    class TestMyWarehouse(TablesSuite):
        @pytest.fixture
        def new_storage(self):
            return MyStorage        # an empty one at each call; see `Storage`

However events come (in any order, twice, in pieces, after failures), the tables are those of one
clean load of them all.
"""

# ruff: noqa: D102 - the names of the tests say what they promise.

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from sojourn.core.errors import Transient
from sojourn.testing.tables_copies import CopiesSuite
from sojourn.testing.tables_events import (
    in_batch,
    in_pieces,
    of_both_sources,
    table_event,
    visits,
)
from sojourn.testing.tables_storage import (
    Contents,
    NewStorage,
    Storage,
    contents,
    load_all,
    rows_of,
)

__all__ = ["Contents", "Storage", "TablesSuite"]


_ODD_TEXTS = ['"', "'", "`", "\\", "\\N", ",", "\r\n", "\t", "null", "NULL", " ", "😀", "ü" * 9000]


class TablesSuite(CopiesSuite):
    """What a warehouse promises. Say where yours promises less."""

    discards: ClassVar[bool] = True
    """Values that do not fit their column are in `rudder_discards`."""
    atomic: ClassVar[bool] = True
    """A load that fails leaves no rows behind."""
    counts: ClassVar[bool] = True
    """The answer of `load` tells new rows from those that were there."""
    destination_type: ClassVar[str] = ""
    """RudderStack's name of the warehouse, as `context_destination_type` has it."""
    size: ClassVar[float] = 1
    """Fewer events, where a warehouse is slow."""
    steps: ClassVar[Sequence[int]] = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
    """After how many steps the far end fails."""

    def visits(self, count: int) -> list[dict[str, Any]]:
        return visits(int(count * self.size))

    def contents_of(self, storage: Storage) -> Contents:
        return contents(storage, self.precision)

    def of_one_load(self, new_storage: NewStorage, events: Sequence[dict[str, Any]]) -> Contents:
        storage = new_storage()
        load_all(storage, [of_both_sources(events)])
        return self.contents_of(storage)

    def test_every_call_has_its_rows(self, new_storage: NewStorage) -> None:
        storage = new_storage()
        kinds = {"page": "pages", "screen": "screens", "group": "groups", "alias": "aliases"}
        events = [table_event(n, kind) for n, kind in enumerate(kinds)]
        events += [table_event(7, properties={"price": 12.5, "sku": "A"})]
        events += [table_event(8, "identify", userId="u", traits={"plan": "free"})]
        load_all(storage, [[in_batch(*events)]])
        tables = {name: len(self.rows(storage, name)) for name in storage.read()}
        expected = {f"web_shop.{name}": 1 for name in kinds.values()}
        expected |= dict.fromkeys(
            ("web_shop.tracks", "web_shop.added", "web_shop.identifies", "web_shop.users"), 1
        )
        assert {name: count for name, count in tables.items() if count} == expected
        (row,) = self.rows(storage, "web_shop.added")
        assert (row["id"], row["price"], row["sku"]) == ("m7", 12.5, "A")
        assert row["context_session_id"] == 1_795_518_460_000
        assert row["received_at"] == (1_795_518_467_000 * self.precision) // 1000
        assert row["context_destination_type"] == self.destination_type
        (user,) = self.rows(storage, "web_shop.users")
        assert (user["id"], user["plan"]) == ("u", "free")

    def test_loading_twice_changes_nothing(self, new_storage: NewStorage) -> None:
        storage = new_storage()
        load = of_both_sources(self.visits(60))
        tables = storage.open()
        first = tables.load(load)
        before = self.contents_of(storage)
        second = tables.load(load)
        tables.close()
        assert self.contents_of(storage) == before
        assert first.events == second.events == int(60 * self.size)
        if self.counts:
            assert second.inserted == first.duplicates == 0
            assert second.duplicates == first.inserted > first.events

    def test_loaded_in_pieces_the_tables_are_those_of_one_load(
        self, new_storage: NewStorage
    ) -> None:
        events = self.visits(90)
        storage = new_storage()
        load_all(storage, in_pieces(events, (1, 13, 30)))
        assert self.contents_of(storage) == self.of_one_load(new_storage, events)

    @pytest.mark.parametrize("seed", [1, 2])
    def test_loaded_in_any_order_with_repetitions_the_tables_are_those_of_one_load(
        self, new_storage: NewStorage, seed: int
    ) -> None:
        events = self.visits(70)
        dice = random.Random(seed)
        mixed = [*events, *dice.sample(events, len(events) // 2)]
        dice.shuffle(mixed)
        storage = new_storage()
        load_all(storage, in_pieces(mixed, (17, 40)))
        assert self.contents_of(storage) == self.of_one_load(new_storage, events)

    def test_reopened_it_goes_on_with_the_tables_that_are_there(
        self, new_storage: NewStorage
    ) -> None:
        events = self.visits(60)
        storage = new_storage()
        for load in in_pieces(events, (len(events) // 2,)):
            load_all(storage, [load])
        assert self.contents_of(storage) == self.of_one_load(new_storage, events)

    def test_users_have_the_newest_value_of_each_trait_in_any_order(
        self, new_storage: NewStorage
    ) -> None:
        identifies = [
            table_event(1, "identify", userId="u", traits={"email": "old", "plan": "free"}),
            table_event(2, "identify", userId="u", traits={"email": "new"}),
            table_event(3, "identify", userId="u", traits={"age": 30}),
            table_event(4, "identify", userId="v", traits={"email": "other"}),
        ]
        for order in (identifies, identifies[::-1]):
            storage = new_storage()
            load_all(storage, [[in_batch(one)] for one in order])
            user, other = self.rows(storage, "web_shop.users")
            assert (user["id"], user["email"], user["plan"], user["age"]) == (
                "u",
                "new",
                "free",
                30,
            )
            assert user["received_at"] == (1_795_518_463_000 * self.precision) // 1000
            assert (other["id"], other["email"]) == ("v", "other")
            assert "plan" not in other

    def test_columns_come_with_the_events_that_have_them(self, new_storage: NewStorage) -> None:
        storage = new_storage()
        properties = [{"a": 1}, {"a": 2, "b": "x", "born": "2024-02-30"}, {"c": True}]
        load_all(
            storage,
            [[in_batch(table_event(n, properties=p))] for n, p in enumerate(properties)],
        )
        rows = self.rows(storage, "web_shop.added")
        assert [(r.get("a"), r.get("b"), r.get("c")) for r in rows] == [
            (1, None, None),
            (2, "x", None),
            (None, None, 1),
        ]
        assert rows[1]["born"] == 1_709_251_200 * self.precision

    def test_a_value_that_does_not_fit_is_null_and_a_discard(self, new_storage: NewStorage) -> None:
        storage = new_storage()
        tables = storage.open()
        events = [
            table_event(0, properties={"x": 1, "y": "text", "z": 1.5}),
            table_event(1, properties={"x": "12", "y": 1234567.5, "z": 2}),
        ]
        loaded = [tables.load([in_batch(event)]) for event in (*events, events[1])]
        tables.close()
        assert [one.discarded for one in loaded] == [0, 1, 1]
        row = self.rows(storage, "web_shop.added")[1]
        assert (row.get("x"), row["y"], row["z"]) == (None, "1.2345675e+06", 2)
        if self.discards:
            (discard,) = self.rows(storage, "web_shop.rudder_discards")
            assert (discard["table_name"], discard["row_id"]) == ("added", "m1")
            assert (discard["column_name"], discard["column_value"]) == ("x", "12")
            assert discard["reason"]

    def test_odd_texts_and_names_arrive_as_they_are(self, new_storage: NewStorage) -> None:
        texts = _ODD_TEXTS
        properties: dict[str, Any] = {f"t{n}": text for n, text in enumerate(texts)}
        properties |= {
            "select": "reserved",
            "Straße & Co": "name",
            "big": 2**53 + 1,
            "low": -(2**63),
        }
        storage = new_storage()
        load_all(storage, [[in_batch(table_event(0, event="Order", properties=properties))]])
        (name,) = (n for n in storage.read() if n.split(".")[1].strip("_") == "order")
        (row,) = self.rows(storage, name)
        assert [row[f"t{n}"] for n in range(len(texts))] == texts
        assert "reserved" in row.values()
        assert "name" in row.values()
        (raw,) = storage.read()[name]
        assert (int(raw["big"]), int(raw["low"])) == (2**53 + 1, -(2**63))

    def test_an_event_without_rows_is_put_aside_and_the_others_are_loaded(
        self, new_storage: NewStorage
    ) -> None:
        storage = new_storage()
        bad = [table_event(1, "unknown"), table_event(2, context="text"), b"{"]
        tables = storage.open()
        loaded = tables.load([in_batch(table_event(0), *bad, table_event(3))])
        tables.close()
        assert len(loaded.aside) == 3
        assert all(letter.reason for letter in loaded.aside)
        assert [row["id"] for row in self.rows(storage, "web_shop.tracks")] == ["m0", "m3"]

    def test_sources_have_their_own_tables(self, new_storage: NewStorage) -> None:
        storage = new_storage()
        load_all(storage, [[in_batch(table_event(0)), in_batch(table_event(1), source_id="app")]])
        assert [row["id"] for row in self.rows(storage, "web_shop.tracks")] == ["m0"]
        assert [row["id"] for row in self.rows(storage, "the_app.tracks")] == ["m1"]

    def test_a_load_that_failed_anywhere_is_made_good_by_loading_again(
        self, new_storage: NewStorage
    ) -> None:
        events = self.visits(50)
        loads = in_pieces(events, (len(events) // 2,))
        expected = self.of_one_load(new_storage, events)
        failures = 0
        storage = new_storage()
        load_all(storage, loads[:1])
        before = self.contents_of(storage)
        for after in self.steps:
            tables = storage.open_failing(after)
            try:
                tables.load(loads[1])
            except Transient:
                failures += 1
            else:
                break
            finally:
                tables.close()
            if self.atomic:
                assert rows_of(self.contents_of(storage)) == rows_of(before)
        assert failures >= 3
        load_all(storage, loads)
        assert self.contents_of(storage) == expected
