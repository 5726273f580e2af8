"""The tables that events make, and that loading is idempotent and in any order."""

from __future__ import annotations

import pytest


def test_a_track_has_a_row_in_tracks_and_in_its_own_table(warehouse, event):
    loaded = warehouse.add(event(properties={"price": 12.5, "sku": "A"}))
    assert (loaded.events, loaded.inserted, loaded.duplicates) == (1, 2, 0)
    assert warehouse.rows("SELECT id, event, event_text FROM web_shop.tracks") == [
        ("m0", "added", "Added")
    ]
    assert warehouse.rows("SELECT id, price, sku FROM web_shop.added") == [("m0", 12.5, "A")]


@pytest.mark.parametrize(
    ("kind", "table", "fields"),
    [
        ("page", "pages", {"name": "Home"}),
        ("screen", "screens", {"name": "Main"}),
        ("group", "groups", {"groupId": "g"}),
        ("alias", "aliases", {"previousId": "p"}),
        ("identify", "identifies", {"userId": "u"}),
    ],
)
def test_every_call_has_its_table(warehouse, event, kind, table, fields):
    warehouse.add(event(kind=kind, **fields))
    ((row_id, start, session),) = warehouse.rows(
        f"SELECT id, epoch_ms(received_at), context_session_id FROM web_shop.{table}"
    )
    assert (row_id, start, session) == ("m0", 1_795_518_460_000, 1_795_518_454_982)


def test_each_source_has_its_schema_and_main_stays_free(warehouse, event):
    for source_id in ("web", "app", "odd", "gone"):
        warehouse.add(event(), source_id=source_id)
    schemas = {s for (s,) in warehouse.rows("SELECT DISTINCT schema_name FROM duckdb_tables()")}
    assert schemas == {"web_shop", "_main", "odd", "gone", "sojourn"}


def test_the_source_and_the_warehouse_are_named_in_the_rows(warehouse, event):
    warehouse.add(event())
    assert warehouse.rows(
        "SELECT context_source_id, context_source_type, context_destination_type"
        " FROM web_shop.tracks"
    ) == [("web", "web", "DUCKDB")]


def test_loading_twice_changes_nothing(warehouse, event):
    events = [event(n, properties={"n": n}) for n in range(10)]
    warehouse.add(*events)
    before = warehouse.dump()
    loaded = warehouse.add(*events)
    assert (loaded.inserted, loaded.duplicates) == (0, 20)
    assert warehouse.dump() == before
    loaded = warehouse.add(*events, *events, event(10))
    assert (loaded.inserted, loaded.duplicates) == (2, 40)
    assert warehouse.rows("SELECT count(*), count(DISTINCT id) FROM web_shop.tracks") == [(11, 11)]


def test_of_two_rows_with_one_id_the_newest_wins_in_either_order(new_warehouse, event):
    old = event(0, properties={"price": 1})
    new = {**event(5, properties={"price": 2}), "messageId": "m0"}
    for order in ((old, new), (new, old)):
        together, apart = new_warehouse(), new_warehouse()
        together.add(*order)
        for one in order:
            apart.add(one)
        for tables in (together, apart):
            assert tables.rows("SELECT id, price FROM web_shop.added") == [("m0", 2)]


def test_of_two_rows_equally_new_the_same_one_wins_in_either_order(new_warehouse, event):
    first, second = (event(0, properties={"price": n}) for n in (1, 2))
    third = event(0, properties={"price": 1, "more": "x"})
    dumps = []
    for order in ([first, second, third], [third, second, first], [second, third, first]):
        together, apart = new_warehouse(), new_warehouse()
        together.add(*order)
        for one in order:
            apart.add(one)
        dumps += [together.dump(), apart.dump()]
    assert all(dump == dumps[0] for dump in dumps)


def test_new_columns_come_with_the_events_that_have_them(warehouse, event):
    warehouse.add(event(0, properties={"a": 1}))
    warehouse.add(event(1, properties={"a": 2, "b": "x", "born": "2024-02-30"}))
    warehouse.add(event(2, properties={"c": True}))
    assert warehouse.rows(
        "SELECT id, a, b, c, strftime(born, '%Y-%m-%d') FROM web_shop.added ORDER BY id"
    ) == [
        ("m0", 1, None, None, None),
        ("m1", 2, "x", None, "2024-03-01"),
        ("m2", None, None, True, None),
    ]


@pytest.mark.parametrize(
    ("first", "then", "stored"),
    [
        ("text", 12, "12"),
        ("text", 1234567.5, "1.2345675e+06"),
        ("text", True, "true"),
        (1.5, 2, 2.0),
        (1, 2.9, 2),
        (1, -2.9, -2),
        (1.5, 2**60 + 1, float(2**60 + 1)),
    ],
)
def test_a_value_of_another_type_is_converted_where_the_rules_allow(
    warehouse, event, first, then, stored
):
    warehouse.add(event(0, properties={"x": first}))
    warehouse.add(event(1, properties={"x": then}))
    assert warehouse.rows("SELECT x FROM web_shop.added WHERE id = 'm1'") == [(stored,)]
    assert warehouse.rows("SELECT * FROM web_shop.rudder_discards") == []


