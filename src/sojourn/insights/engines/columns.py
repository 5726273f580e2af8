"""Which columns a query gives, and `* EXCLUDE (…)` written out, which few engines know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

Columns = Mapping[str, Sequence[str]]
"""The columns of each relation by its name."""


def write_out(query: exp.Query, known: Columns) -> list[str]:
    """Replace every `* EXCLUDE` in `query` (changed in place); returns the columns it gives.

    `known`: the columns of the relations that it reads. Raises `KeyError` for another relation.
    """
    known = dict(known)
    for cte in query.ctes:
        named = known[cte.alias] = cte.alias_column_names  # one that reads itself has to
        found = write_out(cte.this, known)
        known[cte.alias] = named or found
    if isinstance(query, exp.Subquery):
        return write_out(query.this, known)
    if isinstance(query, exp.SetOperation):
        columns = write_out(query.left, known)
        write_out(query.right, known)
        return columns
    assert isinstance(query, exp.Select)
    return _select(query, known)


def _select(query: exp.Select, known: Columns) -> list[str]:
    sources = _sources(query, known)
    columns: list[str] = []
    projections: list[exp.Expr] = []
    for projection in query.expressions:
        if not projection.is_star:
            columns.append(projection.alias_or_name)
            projections.append(projection)
            continue
        star = projection if isinstance(projection, exp.Star) else projection.this
        without = {column.name for column in star.args.get("except_") or ()}
        table = projection.args.get("table")
        chosen = [table.name] if table else list(sources)
        found = [(name, c) for name in chosen for c in sources[name] if c not in without]
        columns += [column for _, column in found]
        if without:
            projections += [exp.column(column, table=name) for name, column in found]
        else:
            projections.append(projection)
    query.set("expressions", projections)
    return columns


def _sources(query: exp.Select, known: Columns) -> dict[str, Sequence[str]]:
    """The columns of what stands in FROM and JOIN, by alias."""
    found: dict[str, Sequence[str]] = {}
    start = query.args.get("from_")
    relations = ([start.this] if start else []) + [
        join.this for join in query.args.get("joins") or ()
    ]
    for relation in relations:
        named = relation.alias_column_names
        if isinstance(relation, exp.Subquery):
            found[relation.alias_or_name] = named or write_out(relation.this, known)
        elif isinstance(relation, exp.Values):
            found[relation.alias_or_name] = named
        else:
            found[relation.alias_or_name] = known[relation.name]
    return found
