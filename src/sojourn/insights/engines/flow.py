"""From statements that change working tables, in order, to definitions that change nothing.

The models are written for DuckDB as statements run one after another: they make temporary tables,
add rows, delete rows, and let a view stand for something else. Spark cannot change a table in
place, and a definition is easier to read, to cache and to check. So each change of a relation
becomes a relation of its own (`odd`, `odd_2`), and a view is defined again when what it reads has
changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlglot import exp, parse_one

from sojourn.insights.engines.columns import write_out


class Definition(NamedTuple):
    """A relation: its name, its query, the columns of it. A view is cheap to compute again."""

    name: str
    query: exp.Query
    columns: tuple[str, ...]
    is_view: bool


class Flow:
    """Takes statements of the models in their order, DuckDB's SQL; `definitions` come of it."""

    def __init__(self, inputs: Mapping[str, Sequence[str]], empty: Collection[str] = ()) -> None:
        """`inputs`: the columns of the tables that are there. `empty`: relations without rows,
        whose parts of unions are left out."""
        self.definitions: list[Definition] = []
        self._columns = dict(inputs)
        self._empty = frozenset(empty)
        self._current = {name: name for name in inputs}
        self._views: dict[str, exp.Query] = {}
        self._made: dict[str, dict[str, str]] = {}
        self._versions: dict[str, int] = {}

    def take(self, sql: str) -> None:
        """Take one statement: CREATE … AS, INSERT … SELECT or DELETE. Raises `ValueError`."""
        statement = parse_one(sql, read="duckdb")
        name = statement.this.name if statement.this else ""
        if isinstance(statement, exp.Create) and isinstance(statement.expression, exp.Query):
            if statement.kind == "VIEW":
                self._views[name] = statement.expression
                self._current.pop(name, None)
            else:
                self._views.pop(name, None)
                self.define(name, statement.expression)
        elif isinstance(statement, exp.Insert) and isinstance(statement.expression, exp.Query):
            self.define(name, _with_rows(name, statement.expression))
        elif isinstance(statement, exp.Delete):
            self.define(name, _without_rows(name, statement.args["where"].this))
        else:
            raise ValueError(f"no definition follows from: {sql}")

    def define(self, name: str, query: exp.Query, is_view: bool = False) -> str:
        """Define a relation by a query over those so far; returns the name it gets."""
        query = self._resolve(_pruned(query.copy(), self._empty))
        columns = tuple(write_out(query, self._columns))
        version = self._versions[name] = self._versions.get(name, 0) + 1
        unique = name if version == 1 else f"{name}_{version}"
        self._columns[unique] = columns
        self._current[name] = unique
        self.definitions.append(Definition(unique, query, columns, is_view))
        return unique

    def _resolve(self, query: exp.Query) -> exp.Query:
        """The query with every relation that it reads under its name of now."""
        for table in tables_of(query):
            current = self._relation(table.name)
            if current != table.name:
                alias = table.alias_or_name
                table.set("this", exp.to_identifier(current))
                table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
        return query

    def _relation(self, name: str) -> str:
        """The name of now of a relation; a view is defined (again) where its sources changed."""
        if name not in self._views:
            return self._current[name]
        sources = {table.name: self._relation(table.name) for table in tables_of(self._views[name])}
        if name not in self._current or self._made.get(name) != sources:
            self.define(name, self._views[name], is_view=True)
            self._made[name] = sources
        return self._current[name]


def tables_of(query: exp.Expr) -> list[exp.Table]:
    """What a query reads, its own WITH queries aside. One name must not stand for both."""
    own = {cte.alias for cte in query.find_all(exp.CTE)}
    return [table for table in query.find_all(exp.Table) if table.name not in own]


def _with_rows(name: str, added: exp.Query) -> exp.Query:
    before = exp.select("*").from_(name)
    return before.union(exp.select("*").from_(added.subquery("added")), distinct=False)


def _without_rows(name: str, condition: exp.Expr) -> exp.Query:
    """`condition` must not be NULL: the models say EXISTS."""
    return exp.select("*").from_(name).where(exp.not_(condition))


def _pruned(query: exp.Query, empty: Collection[str]) -> exp.Query:
    """The query without the parts of its unions that read a relation without rows."""
    for union in list(query.find_all(exp.Union)):
        for part, other in ((union.left, union.right), (union.right, union.left)):
            if isinstance(part, exp.Select) and _reads(part) & set(empty):
                assert isinstance(other, exp.Select)
                kept = other.distinct() if union.args.get("distinct") else other
                if union.ctes:
                    kept.set("with_", union.args["with_"])
                if union is query:
                    return _pruned(kept, empty)
                union.replace(kept)
                return _pruned(query, empty)
    return query


def _reads(query: exp.Select) -> set[str]:
    """What stands in FROM and in inner joins."""
    start = query.args.get("from_")
    relations = [start.this] if start else []
    relations += [j.this for j in query.args.get("joins") or () if not j.side]
    return {relation.name for relation in relations if isinstance(relation, exp.Table)}
