"""Readers beside the loader, and what they may not do."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from sojourn.core.errors import DataDirectoryInUse, InvalidSettings


def test_readers_see_whole_loads_while_the_loader_writes(warehouse, event):
    warehouse.add(event(0))
    done = threading.Event()
    seen: list[tuple[int, int]] = []

    def read() -> None:
        while not done.is_set():
            seen.extend(
                warehouse.rows(
                    "SELECT (SELECT count(*) FROM web_shop.tracks),"
                    " (SELECT count(*) FROM web_shop.added)"
                )
            )

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(1, 60):
        warehouse.add(event(n, properties={f"p{n}": n}), event(1000 + n))
    done.set()
    reader.join()
    assert seen
    assert all(tracks == added for tracks, added in seen)


def test_a_query_takes_parameters(warehouse):
    assert warehouse.query("SELECT ?::INT + 1 AS x", [41]).to_pylist() == [{"x": 42}]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE web_shop.tracks",
        "DELETE FROM web_shop.tracks",
        "SELECT 1; SELECT 2",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/sojourn-must-not-exist.csv'",
        "ATTACH '/tmp/sojourn-must-not-exist.db'",
        "SET enable_external_access = true",
        "",
    ],
)
def test_a_read_only_query_changes_nothing_and_reads_no_files(warehouse, event, sql):
    warehouse.add(event(0))
    before = warehouse.dump()
    with pytest.raises(InvalidSettings):
        warehouse.query_read_only(sql)
    assert warehouse.dump() == before
    assert warehouse.query_read_only("SELECT count(*) AS n FROM web_shop.tracks").to_pylist() == [
        {"n": 1}
    ]


def test_times_are_utc(warehouse, event):
    warehouse.add(event(0))
    table = warehouse.query("SELECT received_at FROM web_shop.tracks")
    assert str(table.schema.field("received_at").type) == "timestamp[us, tz=UTC]"


def test_a_file_that_another_process_has_is_in_use(new_warehouse, tmp_path):
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    path = tmp_path / "warehouse.duckdb"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(DataDirectoryInUse):
            new_warehouse(path)
        other.communicate("\n")


def test_tables_survive_a_restart(new_warehouse, event, tmp_path):
    path = tmp_path / "warehouse.duckdb"
    first = new_warehouse(path)
    first.add(event(0, properties={"x": 1}))
    first.close()
    first.close()
    again = new_warehouse(path)
    again.add(event(1, properties={"x": "text", "y": 2}))
    assert again.rows("SELECT id, x, y FROM web_shop.added ORDER BY id") == [
        ("m0", 1, None),
        ("m1", None, 2),
    ]
