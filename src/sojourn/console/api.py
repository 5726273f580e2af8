"""The JSON API: reports as JSON and CSV, status, and its own OpenAPI description."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from sojourn.console.guard import refuse
from sojourn.console.status import StatusReader
from sojourn.core.errors import InvalidSettings, SojournError
from sojourn.core.ports import Parameter, Report, Reports, ReportSpec

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class Api:
    """Handlers below `/api`."""

    def __init__(self, reports: Reports, status: StatusReader) -> None:
        self._reports = reports
        self._status = status

    async def describe(self, request: Request) -> Response:
        """`GET /api/reports`: what reports there are, what they mean and can be asked."""
        return as_json(await run_in_threadpool(self._reports.describe))

    async def report(self, request: Request) -> Response:
        """`GET /api/reports/NAME?…`: the whole answer of a report."""
        report = await self._run(request)
        return report if isinstance(report, Response) else as_json(report)

    async def report_csv(self, request: Request) -> Response:
        """`GET /api/reports/NAME.csv?…`: its table."""
        report = await self._run(request)
        if isinstance(report, Response):
            return report
        headers = {"Content-Disposition": f'attachment; filename="{report.spec.name}.csv"'}
        return Response(as_csv(report), 200, headers, "text/csv; charset=utf-8")

    async def status(self, request: Request) -> Response:
        """`GET /api/status`: sources, readers, destinations, warehouse."""
        return as_json(await self._status.read())

    async def openapi(self, request: Request) -> Response:
        """`GET /api/openapi.json`: this API, described."""
        return as_json(openapi(await run_in_threadpool(self._reports.describe)))

    async def _run(self, request: Request) -> Report | Response:
        name = request.path_params["name"]
        given = {key: value for key, value in request.query_params.items() if value}
        try:
            return await run_in_threadpool(self._answer, name, given)
        except InvalidSettings as error:
            return refuse(request, 400, error.detail)
        except SojournError as error:
            return refuse(request, 503, str(error))

    def _answer(self, name: str, given: Mapping[str, str]) -> Report:
        names = [spec.name for spec in self._reports.describe()]
        if name not in names:
            raise InvalidSettings(f"there is no report '{name}'; there are: {', '.join(names)}")
        return self._reports.run(name, given)


def as_json(value: Any, status: int = 200) -> Response:
    """Anything of ours as JSON; times as ISO 8601 text."""
    return Response(_ENCODER.encode(value), status, media_type="application/json")


def as_csv(report: Report) -> str:
    """The table as CSV. Text that a spreadsheet would run as a formula gets a quote in front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(report.columns)
    for row in report.rows:
        writer.writerow([_csv_value(value) for value in row])
    return out.getvalue()


def _csv_value(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    if isinstance(value, (list, tuple, dict)):
        return _ENCODER.encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else value


def openapi(specs: Sequence[ReportSpec]) -> dict[str, Any]:
    """The OpenAPI 3.1 description of the API with these reports."""
    paths: dict[str, Any] = {
        "/api/reports": {"get": _operation("What reports there are", "describeReports")},
        "/api/status": {"get": _operation("How each part of the server is doing", "status")},
    }
    for spec in specs:
        parameters = [_parameter(parameter) for parameter in spec.parameters]
        answer = {"$ref": "#/components/schemas/Report"}
        operation = _operation(spec.title, f"report_{spec.name}", spec.definition, answer)
        operation["parameters"] = parameters
        paths[f"/api/reports/{spec.name}"] = {"get": operation}
        table = _operation(f"{spec.title}, as CSV", f"csv_{spec.name}", spec.definition)
        table["parameters"] = parameters
        table["responses"]["200"] = {"description": "the table", "content": {"text/csv": {}}}
        paths[f"/api/reports/{spec.name}.csv"] = {"get": table}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sojourn", "version": "1", "description": _ABOUT},
        "paths": paths,
        "security": [{"token": []}, {"login": []}],
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "login": {"type": "apiKey", "in": "cookie", "name": "sojourn_login"},
            },
            "schemas": {"Report": _REPORT, "Error": _ERROR},
        },
    }


def _operation(
    summary: str, name: str, description: str = "", answer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    content = {"application/json": {"schema": answer or {}}}
    return {
        "summary": summary,
        "description": description or summary,
        "operationId": name,
        "responses": {
            "200": {"description": "the answer", "content": content},
            "400": {"description": "a wrong parameter, named", "content": error},
            "401": {"description": "not logged in, no valid token", "content": error},
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.default:
        schema["default"] = parameter.default
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.help,
        "schema": schema,
    }


_ABOUT = (
    "Reports over sessions. Instants are ISO 8601 in UTC; the days, weeks and months of trends and "
    "cohorts are those of the parameter `zone`. Lengths of time are seconds."
)
_TEXT = {"type": "string"}
_REPORT = {
    "type": "object",
    "required": ["spec", "columns", "rows", "sessions"],
    "properties": {
        "spec": {"type": "object", "description": "name, title, definition, parameters"},
        "columns": {"type": "array", "items": _TEXT},
        "rows": {"type": "array", "items": {"type": "array"}},
        "sessions": {
            "type": "array",
            "description": "per row: parameters of the report `sessions` that list the same "
            "sessions, or null",
            "items": {"type": ["object", "null"], "additionalProperties": _TEXT},
        },
        "sql": {"type": "string", "description": "the query behind it"},
        "extra": {"type": "object", "description": "what does not fit a table"},
    },
}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": _TEXT}}
