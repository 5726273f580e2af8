"""Rows by the rules of a warehouse with upper-case names, handled in lower case within Sojourn."""

from __future__ import annotations

from typing import Any

from sojourn.warehouse.transform import Origin, Row, Transformer
from sojourn.warehouse.transform.model import NOWHERE


class LowerCaseTransformer(Transformer):
    """Names come out in lower case; the dialect puts them back into the warehouse's case."""

    def rows(self, event: dict[str, Any], origin: Origin = NOWHERE) -> list[Row]:
        """The rows of one event. Raises `UnusableEvent` as `Transformer.rows` does."""
        rows = super().rows(event, origin)
        return [_lowered(row) for row in rows] if self.provider.upper else rows


def _lowered(row: Row) -> Row:
    return Row(
        row.table.lower(),
        {name.lower(): value for name, value in row.values.items()},
        {name.lower(): kind for name, kind in row.types.items()},
        row.merge_rule,
    )
