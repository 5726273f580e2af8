"""Statements that change tables say the same as definitions that change nothing."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from sojourn.insights.engines.flow import Flow
from sojourn.insights.engines.nulls import without_ignore_nulls

EVENTS = "CREATE TABLE events AS SELECT unnest(range(6)) AS number, 'x' AS kind, NULL AS note"
STATEMENTS = [
    "CREATE OR REPLACE TEMP TABLE small AS SELECT * EXCLUDE (note) FROM events WHERE number < 3",
    "CREATE OR REPLACE TEMP VIEW seen AS SELECT e.* EXCLUDE (kind), 1 AS part FROM small AS e",
    "CREATE OR REPLACE TEMP TABLE first AS SELECT sum(number) AS total FROM seen",
    "INSERT INTO small SELECT number * 10, kind FROM events WHERE number > 3",
    "DELETE FROM small WHERE EXISTS (SELECT 1 FROM first WHERE first.total = small.number * 3)",
    "CREATE OR REPLACE TEMP TABLE second AS SELECT number, part FROM seen",
    "CREATE OR REPLACE TEMP VIEW seen AS SELECT 2 AS part",
    """CREATE OR REPLACE TEMP TABLE last AS
       WITH RECURSIVE walk (spot) AS (
           SELECT min(number) FROM second UNION ALL SELECT spot + 20 FROM walk WHERE spot < 50
       )
       SELECT spot, s.part FROM walk CROSS JOIN seen AS s""",
]


def imperative(connection: Any) -> dict[str, Any]:
    for statement in STATEMENTS:
        connection.execute(statement)
    names = ("first", "small", "second", "last")
    return {n: connection.execute(f"SELECT * FROM {n} ORDER BY ALL").fetchall() for n in names}


def test_definitions_give_what_the_statements_gave_one_after_the_other() -> None:
    flow = Flow({"events": ["number", "kind", "note"]})
    for statement in STATEMENTS:
        flow.take(statement)
    with duckdb.connect() as one, duckdb.connect() as other:
        one.execute(EVENTS)
        other.execute(EVENTS)
        expected = imperative(one)
        for name, query, columns, is_view in flow.definitions:
            kind = "VIEW" if is_view else "TABLE"
            made = other.execute(f"CREATE {kind} {name} AS {query.sql('duckdb')}")
            made = other.execute(f"SELECT * FROM {name} ORDER BY ALL")
            assert [column[0] for column in made.description] == list(columns)
        last = {"first": "first", "small": "small_3", "second": "second", "last": "last"}
        for name, version in last.items():
            found = other.execute(f"SELECT * FROM {version} ORDER BY ALL").fetchall()
            assert found == expected[name]
    names = [definition.name for definition in flow.definitions]
    assert names == ["small", "seen", "first", "small_2", "small_3", "seen_2", "second",
                     "seen_3", "last"]  # fmt: skip


def test_parts_of_a_union_that_read_what_is_empty_are_left_out() -> None:
    flow = Flow({"events": ["number"]}, empty=("stored",))
    flow.take("CREATE TEMP TABLE a AS SELECT number FROM events UNION SELECT number FROM stored")
    flow.take("""CREATE TEMP TABLE b AS
        WITH c AS (SELECT n FROM stored AS s JOIN events AS e ON e.number = s.n
                   UNION ALL SELECT number AS n FROM a)
        SELECT n FROM c""")
    texts = [definition.query.sql("duckdb") for definition in flow.definitions]
    assert texts == [
        "SELECT DISTINCT number FROM events",
        "WITH c AS (SELECT number AS n FROM a) SELECT n FROM c",
    ]


def test_a_statement_without_a_definition_is_refused() -> None:
    with pytest.raises(ValueError, match="no definition follows from: UPDATE"):
        Flow({"events": ["number"]}).take("UPDATE events SET number = 1")


VALUES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, "a", "b", "c"])), max_size=25)
IGNORING = """
    WITH numbered AS (SELECT *, row_number() OVER () AS place FROM rows)
    SELECT * FROM (
        SELECT
            *, last_value(value IGNORE NULLS) OVER before AS earlier,
            first_value(value IGNORE NULLS) OVER (
                PARTITION BY who ORDER BY place ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS later
        FROM numbered
        WINDOW before AS (
            PARTITION BY who ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ) AS found
"""


@given(VALUES)
@settings(max_examples=40, deadline=None)
def test_counted_groups_find_the_values_that_ignoring_nulls_finds(values: list[Any]) -> None:
    query = parse_one(IGNORING, read="duckdb")
    assert isinstance(query, exp.Query)
    text = without_ignore_nulls(query).sql("duckdb")
    assert "IGNORE" not in text
    columns = "who, place, value, earlier, later"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE rows (who INTEGER, value VARCHAR)")
        for row in values:
            connection.execute("INSERT INTO rows VALUES (?, ?)", row)
        expected, found = (
            connection.execute(f"SELECT {columns} FROM ({q}) ORDER BY place").fetchall()
            for q in (IGNORING, text)
        )
    assert found == expected
