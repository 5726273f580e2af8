"""Runs conformance cases of the warehouse: the actual value beside a case's `expected`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.testing.compare import UnknownCase
from sojourn.warehouse.transform import Origin, Transformer, UnusableEvent, cast, evolve
from sojourn.warehouse.transform.rows import MAX_COLUMNS


def run(case: Mapping[str, Any]) -> Any:
    """The value that the case's `expected` is compared with. Raises `UnknownCase`."""
    stage = case["stage"]
    if stage == "transform":
        return _transform(case)
    if stage == "cast":
        return _cast(case["input"])
    if stage == "schema":
        return _schema(case)
    raise UnknownCase(f"warehouses have no stage `{stage}`")


def _transform(case: Mapping[str, Any]) -> Any:
    options = case.get("options") or {}
    transformer = Transformer(
        case["provider"],
        case.get("destination_config"),
        id_resolution=options.get("id_resolution", False),
        add_origin_to_context=options.get("add_source_destination_to_context", True),
        max_columns=options.get("max_columns", MAX_COLUMNS),
    )
    metadata = case.get("metadata") or {}
    known = {key: metadata[key] for key in Origin._fields if metadata.get(key) is not None}
    origin = Origin(**{"received_at": case.get("now", ""), **known})
    try:
        rows = transformer.rows(case["input"], origin)
    except UnusableEvent as error:
        return {"error": {"status": error.status, "message": error.detail}}
    return {"rows": [_row(row) for row in rows]}


def _row(row: Any) -> dict[str, Any]:
    plain = {"table": row.table, "types": row.types, "values": row.values}
    return {**plain, "merge_rule": True} if row.merge_rule else plain


def _cast(given: Mapping[str, Any]) -> Any:
    result = cast(given["column_type"], given["value_type"], given["value"])
    if result.reason is None:
        return {"value": result.value}
    discard = {"column_value": result.discarded, "reason": result.reason}
    return {"value": result.value, "discard": discard}


def _schema(case: Mapping[str, Any]) -> Any:
    given = case["input"]
    schema, changes = evolve(
        given["warehouse_schema"], given["upload_schemas"], case.get("provider", "duckdb")
    )
    return {"schema": schema, "changes": {table: vars(change) for table, change in changes.items()}}
