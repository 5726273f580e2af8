"""Events that no row can be made of, and rows that no warehouse takes."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.warehouse.transform import UnusableEvent

from .rows_of_events import event, rows


@pytest.mark.parametrize("kind", ["ping", None, 5, ""])
def test_an_unknown_type_is_the_events_fault(kind: Any) -> None:
    with pytest.raises(UnusableEvent, match="Unknown event type") as caught:
        rows(event(kind))
    assert caught.value.status == 400


def test_the_type_may_be_written_in_any_case() -> None:
    assert rows(event("Page"))[0].table == "pages"


@pytest.mark.parametrize("context", ["x", 1, [1], True])
def test_a_context_that_is_no_object_is_refused(context: Any) -> None:
    with pytest.raises(UnusableEvent, match="context is not a map") as caught:
        rows(event("page", context=context))
    assert caught.value.status == 500


def test_a_row_of_too_many_columns_is_refused_but_not_in_a_data_lake() -> None:
    given = event("page", properties={f"p{i}": i for i in range(1700)})
    with pytest.raises(UnusableEvent, match="Too many columns"):
        rows(given)
    (row,) = rows(given, "azure_datalake")
    assert row.values["p1699"] == 1699
    (row,) = rows({**given, "channel": "sources"})
    assert row.values["p1699"] == 1699


def test_an_event_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(UnusableEvent, match="nested too deeply"):
        rows(event("page", properties=deep))
