"""Running reports for a page: off the event loop, with errors in words."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from sojourn.console.figures import Table, records, table_of
from sojourn.console.filters import chosen
from sojourn.core.errors import SojournError
from sojourn.core.ports import Report, Reports, ReportSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """A report that a page asked for: its answer, or why there is none (`error`)."""

    name: str
    parameters: Mapping[str, str]
    report: Report | None = None
    error: str = ""
    spec: ReportSpec | None = None
    columns: Sequence[str] = field(default_factory=tuple)
    headings: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> Table | None:
        """The answer as a table: `columns` only if any are named, under other `headings`."""
        if self.report is None:
            return None
        return table_of(self.report, self.columns, self.headings)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings with `href`; none where there is no answer."""
        return [] if self.report is None else records(self.report)

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the answer holds besides its table."""
        return {} if self.report is None else self.report.extra

    @property
    def api_href(self) -> str:
        """The API call that gives the same answer as JSON."""
        return self._href("")

    @property
    def csv_href(self) -> str:
        """The API call that gives the table as CSV."""
        return self._href(".csv")

    def _href(self, suffix: str) -> str:
        query = f"?{urlencode(self.parameters)}" if self.parameters else ""
        return f"/api/reports/{quote(self.name, safe='')}{suffix}{query}"


def query_of(request: Request) -> dict[str, str]:
    """What the URL asks, without empty values, in the reader's zone (which a script tells us)."""
    query = {name: value for name, value in request.query_params.items() if value}
    zone = unquote(request.cookies.get("zone", ""))
    if "zone" not in query and _is_zone(zone):
        query["zone"] = zone
    return query


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and ZoneInfo(name).key == name
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False


class Asker:
    """Asks `Reports`; what goes wrong is told on the page, and logged where it is our fault."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._specs: dict[str, ReportSpec] = {}
        self._shared: dict[tuple[str, str], tuple[float, asyncio.Task[Asked]]] = {}

    def specs(self) -> dict[str, ReportSpec]:
        """What each report is, by name."""
        if not self._specs:
            self._specs = {spec.name: spec for spec in self._reports.describe()}
        return self._specs

    def spec(self, name: str) -> ReportSpec | None:
        """What the report is; None where this server has no such report."""
        return self.specs().get(name)

    async def ask(self, name: str, query: Mapping[str, str], columns: Sequence[str] = ()) -> Asked:
        """Run one report with those of its parameters that are in `query`."""
        spec = self.spec(name)
        if spec is None:
            return Asked(name, {}, error=f"this server has no report '{name}'")
        parameters = chosen(spec, query)
        try:
            report = await run_in_threadpool(self._reports.run, name, parameters)
        except SojournError as error:
            return Asked(name, parameters, error=error.detail or str(error), spec=spec)
        except Exception:
            logger.exception("the report %s failed with %s", name, parameters)
            why = f"the report '{name}' failed; the server's log says why"
            return Asked(name, parameters, error=why, spec=spec)
        return Asked(name, parameters, report, spec=spec, columns=columns)

    async def ask_once(self, name: str, query: Mapping[str, str], seconds: float) -> Asked:
        """As `ask`, but everybody who asks the same within some seconds gets the same answer."""
        now = time.monotonic()
        self._shared = {key: one for key, one in self._shared.items() if one[0] > now}
        key = name, urlencode(sorted(query.items()))
        if key not in self._shared:
            self._shared[key] = now + seconds, asyncio.create_task(self.ask(name, query))
        return await asyncio.shield(self._shared[key][1])

    async def ask_all(self, wanted: Sequence[tuple[str, Mapping[str, str]]]) -> list[Asked]:
        """Run several reports at the same time; the answers in the order of the questions."""
        return list(await asyncio.gather(*(self.ask(name, query) for name, query in wanted)))
