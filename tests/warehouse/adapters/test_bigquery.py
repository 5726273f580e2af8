"""BigQuery: the statements and the load files, as no server can be had here."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from google.api_core.exceptions import NotFound, ServiceUnavailable

from sojourn.core.errors import WarehouseUnavailable
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.warehouse.bigquery import BigQueryEngine, BigQueryTables
from sojourn.warehouse.session_feed import KEYS, SessionFollower

from .sessions_compared import comparable, of_embedded, shuffled


class Job:
    num_dml_affected_rows = 1

    def result(self):
        return []


class Client:
    """Notes what it is told, and has no datasets."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.files: list[tuple[str, str, bytes]] = []
        self.down = False

    def query(self, sql):
        if self.down:
            raise ServiceUnavailable("away")
        if "INFORMATION_SCHEMA" in sql:
            raise NotFound("dataset")
        self.statements.append(" ".join(sql.split()))
        return Job()

    def load_table_from_file(self, file, target, job_config):
        kind = f"{job_config.source_format} {job_config.write_disposition}"
        self.files.append((target, kind, file.read()))
        return Job()

    def close(self):
        return None


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def tables(client):
    return BigQueryTables(BigQueryEngine("project", client=client), SOURCES.get)


def test_tables_are_made_with_rudderstacks_types_and_a_view_each(client, tables):
    properties = {"n": 1, "x": 1.5, "b": True, "due": "2024-01-01"}
    tables.load([in_batch(table_event(0, properties=properties))])
    assert client.statements[0] == "CREATE SCHEMA IF NOT EXISTS `web_shop`"
    (sql,) = (s for s in client.statements if s.startswith("CREATE TABLE") and "`added`" in s)
    for column in ("`n` INTEGER", "`x` FLOAT64", "`b` BOOLEAN", "`due` TIMESTAMP", "`id` STRING"):
        assert column in sql
    assert "`loaded_at` TIMESTAMP" in sql
    assert sql.endswith("PARTITION BY TIMESTAMP_TRUNC(_PARTITIONTIME, DAY)")
    (view,) = (s for s in client.statements if "`web_shop`.`added_view`" in s)
    assert "QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `received_at` DESC" in view


def test_load_files_are_json_lines_with_sorted_columns(client, tables):
    tables.load([in_batch(table_event(0, properties={"n": 5, "t": "a\nb"}))])
    (file,) = (file for file in client.files if file[0] == "project.web_shop.added")
    assert file[1] == "NEWLINE_DELIMITED_JSON WRITE_APPEND"
    (line,) = file[2].splitlines()
    row = json.loads(line)
    assert list(row) == sorted(row)
    assert (row["id"], row["n"], row["t"]) == ("m0", 5, "a\nb")
    assert row["received_at"] == "2026-11-24T11:07:40.000000Z"
    assert row["loaded_at"] == row["uuid_ts"]


def test_users_are_made_of_the_newest_values_of_identifies(client, tables):
    tables.load([in_batch(table_event(0, "identify", userId="u'1", traits={"plan": "x"}))])
    (sql,) = (s for s in client.statements if s.startswith("INSERT INTO `web_shop`.`users`"))
    assert "ARRAY_AGG(t.`plan` IGNORE NULLS ORDER BY t.`received_at` DESC, t.`id` DESC" in sql
    assert "WHERE `user_id` IN ('u\\'1')" in sql


def test_an_outage_is_told_as_one(client, tables):
    client.down = True
    with pytest.raises(WarehouseUnavailable, match="BigQuery"):
        tables.load([in_batch(table_event(0))])


def test_the_sessions_of_changed_visitors_are_replaced_by_those_of_the_embedded_warehouse(
    embedded, client, tables
):
    (load,) = shuffled(40, size=40)
    embedded.load(load)
    visitors = {row["visitor_hash"] for row in embedded.query("FROM sessions").to_pylist()}
    assert SessionFollower("bq", embedded.cursor, tables).follow() == len(visitors) > 1
    assert "CREATE SCHEMA IF NOT EXISTS `sojourn`" in client.statements
    for table in KEYS:
        (create,) = (s for s in client.statements if f"EXISTS `sojourn`.`{table}`" in s)
        for column in ("`source_id` STRING", "`visitor_hash` INTEGER", "TIMESTAMP", "BOOLEAN"):
            assert column in create
        (delete,) = (
            s for s in client.statements if s.startswith(f"DELETE FROM `sojourn`.`{table}`")
        )
        found = delete.partition("WHERE `visitor_hash` IN (")[2].rstrip(")").split(", ")
        assert {int(value) for value in found} == visitors
        (file,) = (file for file in client.files if file[0] == f"project.sojourn.{table}")
        assert file[1] == "NEWLINE_DELIMITED_JSON WRITE_APPEND"
        rows = [typed(json.loads(line)) for line in file[2].splitlines()]
        assert comparable(rows) == of_embedded(embedded, table)


def typed(row):
    """Times as such; JSON has them as text."""
    return {
        name: datetime.fromisoformat(value)
        if name.endswith(("_time", "_at", "_until", "_after")) and value
        else value
        for name, value in row.items()
    }
