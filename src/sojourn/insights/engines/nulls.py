"""Windows with IGNORE NULLS for engines that have none: the value of a counted group.

`last_value(x IGNORE NULLS)` over the rows up to this one is the one value of x in the group of rows
that have seen equally many; the same holds for `first_value` over the rows from this one on.
"""

from __future__ import annotations

from sqlglot import exp


def without_ignore_nulls(query: exp.Query) -> exp.Query:
    """The query, changed in place, without IGNORE NULLS in its windows.

    Such a window must order its rows uniquely, its frame must go from this row to one end of the
    partition, and what it partitions by must be a column that the query gives.
    """
    for select in list(query.find_all(exp.Select)):
        found = [p for p in select.expressions if _value(p) is not None]
        if found:
            _regroup(select, found)
    return query


def _value(projection: exp.Expr) -> exp.Expr | None:
    """What is looked for in a projection `first_value(x IGNORE NULLS) OVER …`."""
    window = projection.unalias()
    if isinstance(window, exp.Window) and isinstance(window.this, exp.IgnoreNulls):
        value: exp.Expr = window.this.this.this
        return value
    return None


def _regroup(select: exp.Select, found: list[exp.Expr]) -> None:
    inner = select.copy()
    inner.set("with_", None)
    outer: list[exp.Expr] = []
    projections: list[exp.Expr] = []
    for projection in inner.expressions:
        value, name = _value(projection), projection.alias_or_name
        if value is None:
            projections.append(projection)
            if not projection.is_star:
                outer.append(exp.column(name))
            continue
        window = projection.unalias()
        group, wanted = f"{name}_group", f"{name}_value"
        counted = window.copy()
        counted.set("this", exp.Count(this=value.copy()))
        projections += [exp.alias_(counted, group), exp.alias_(value.copy(), wanted)]
        parts = [exp.column(part.name) for part in _partition(select, window)]
        outer.append(
            exp.alias_(
                exp.Window(
                    this=exp.Max(this=exp.column(wanted)),
                    partition_by=[*parts, exp.column(group)],
                ),
                name,
            )
        )
    inner.set("expressions", projections)
    if any(projection.is_star for projection in projections):
        outer = [exp.Star(), *(part for part in outer if not isinstance(part, exp.Column))]
    with_ = select.args.get("with_")
    regrouped = exp.Select(expressions=outer, from_=exp.From(this=inner.subquery("grouped")))
    if with_:
        regrouped.set("with_", with_)
    select.replace(regrouped)


def _partition(select: exp.Select, window: exp.Window) -> list[exp.Expr]:
    if window.alias:
        named = {one.name: one for one in select.args.get("windows") or ()}
        window = named[window.alias]
    return list(window.args.get("partition_by") or ())
