"""How SQL warehouses make and widen tables: CREATE, ALTER, `information_schema`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

from sojourn.warehouse.engine import Engine
from sojourn.warehouse.statements import Statements
from sojourn.warehouse.transform import DISCARDS_TABLE, TableChange

_KEYS = {DISCARDS_TABLE: ("row_id", "column_name", "table_name")}
_KEY = ("id",)
Key = tuple[str, ...]
_LONG = 512
"""Longer Redshift columns hold `text`, shorter ones `string`."""


def key_of(table: str) -> Key:
    """The columns that tell the rows of a table apart."""
    return _KEYS.get(table, _KEY)


class SqlGrowth:
    """Implements `sojourn.warehouse.schemas.Growth`."""

    def __init__(
        self,
        engine: Engine,
        statements: Statements,
        indexed: bool = False,
        together: bool = False,
    ) -> None:
        """`indexed`: make an index on the key of each new table. `together`: all changes in one
        transaction, for warehouses that allow it."""
        self._engine = engine
        self._dialect = engine.dialect
        self._sql = statements
        self._indexed = indexed
        self._together = together

    def columns(self, namespace: str) -> list[tuple[str, str, str]]:
        """Table, column and our type, of all columns of a namespace."""
        dialect = self._dialect
        name = dialect.provider.cased(namespace).replace("'", "''")
        found: list[tuple[str, str, str]] = []
        for table, column, data_type, length in self._engine.rows(
            self._sql("columns", namespace=name)
        ):
            kind = dialect.our_type(str(data_type))
            if kind == "string" and dialect.provider.long_text and (length or 0) > _LONG:
                kind = "text"
            found.append((dialect.plain(table), dialect.plain(column), kind))
        return found

    def apply(
        self, namespace: str, changes: Mapping[str, TableChange], key: Key | None = None
    ) -> None:
        """Make the namespace and its tables, or widen them. `key`: unless it is `key_of`."""
        with self._engine.transaction() if self._together else nullcontext():
            schema = self._dialect.name(namespace)
            self._engine.run(self._sql("create_schema", schema=schema))
            for table, change in changes.items():
                self._change(namespace, table, change, key or key_of(table))

    def _change(self, namespace: str, table: str, change: TableChange, key: Key) -> None:
        dialect, name = self._dialect, self._dialect.name(namespace, table)
        columns = [f"{dialect.name(c)} {dialect.types[kind]}" for c, kind in change.add.items()]
        if change.create:
            sort = "received_at" if "received_at" in change.add else key[0]
            sql = self._sql(
                "create_table",
                table=name,
                columns=", ".join(columns),
                first_key=dialect.name(key[0]),
                sort=dialect.name(sort),
            )
            self._engine.run(sql)
            if self._indexed:
                parts = ", ".join(dialect.name(part) for part in key)
                self._engine.run(self._sql("create_key_index", table=name, key=parts))
        else:
            for column in columns:
                self._engine.run(self._sql("add_column", table=name, column=column))
        for column, kind in change.alter.items():
            words = {"column": dialect.name(column), "type": dialect.types[kind]}
            self._engine.run(self._sql("widen", table=name, **words))
