"""Warehouses are built from their configuration; what is wrong is named with its fix."""

from __future__ import annotations

import sys

import pytest

from sojourn.core.errors import InvalidSettings, MissingPart
from sojourn.testing.tables_events import SOURCES, in_batch, table_event
from sojourn.warehouse.registry import build_tables


def test_a_warehouse_is_built_by_its_type(tmp_path):
    tables = build_tables("parquet", {"url": str(tmp_path), "interval": "1m"}, SOURCES.get)
    tables.load([in_batch(table_event(0))])
    tables.close()
    assert list(tmp_path.glob("web_shop/added/*/rows.parquet"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("postgres", {"url": "postgresql://localhost/x"}),
        ("clickhouse", {"url": "clickhouse://localhost/x"}),
        ("snowflake", {"account": "a", "user": "u", "database": "d", "password": "p"}),
        ("bigquery", {"project": "p"}),
        ("delta", {"url": "/tmp/sojourn-none"}),
    ],
)
def test_nothing_is_connected_to_before_the_first_load(kind, options, tmp_path):
    if "url" in options and kind == "delta":
        options = {"url": str(tmp_path)}
    build_tables(kind, {**options, "useBlendoCasing": True}, SOURCES.get).close()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("oracle", {}, "postgres"),
        ("postgres", {}, "url is missing"),
        ("postgres", {"url": "postgresql://x", "scheme": "y"}, "scheme is no option"),
        ("snowflake", {"account": "a", "user": "u"}, "database is missing"),
        ("redshift", {"host": "h", "database": "d", "user": "u", "folder": "/x",
                      "iam_role": "r"}, "s3://"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named_with_its_fix(kind, options, message):
    with pytest.raises(InvalidSettings, match=message):
        build_tables(kind, options, SOURCES.get)


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "clickhouse_connect", None)
    with pytest.raises(MissingPart, match=r"sojourn\[clickhouse\]"):
        build_tables("clickhouse", {"url": "clickhouse://localhost/x"}, SOURCES.get)
