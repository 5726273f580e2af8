"""Redshift: the statements and the load files, as no server can be had here."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import datetime

import boto3
import pytest
import redshift_connector

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.warehouse.redshift import RedshiftEngine, RedshiftTables
from sojourn.warehouse.session_feed import KEYS, SessionFollower

from .sessions_compared import shuffled


class Server:
    """Notes what it is told, and is empty."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.files: dict[str, bytes] = {}
        self.removed: list[str] = []
        self.rowcount = 1
        self.down = False

    def connect(self, **parameters):
        self.parameters = parameters
        return self

    def client(self, service):
        assert service == "s3"
        return self

    def put_object(self, Bucket, Key, Body):
        self.files[f"s3://{Bucket}/{Key}"] = Body

    def delete_object(self, Bucket, Key):
        self.removed.append(f"s3://{Bucket}/{Key}")

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execute(self, sql):
        if self.down:
            raise redshift_connector.InterfaceError("BrokenPipe")
        self.statements.append(" ".join(sql.split()))

    def fetchall(self):
        return []

    def close(self):
        return None

    def told(self, beginning: str) -> list[str]:
        return [sql for sql in self.statements if sql.startswith(beginning)]


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setattr(redshift_connector, "connect", server.connect)
    monkeypatch.setattr(boto3, "client", server.client)
    return server


@pytest.fixture
def tables(server):
    engine = RedshiftEngine("s3://loads/here", "arn:aws:iam::1:role/r", host="h", database="d")
    return RedshiftTables(engine, SOURCES.get)


def test_tables_are_made_with_rudderstacks_types_distributed_by_id_sorted_by_time(server, tables):
    properties = {"n": 1, "x": 1.5, "b": True, "at": "2024-01-01", "long": "y" * 600}
    tables.load([in_batch(table_event(0, properties=properties))])
    assert server.told("CREATE SCHEMA") == ['CREATE SCHEMA IF NOT EXISTS "web_shop"']
    (sql,) = server.told('CREATE TABLE IF NOT EXISTS "web_shop"."added"')
    for column in (
        '"n" bigint', '"x" double precision', '"b" boolean', '"at" timestamp',
        '"long" varchar(65535)', '"id" varchar(65535)',
    ):  # fmt: skip
        assert column in sql
    assert sql.endswith('DISTSTYLE KEY DISTKEY ("id") SORTKEY ("received_at")')


def test_rows_are_copied_from_s3_and_merged_in_one_transaction(server, tables):
    tables.load([in_batch(table_event(0, properties={"t": 'a "quoted", text', "b": True}))])
    copies = server.told("COPY")
    assert len(copies) == 2
    assert all(
        "IAM_ROLE 'arn:aws:iam::1:role/r' FORMAT AS CSV GZIP EMPTYASNULL TIMEFORMAT 'auto'" in sql
        for sql in copies
    )
    assert sorted(server.files) == sorted(server.removed)
    begin, commit = server.statements.index("BEGIN"), server.statements.index("COMMIT")
    within = server.statements[begin + 1 : commit]
    assert [sql.split()[0] for sql in within] == ["DELETE", "INSERT"] * 2
    delete = next(sql for sql in within if '"added"' in sql)
    assert delete.startswith(
        'DELETE FROM "web_shop"."added" WHERE ("id") IN ( SELECT t."id" FROM "web_shop"."added"'
        ' AS t JOIN "sojourn_staged_0_1" AS s ON t."id" = s."id"'
        ' WHERE t."received_at" < s."received_at" OR'
    )
    assert "CASE WHEN t.\"b\" THEN 'b=true'" in delete  # booleans have no text there
    insert = next(sql for sql in within if sql.startswith('INSERT INTO "web_shop"."added"'))
    assert insert.endswith(
        'FROM "sojourn_staged_0_1" AS s WHERE NOT EXISTS('
        'SELECT 1 FROM "web_shop"."added" AS t WHERE t."id" = s."id")'
    )


