"""Objects to columns: `{"a": {"b": 1}}` under the prefix `context_` is `context_a_b`.

A `Tree` remembers the column of every path it has seen, so that an event costs one look-up per
value. Keys are taken as they come; only where two paths have the same column does the order
matter (keys in byte order at each level, the last wins), and such a tree sorts from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from sojourn.warehouse.transform.times import KNOWN_TIMES
from sojourn.warehouse.transform.values import (
    BOOLEAN,
    DATETIME,
    INT,
    STRING,
    TIME_MAX,
    is_blank,
    json_text,
    put,
)

_PATHS_MAX = 50_000
_TEXT_OF_A_PATH = 100
"""Longer paths count as several: what a tree remembers is bounded in bytes too."""
Path = tuple[str, ...]


class _JsonText(str):
    """The JSON text of a value that stays JSON."""

    __slots__ = ()


class _Names(dict[str, str]):
    """Key to column, of one level. An empty column: the value is dropped."""

    __slots__ = ("level",)

    def __init__(self, level: _Level) -> None:
        self.level = level

    def __missing__(self, key: str) -> str:
        name = self[key] = self.level.tree.name(self.level, key)
        return name


class _Children(dict[str, "_Level"]):
    __slots__ = ("level",)

    def __init__(self, level: _Level) -> None:
        self.level = level

    def __missing__(self, key: str) -> _Level:
        level = self.level
        level.tree.grow(key)
        child = self[key] = _Level(level.tree, (*level.path, key))
        return child


class _Level:
    """One object within the tree."""

    __slots__ = ("children", "json_keys", "last", "names", "path", "prefix", "tree")

    def __init__(self, tree: Tree, path: Path) -> None:
        self.tree = tree
        self.path = path
        self.prefix = "".join(f"{key}_" for key in path)
        self.names = _Names(self)
        self.children = _Children(self)
        self.last = tree.depth is not None and len(path) >= tree.depth
        self.json_keys = frozenset(json[-1] for json in tree.json_paths if json[:-1] == path)


class Tree:
    """The columns of one part of an event: its context, its properties, its traits."""

    def __init__(
        self,
        column: Callable[[str], str],
        prefix: str = "",
        dropped: Collection[str] = (),
        json_paths: Iterable[Path] = (),
        depth: int | None = None,
        json_type: str = STRING,
    ) -> None:
        """`column` makes names. `dropped` columns are left out. Values at `json_paths` stay
        JSON, with `json_type`. Objects below `depth` levels are stored as JSON text (None:
        all are flattened)."""
        self.column = column
        self.prefix = prefix
        self.dropped = frozenset(dropped)
        self.json_paths = frozenset(json_paths)
        self.depth = depth
        self.json_type = json_type
        self._start()

    def _start(self) -> None:
        self.root = _Level(self, ())
        self.ordered = False
        self._paths = 0
        self._owners: dict[str, Path] = {}

    def name(self, level: _Level, key: str) -> str:
        """The column of `key` within `level`; empty: dropped."""
        text = self.prefix + level.prefix + key
        self.grow(text)
        name = self.column(text)
        if not name or name in self.dropped:
            return ""
        path = (*level.path, key)
        if self._owners.setdefault(name, path) != path:
            self.ordered = True
        return name

    def grow(self, text: str) -> None:
        """Count a new path; a tree of too many (keys that are ids, say) starts anew."""
        self._paths += 1 + len(text) // _TEXT_OF_A_PATH
        if self._paths > _PATHS_MAX:
            self._start()

    def flatten(self, source: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """Every value of the object `source` under its column, and the columns' types.

        Anything but an object has none.
        """
        values: dict[str, Any] = {}
        types: dict[str, str] = {}
        if type(source) is not dict:
            return values, types
        root, ordered = self.root, self.ordered
        _walk(root, source, values, types)
        if self.ordered is not ordered or self.root is not root:
            # Two paths with one column were found on the way: again, in order.
            self.ordered = True
            values, types = {}, {}
            _walk(self.root, source, values, types)
        return values, types


def _walk(
    level: _Level, source: dict[str, Any], values: dict[str, Any], types: dict[str, str]
) -> None:
    if level.json_keys:
        source = _keep_json(source, level.json_keys)
    names = level.names
    for key, value in sorted(source.items()) if level.tree.ordered else source.items():
        kind = type(value)
        if kind is str:
            if not value:
                continue
            name = names[key]
            if not name:
                continue
            if value < ":" and value[4:5] == "-" and len(value) < TIME_MAX:  # it may be a time
                time = KNOWN_TIMES[value]
                if time is not None:
                    values[name] = time
                    types[name] = DATETIME
                    continue
            values[name] = value
            types[name] = STRING
        elif kind is dict:
            if not level.last:
                _walk(level.children[key], value, values, types)
            elif name := names[key]:
                values[name] = json_text(value)
                types[name] = STRING
        elif value is not None and (name := names[key]):
            if kind is int:
                values[name] = value
                types[name] = INT
            elif kind is bool:
                values[name] = value
                types[name] = BOOLEAN
            elif kind is _JsonText:
                values[name] = str(value)
                types[name] = level.tree.json_type
            else:
                put(values, types, name, value)


def _keep_json(source: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """`source` with the values of `keys` as their JSON text."""
    return {
        key: _JsonText(json_text(value)) if key in keys and not is_blank(value) else value
        for key, value in source.items()
    }
