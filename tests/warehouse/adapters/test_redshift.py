"""Redshift: the statements and the load files, as no server can be had here."""

from __future__ import annotations

import csv
import gzip
import io

import boto3
import pytest
import redshift_connector

from sojourn.core.errors import InvalidSettings, WarehouseUnavailable
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.warehouse.redshift import RedshiftEngine, RedshiftTables


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