def test_load_files_are_gzipped_csv_with_times_in_utc(server, tables):
    tables.load([in_batch(table_event(0, properties={"t": 'a "quoted", text', "n": 5}))])
    (sql,) = (sql for sql in server.told("COPY") if "sojourn_staged_0_1" in sql)
    columns = [name.strip('" ') for name in sql.split("(")[1].split(")")[0].split(",")]
    file = next(file for file in server.files if file in sql)
    (line,) = csv.reader(io.StringIO(gzip.decompress(server.files[file]).decode()))
    row = dict(zip(columns, line, strict=True))
    assert (row["t"], row["n"], row["id"]) == ('a "quoted", text', "5", "m0")
    assert row["received_at"] == "2026-11-24 11:07:40.000000"


def test_users_are_made_of_the_newest_values_of_identifies(server, tables):
    tables.load([in_batch(table_event(0, "identify", userId="u", traits={"plan": "x"}))])
    (sql,) = server.told('INSERT INTO "web_shop"."users"')
    assert (
        'FIRST_VALUE(t."plan") IGNORE NULLS OVER (PARTITION BY t."user_id"'
        ' ORDER BY t."received_at" DESC, t."id" DESC'
        " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    ) in sql


def test_a_lost_connection_is_an_outage(server, tables):
    server.down = True
    with pytest.raises(WarehouseUnavailable, match="Redshift"):
        tables.load([in_batch(table_event(0))])
    server.down = False
    tables.load([in_batch(table_event(0))])


def test_load_files_must_lie_in_s3(server):
    with pytest.raises(InvalidSettings, match="s3://"):
        RedshiftEngine("/tmp/x", "role")


def test_the_sessions_of_changed_visitors_are_replaced_by_those_of_the_embedded_warehouse(
    embedded, server, tables
):
    (load,) = shuffled(40, size=40)
    embedded.load(load)
    visitors = {row["visitor_hash"] for row in embedded.query("FROM sessions").to_pylist()}
    assert SessionFollower("rs", embedded.cursor, tables).follow() == len(visitors) > 1
    begin, commit = server.statements.index("BEGIN"), server.statements.index("COMMIT")
    within = server.statements[begin + 1 : commit]
    assert [sql.split()[0] for sql in within] == ["DELETE", "INSERT"] * len(KEYS)
    for table in KEYS:
        (create,) = server.told(f'CREATE TABLE IF NOT EXISTS "sojourn"."{table}"')
        for column in ('"source_id" varchar(65535)', '"visitor_hash" bigint', "timestamp"):
            assert column in create
        delete = next(sql for sql in within if sql.startswith(f'DELETE FROM "sojourn"."{table}"'))
        found = delete.partition('WHERE "visitor_hash" IN (')[2].rstrip(")").split(", ")
        assert {int(value) for value in found} == visitors
        insert = next(sql for sql in within if sql.startswith(f'INSERT INTO "sojourn"."{table}"'))
        staged = insert.split(" FROM ")[1].split()[0]
        (copy,) = (sql for sql in server.told("COPY") if staged in sql)
        assert loaded(server, copy) == as_csv(embedded.query(f"FROM {table}").to_pylist())


def loaded(server, copy: str) -> list[dict[str, str]]:
    """The rows of the file that a COPY reads, without what is empty, in order."""
    columns = [name.strip('" ') for name in copy.split("(")[1].split(")")[0].split(",")]
    file = next(file for file in server.files if file in copy)
    lines = csv.reader(io.StringIO(gzip.decompress(server.files[file]).decode(), newline=""))
    rows = [dict(zip(columns, line, strict=True)) for line in lines]
    return ordered({n: v for n, v in row.items() if v} for row in rows)


def as_csv(rows) -> list[dict[str, str]]:
    """Rows as a load file has them: times with microseconds, booleans as words."""

    def text(value):
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%d %H:%M:%S.%f")
        return str(value).lower() if isinstance(value, bool) else str(value)

    return ordered({n: text(v) for n, v in row.items() if v not in (None, "")} for row in rows)


def ordered(rows) -> list[dict[str, str]]:
    found = [{n: number(v) for n, v in row.items()} for row in rows]
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def number(text: str) -> str:
    """Numbers in one notation."""
    try:
        return repr(float(text))
    except ValueError:
        return text
