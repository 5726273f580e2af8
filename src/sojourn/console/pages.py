"""Rendering: templates with the figures' notation, the frame around every page, errors in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sojourn.console import charts, figures, lenses
from sojourn.console.asking import Asked
from sojourn.console.filters import SETS, fields, shared_query
from sojourn.core.ports import ReportSpec

NAVIGATION: Final = (
    ("Today", (("/", "Overview"), ("/live", "Live"), ("/sessions", "Sessions"))),
    (
        "Understand",
        (
            ("/problems", "Problems"),
            ("/journeys", "Journeys"),
            ("/funnels", "Funnels"),
            ("/retention", "Retention"),
        ),
    ),
    (
        "Run",
        (
            ("/sources", "Sources"),
            ("/destinations", "Destinations"),
            ("/warehouse", "Warehouse"),
            ("/settings", "Settings"),
        ),
    ),
)


class Pages:
    """Renders templates. `shared`: the filters that a reader keeps from page to page."""

    def __init__(self, shared: Sequence[str]) -> None:
        self._shared = shared
        self._env = jinja2.Environment(
            loader=jinja2.PackageLoader("sojourn.console"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters.update(
            show=figures.show,
            number=figures.number,
            ratio=figures.ratio,
            seconds=figures.seconds,
            moment=figures.moment,
            label=figures.label_of,
            person=figures.person,
            clock=figures.clock,
            reason=lenses.start_in_words,
            ending=lenses.end_in_words,
            query=urlencode,
        )
        self._env.globals.update(
            navigation=NAVIGATION,
            sets=SETS,
            without_period=_without_period,
            bar=charts.bar,
            sparkline=charts.sparkline,
        )

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """A whole page in its frame. Where a report of the page was refused, status 400."""
        asked = context.setdefault("asked", [])
        if status == 200 and any(one.error and one.spec for one in asked):
            status = 400
        return HTMLResponse(self.text(request, template, **context), status)

    def text(self, request: Request, template: str, **context: Any) -> str:
        """The text of a page or a part of one."""
        caller = request.state.caller
        query = dict(request.query_params)
        return self._env.get_template(template).render(
            **context,
            caller=caller,
            may=caller.may if caller else lambda _: False,
            form_token=request.state.form_token,
            path=request.url.path,
            url=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
            here=query,
            kept=shared_query(query, self._shared),
        )

    def error(self, request: Request, status: int, why: str) -> Response:
        """A small page that says what is wrong."""
        return self.page(request, "error.html", status, why=why, code=status)


def form_fields(asked: Sequence[Asked], query: Mapping[str, str]) -> Sequence[Any]:
    """The filter fields for the reports of a page."""
    specs: list[ReportSpec] = [one.spec for one in asked if one.spec is not None]
    return fields(specs, query)


def _without_period(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name not in ("from", "to") and value}
