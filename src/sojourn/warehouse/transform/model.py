"""What goes into the transformation beside the event, and what comes out."""

from __future__ import annotations

from typing import Any, NamedTuple

Values = dict[str, Any]
"""Column to value: text, int, float or bool. Times and JSON are text. No nulls."""
Types = dict[str, str]
"""Column to type: `int`, `float`, `boolean`, `string`, `text`, `datetime`, `json`."""


class Row(NamedTuple):
    """One row for one table."""

    table: str
    values: Values
    types: Types
    """Has more columns than `values`: those that the load fills (`uuid_ts`)."""
    merge_rule: bool = False
    """The row is an identity rule: it has no `id` and no times."""


class Origin(NamedTuple):
    """What is known about an event beside the event. Make one per source or request."""

    source_id: str = ""
    source_type: str = ""
    source_category: str = ""
    destination_id: str = ""
    received_at: str = ""
    """ISO 8601; stands in for an event's `receivedAt` that is missing or no time. Empty: now."""
    record_id: Any = None
    """Of cloud sources: the record that the event was made of."""


NOWHERE = Origin()