@pytest.mark.parametrize(
    ("first", "then", "text"),
    [
        (1, "12", "12"),
        (1, True, "true"),
        (1.5, True, "true"),
        (1.5, "x", "x"),
        (True, 1, "1"),
        (True, "true", "true"),
        ("2024-01-01", "soon", "soon"),
        ("2024-01-01", 5, "5"),
        (1, "2024-01-01", "2024-01-01T00:00:00.000Z"),
        (1, 2**63, str(2**63)),
    ],
)
def test_a_value_that_does_not_fit_is_null_and_a_discard(warehouse, event, first, then, text):
    events = [event(0, properties={"x": first}), event(1, properties={"x": then, "y": 1})]
    loaded = warehouse.add(*events)
    assert loaded.discarded == 1
    warehouse.add(*events)
    assert warehouse.rows("SELECT x, y FROM web_shop.added WHERE id = 'm1'") == [(None, 1)]
    ((*where, value, received, reason),) = warehouse.rows(
        "SELECT table_name, row_id, column_name, column_value, epoch_ms(received_at), reason"
        " FROM web_shop.rudder_discards"
    )
    assert where == ["added", "m1", "x"]
    assert (value, received) == (text, 1_795_518_461_000)
    assert reason


def test_keys_keep_their_types_whatever_the_first_event_holds(warehouse, event):
    warehouse.add(event(0, messageId="2024-01-01"), event(1))
    ids = [i for (i,) in warehouse.rows("SELECT id FROM web_shop.tracks ORDER BY received_at")]
    assert ids == ["2024-01-01T00:00:00.000Z", "m1"]


def test_a_user_has_the_newest_value_of_each_trait_in_any_order(new_warehouse, event):
    def identify(n, user, **traits):
        return event(n, "identify", userId=user, traits=traits)

    events = [
        identify(0, "u1", plan="free", city="Ulm"),
        identify(1, "u2", plan="free"),
        identify(2, "u1", plan="pro"),
        identify(3, "u1", age=7),
        event(4, "identify", userId="", traits={"plan": "none"}),
    ]
    dumps = []
    for order in (events, events[::-1], events[2:] + events[:2]):
        together, apart = new_warehouse(), new_warehouse()
        together.add(*order)
        for one in [*order, *order]:
            apart.add(one)
        dumps += [together.dump(), apart.dump()]
        assert together.rows(
            "SELECT id, plan, city, age, context_session_id FROM web_shop.users ORDER BY id"
        ) == [
            ("u1", "pro", "Ulm", 7, 1_795_518_454_982),
            ("u2", "free", None, None, 1_795_518_454_982),
        ]
    assert all(dump == dumps[0] for dump in dumps)


def test_users_has_the_columns_of_identifies(warehouse, event):
    warehouse.add(event(0, "identify", userId="", traits={"early": 1}))
    warehouse.add(event(1, "identify", userId="u", traits={"late": 1}))

    def columns(table):
        return set(warehouse.query(f"SELECT * FROM web_shop.{table}").column_names)

    assert columns("users") == columns("identifies") - {"user_id"}


def test_an_identify_that_changes_hands_renews_both_users(new_warehouse, event):
    old = event(0, "identify", userId="u1", traits={"plan": "a"})
    more = event(1, "identify", userId="u1", traits={"plan": "b"})
    new = {**event(2, "identify", userId="u2", traits={"plan": "c"}), "messageId": "m1"}
    dumps = []
    for order in ([old, more, new], [new, more, old], [old, new, more]):
        tables = new_warehouse()
        for one in order:
            tables.add(one)
        dumps.append(tables.dump())
    assert dumps[0] == dumps[1] == dumps[2]


def test_an_event_that_no_table_can_take_is_put_aside_with_its_reason(warehouse, event):
    loaded = warehouse.add(event(0), event(1, context=5), b"{", event(2, kind="nonsense"), event(3))
    assert [letter.stage for letter in loaded.aside] == ["warehouse"] * 3
    assert "context is not a map" in {letter.reason for letter in loaded.aside}
    assert all(letter.reason for letter in loaded.aside)
    assert warehouse.rows("SELECT id FROM web_shop.tracks ORDER BY id") == [("m0",), ("m3",)]


def test_odd_values_are_loaded(warehouse, event):
    odd = {"nul": "a\0b", "big": 10**30, "deep": {"a": {"b": [1, {"c": None}]}}, "é": "é" * 1000}
    loaded = warehouse.add(event(0, properties=odd))
    assert not loaded.aside
    assert warehouse.rows("SELECT nul, deep_a_b FROM web_shop.added") == [
        ("a\0b", '[1,{"c":null}]')
    ]


class Sessions:
    """A session model that writes what it is given."""

    def __init__(self) -> None:
        self.fail = False

    def update(self, connection, source_id, events):
        connection.execute("CREATE TABLE IF NOT EXISTS main.sessions (source_id TEXT, id TEXT)")
        rows = [(source_id, event["messageId"]) for event in events]
        connection.executemany("INSERT INTO main.sessions VALUES (?, ?)", rows)
        if self.fail:
            raise RuntimeError("no")
        return len(events)


def test_sessions_are_renewed_in_the_same_transaction(new_warehouse, event):
    sessions = Sessions()
    tables = new_warehouse(sessions=sessions)
    tables.add(event(0), event(1, context=5))
    assert tables.rows("SELECT * FROM sessions") == [("web", "m0")]
    before = tables.dump()
    sessions.fail = True
    with pytest.raises(RuntimeError):
        tables.add(event(2, properties={"new_column": 1}), event(3, event="New Table"))
    assert tables.dump() == before
    sessions.fail = False
    tables.add(event(2, properties={"new_column": 1}), event(3, event="New Table"))
    assert tables.rows("SELECT new_column FROM web_shop.added WHERE id = 'm2'") == [(1,)]
    assert tables.rows("SELECT id FROM web_shop.new_table") == [("m3",)]
