"""One query of the models in an engine's SQL: what sqlglot does not know of, then sqlglot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import Dialect, exp, parse_one

from sojourn.core.errors import InvalidSettings
from sojourn.insights.engines.nulls import without_ignore_nulls
from sojourn.insights.sql import queries


class Engine(NamedTuple):
    """An engine: what sqlglot calls it, and its statements and expressions from its `.sql` file."""

    sqlglot: str
    parts: Mapping[str, str]
    ignores_nulls: bool = True
    """Whether its windows have IGNORE NULLS."""
    keeps_tables: bool = False
    """Whether a column of a join, unless named, is called with its table's name in front."""

    @property
    def has_schema(self) -> bool:
        """Whether working tables are real ones, in a schema of their own."""
        return "{working}" in self.parts.get("open", "")

    def placed(self, name: str, working: str) -> str:
        """A working table's name for SQL text."""
        return f"{working}.{name}" if self.has_schema else name

    def call(self, part: str, argument: exp.Expr) -> exp.Expr:
        """An expression of the file around an argument, which it calls `value`."""
        found: exp.Expr = parse_one(self.parts[part], read=self.sqlglot)
        for column in list(found.find_all(exp.Column)):
            if column.name == "value":
                column.replace(argument.copy())
        return found


def _engine(name: str, like: str = "", **ways: bool) -> Engine:
    """The engine of a `.sql` file, which says only what is otherwise than in that of `like`."""
    parts = queries(f"engines/{like}.sql") if like else {}
    return Engine(name, {**parts, **queries(f"engines/{name}.sql")}, **ways)


ENGINES: Mapping[str, Engine] = {
    "duckdb": _engine("duckdb"),
    "postgres": _engine("postgres", ignores_nulls=False),
    "spark": _engine("spark"),
    "databricks": _engine("databricks", like="spark"),
    "snowflake": _engine("snowflake"),
    "bigquery": _engine("bigquery"),
    "redshift": _engine("redshift"),
    "clickhouse": _engine("clickhouse", keeps_tables=True),
}
"""By the name that `--dialect` takes."""


def engine(name: str) -> Engine:
    """The engine of that name. Raises `InvalidSettings`."""
    found = ENGINES.get(name)
    if found is None:
        raise InvalidSettings(f"dialect '{name}' is unknown; there are: {', '.join(ENGINES)}")
    return found


def render(query: exp.Query, target: Engine) -> str:
    """The query's text, laid out for people to read."""
    query = query.copy()
    if not target.ignores_nulls:
        without_ignore_nulls(query)
    _replace_times(query, target)
    _order_plainly(query, target)
    if target.keeps_tables:
        _name_columns(query)
    return query.sql(target.sqlglot, pretty=True)


def _replace_times(query: exp.Query, target: Engine) -> None:
    """Times to milliseconds and back, as the engine says it.

    sqlglot reads DuckDB's `epoch_ms` as the way from a number to a time; the models mean the other.
    """
    for node in list(query.find_all(exp.UnixToTime, exp.Anonymous)):
        if isinstance(node, exp.UnixToTime):
            node.replace(target.call("to_ms", node.this))
        elif node.name.lower() == "make_timestamp_ms":
            node.replace(target.call("from_ms", node.expressions[0]))


def _order_plainly(query: exp.Query, target: Engine) -> None:
    """Leave the place of NULLs to the engine: the models order by nothing that may be NULL."""
    rule = Dialect.get_or_raise(target.sqlglot).NULL_ORDERING
    for ordered in query.find_all(exp.Ordered):
        descending = bool(ordered.args.get("desc"))
        small, large = rule == "nulls_are_small", rule == "nulls_are_large"
        ordered.set("nulls_first", (small and not descending) or (large and descending))


def _name_columns(query: exp.Query) -> None:
    for select in query.find_all(exp.Select):
        for column in [p for p in select.expressions if isinstance(p, exp.Column)]:
            if column.table and not column.is_star:
                column.replace(exp.alias_(column.copy(), column.name))
