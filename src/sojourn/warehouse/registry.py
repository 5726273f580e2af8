"""Warehouses by their type, as `[[warehouses]]` of the configuration names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Tables
from sojourn.warehouse.parts import imported
from sojourn.warehouse.portion import Sources

Options = Mapping[str, Any]
COMMON = ("interval", "max_bytes", "namespace", "enabled")
"""Options of every warehouse: when it is loaded, and where its tables lie."""
RULES = (
    "skipTracksTable",
    "skipUsersTable",
    "useBlendoCasing",
    "underscoreDivideNumbers",
    "skipReservedKeywordsEscaping",
    "allowUsersContextTraits",
    "storeFullEvent",
    "jsonPaths",
)
"""RudderStack's settings of a destination, by their names."""
INTERVAL_S = 300.0
"""Between two loads, unless the option `interval` says otherwise."""
MAX_BYTES = 64 << 20
"""Of events that are loaded whatever the time, unless the option `max_bytes` says otherwise."""


def build_tables(kind: str, options: Options, sources: Sources) -> Tables:
    """The warehouse of type `kind`. Connections are opened by the first load.

    Raises `InvalidSettings` for a type that there is not, options missing, unknown or wrong;
    `MissingPart` for a package that has to be installed.
    """
    try:
        required, optional, build = _KINDS[kind]
    except KeyError:
        raise InvalidSettings(
            f"warehouse type {kind!r}: use one of {', '.join(sorted(_KINDS))}"
        ) from None
    for name in required:
        if not options.get(name):
            raise InvalidSettings(f'warehouse type {kind}: {name} is missing; write {name} = "…"')
    known = (*required, *optional, *COMMON, *RULES)
    for name in options:
        if name not in known:
            raise InvalidSettings(
                f"warehouse type {kind}: {name} is no option; there are: {', '.join(known)}"
            )
    return build(options, sources)


def _postgres(options: Options, sources: Sources) -> Tables:
    postgres = imported("sojourn.warehouse.postgres", "PostgreSQL", "postgres")
    tables: Tables = postgres.PostgresTables(
        postgres.PostgresEngine(options["url"]), sources, options
    )
    return tables


def _clickhouse(options: Options, sources: Sources) -> Tables:
    from sojourn.warehouse.clickhouse import ClickHouseEngine, ClickHouseTables

    return ClickHouseTables(ClickHouseEngine(options["url"]), sources, options)


_SNOWFLAKE = ("password", "private_key_file", "private_key_file_pwd", "authenticator", "token",
              "warehouse", "role", "schema")  # fmt: skip


def _snowflake(options: Options, sources: Sources) -> Tables:
    from sojourn.warehouse.snowflake import SnowflakeEngine, SnowflakeTables

    names = ("account", "user", "database", *_SNOWFLAKE)
    parameters = {name: options[name] for name in names if name in options}
    return SnowflakeTables(SnowflakeEngine(**parameters), sources, options)


def _parquet(options: Options, sources: Sources) -> Tables:
    from sojourn.warehouse.parquet import PROVIDERS_BY_SCHEME, ParquetFolder, ParquetTables

    provider = PROVIDERS_BY_SCHEME.get(options["url"].partition("://")[0], "s3_datalake")
    return ParquetTables(ParquetFolder(options["url"]), sources, options, provider)


def _delta(options: Options, sources: Sources) -> Tables:
    from sojourn.warehouse.delta import DeltaFolder, DeltaTables

    folder = DeltaFolder(options["url"], options.get("storage_options"))
    return DeltaTables(folder, sources, options)


_REDSHIFT = ("password", "port", "ssl", "iam", "cluster_identifier", "region", "db_user",
             "is_serverless", "serverless_work_group")  # fmt: skip


def _redshift(options: Options, sources: Sources) -> Tables:
    from sojourn.warehouse.redshift import RedshiftEngine, RedshiftTables

    names = ("host", "database", "user", *_REDSHIFT)
    parameters = {name: options[name] for name in names if name in options}
    engine = RedshiftEngine(options["folder"], options["iam_role"], **parameters)
    return RedshiftTables(engine, sources, options)


def _bigquery(options: Options, sources: Sources) -> Tables:
    from sojourn.warehouse.bigquery import BigQueryEngine, BigQueryTables

    engine = BigQueryEngine(options["project"], options.get("location", ""))
    return BigQueryTables(engine, sources, options)


_Build = Callable[[Options, Sources], Tables]
_KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], _Build]] = {
    "postgres": (("url",), (), _postgres),
    "clickhouse": (("url",), (), _clickhouse),
    "snowflake": (("account", "user", "database"), _SNOWFLAKE, _snowflake),
    "redshift": (("host", "database", "user", "folder", "iam_role"), _REDSHIFT, _redshift),
    "bigquery": (("project",), ("location",), _bigquery),
    "parquet": (("url",), (), _parquet),
    "delta": (("url",), ("storage_options",), _delta),
}
"""Options that must be there, options that may, and what builds it."""
