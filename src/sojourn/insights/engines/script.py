"""A rebuild of the sessions tables as a script that an engine runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from sqlglot import exp

from sojourn.insights.engines.flow import Definition, tables_of
from sojourn.insights.engines.rebuild import Rules, definitions, types
from sojourn.insights.engines.rendering import Engine, engine, render

COMMON = Rules()


class Names(NamedTuple):
    """The tables, as SQL text calls them (quoted where they have to be).

    `events` is read. Where its rows cannot be changed in place, what the rebuild says of them goes
    to `event_sessions`. `working` is a schema for working tables, made and dropped where an engine
    needs one.
    """

    events: str = "session_events"
    sessions: str = "sessions"
    event_sessions: str = "event_sessions"
    working: str = "sojourn_working"


PLAIN = Names()


def statements(
    dialect: str,
    rules: Rules = COMMON,
    own: Mapping[str, Rules] | None = None,
    names: Names = PLAIN,
    *,
    transaction: bool = True,
) -> Iterator[str]:
    """The statements of a rebuild, in order, without semicolons.

    `rules` hold for every source but those in `own` (by source id). Without `transaction` they
    begin and end none, for a caller that does. Raises `InvalidSettings` for a dialect that there
    is not.
    """
    target = engine(dialect)
    fill = {"columns": ", ".join(types("sessions")), **names._asdict()}
    if transaction:
        yield from _parts(target, "begin")
    yield from _parts(target, "open", **fill)
    relations = definitions(rules, own or {})
    defined = {relation.name for relation in relations}
    for relation in relations:
        is_view = relation.is_view and "define_view" in target.parts
        query = render(_placed(relation, target, names, defined), target)
        name = target.placed(relation.name, names.working)
        yield from _parts(
            target, "define_view" if is_view else "define_table", name=name, query=query
        )
    yield from _parts(target, "store", **fill)
    yield from _parts(target, "close", **fill)
    if transaction:
        yield from _parts(target, "commit")


def script(
    dialect: str,
    rules: Rules = COMMON,
    own: Mapping[str, Rules] | None = None,
    names: Names = PLAIN,
) -> str:
    """The statements as one text, to be run by the engine's own client."""
    return ";\n\n".join(statements(dialect, rules, own, names)) + ";\n"


def _parts(target: Engine, part: str, **fill: str) -> Iterator[str]:
    for statement in f"{target.parts.get(part, '')}\n".split(";\n"):
        if statement.strip():
            yield statement.strip().format(**fill)


def _placed(
    relation: Definition, target: Engine, names: Names, defined: Collection[str]
) -> exp.Query:
    """The query with tables under the names that they have in the engine."""
    query = relation.query.copy()
    for table in tables_of(query):
        if table.name in defined:
            name = target.placed(table.name, names.working)
        else:
            name = names.events
        if name != table.name:
            alias = exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
            found = exp.to_table(name, dialect=target.sqlglot)
            found.set("alias", alias)
            table.replace(found)
    if relation.name == "gathered" and "text" in target.parts:
        texts = {name for name, kind in types("session_events").items() if kind == "TEXT"}
        for column in [p for p in query.expressions if p.name in texts]:
            column.replace(exp.alias_(target.call("text", column), column.name))
    return query
