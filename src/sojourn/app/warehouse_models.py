"""The session models in a warehouse: their script for it, and a rebuild that runs there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sojourn.app.access import open_access
from sojourn.app.data_directory import DataDirectory
from sojourn.core.errors import InvalidSettings
from sojourn.insights.engines.rebuild import Rules
from sojourn.insights.engines.script import COMMON, PLAIN, Names, script, statements
from sojourn.settings import Configuration, DestinationSettings
from sojourn.warehouse.dialects import POSTGRES
from sojourn.warehouse.parts import imported
from sojourn.warehouse.sql_tables import SESSIONS_NAMESPACE

DIALECTS: Mapping[str, str] = {"parquet": "spark", "delta": "spark"}
"""Types of warehouses whose SQL is called otherwise; the others' is called like them."""
_RULES = "SELECT source_id, timeout_ms, max_length_ms FROM session_policies"


class Rebuilt(NamedTuple):
    """How many sessions there are now, and how many events in them."""

    sessions: int
    events: int


def models_script(configuration: Configuration, warehouse: str = "", dialect: str = "") -> str:
    """The script that makes all sessions anew: for a configured warehouse, or in any dialect.

    Raises `InvalidSettings` for a warehouse or a dialect that there is not, or for neither.
    """
    if not (warehouse or dialect):
        raise InvalidSettings("for what? Name a warehouse of the configuration, or a --dialect")
    names = PLAIN
    if warehouse:
        entry = _entry(configuration, warehouse)
        dialect = dialect or DIALECTS.get(entry.type, entry.type)
        names = _names(entry)
    return script(dialect, COMMON, _rules(configuration), names)


def rebuild_in(configuration: Configuration, warehouse: str) -> Rebuilt:
    """Make all sessions anew in a PostgreSQL warehouse, from the events there, or nothing.

    Raises `InvalidSettings` for another warehouse; `WarehouseUnavailable`.
    """
    entry = _entry(configuration, warehouse)
    if entry.type != "postgres":
        raise InvalidSettings(
            f"Sojourn runs the models in PostgreSQL only; for {warehouse} print them without "
            "--rebuild, and run them there"
        )
    postgres = imported("sojourn.warehouse.postgres", "PostgreSQL", "postgres")
    names = _names(entry)
    engine = postgres.PostgresEngine(entry.options["url"])
    try:
        with engine.transaction():
            for statement in statements(
                "postgres", COMMON, _rules(configuration), names, transaction=False
            ):
                engine.run(statement)
            ((sessions,),) = engine.rows(f"SELECT count(*) FROM {names.sessions}")
            ((events,),) = engine.rows(f"SELECT count(*) FROM {names.events}")
        return Rebuilt(sessions, events)
    finally:
        engine.close()


def _entry(configuration: Configuration, name: str) -> DestinationSettings:
    """The warehouse of that name. Raises `InvalidSettings`."""
    for entry in configuration.warehouses:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in configuration.warehouses) or "none"
    raise InvalidSettings(
        f"there is no warehouse '{name}' in the configuration; there are: {known}"
    )


def _names(entry: DestinationSettings) -> Names:
    """The sessions tables where the warehouse has them."""
    if entry.type in DIALECTS:
        return PLAIN
    schema = str(entry.options.get("namespace") or SESSIONS_NAMESPACE)

    def name(table: str) -> str:
        return POSTGRES.name(schema, table) if entry.type == "postgres" else f"{schema}.{table}"

    return Names(name(PLAIN.events), name(PLAIN.sessions), name(PLAIN.event_sessions))


def _rules(configuration: Configuration) -> dict[str, Rules]:
    """The rules in force; those of the configuration where no warehouse has begun."""
    rules = {
        source.id: Rules(source.timeout_ms, source.max_length_ms)
        for source in configuration.sources
    }
    if DataDirectory(configuration.data_dir).warehouse.exists():
        with open_access(configuration) as access:
            for source_id, *numbers in access.sql(_RULES)["rows"]:
                rules[source_id] = Rules(*numbers)
    return {source_id: its for source_id, its in rules.items() if its != COMMON}
