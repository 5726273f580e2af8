"""The pages that show reports: overview, sessions, journeys, funnels, retention, problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sojourn.console import lenses
from sojourn.console.asking import Asked, Asker, query_of
from sojourn.console.filters import chosen
from sojourn.console.pages import Pages, form_fields
from sojourn.console.saved import Saved

PAGE_SIZE = 50
BREAKDOWNS = (
    ("channel", "Channels"),
    ("entry_page", "Entry pages"),
    ("device", "Devices"),
    ("browser", "Browsers"),
)
_IN_CARDS = ("value", "sessions", "bounce_rate", "conversion_rate")


_NO_CONDITION = ("limit", "offset", "zone", "sort")


class ReportPages:
    """Handlers of the pages that anyone who may view can open."""

    def __init__(self, pages: Pages, asker: Asker, saved: Saved) -> None:
        self._pages = pages
        self._asker = asker
        self._saved = saved

    async def overview(self, request: Request) -> Response:
        """Sessions, people, engagement, durations, channels, and the trend with its comparison."""
        query = {"from": "7d", "compare": "previous", **query_of(request)}
        wanted: list[tuple[str, Mapping[str, str]]] = [("overview", query), ("trend", query)]
        wanted += [("breakdown", {**query, "by": by, "limit": "8"}) for by, _ in BREAKDOWNS]
        asked = await self._asker.ask_all(wanted)
        unit = {"unit": query["unit"]} if "unit" in query else {}
        before = lenses.period_before(asked[0])
        compared = await self._asker.ask("trend", {**before, **unit}) if before else None
        asked[1] = lenses.with_dates(asked[1])
        metric = query.get("metric", "sessions")
        return self._pages.page(
            request,
            "overview.html",
            asked=asked,
            figures=lenses.figures(asked[0]),
            metric=metric,
            metrics=lenses.TREND_METRICS,
            trend=lenses.trend(asked[1], compared, metric),
            compared=compared is not None,
            breakdowns=[
                (title, by, replace(one, columns=_IN_CARDS))
                for (by, title), one in zip(BREAKDOWNS, asked[2:], strict=True)
                if one.error or one.records
            ],
            query=query,
            fields=form_fields(asked[:2], request.query_params),
            segments=self._saved.all("segments"),
        )

    async def breakdown(self, request: Request) -> Response:
        """All values of one dimension."""
        query = query_of(request)
        asked = await self._asker.ask("breakdown", query)
        fields = form_fields([asked], query)
        return self._pages.page(request, "breakdown.html", asked=[asked], fields=fields)

    async def sessions(self, request: Request) -> Response:
        """The list of sessions; every filter is in the URL."""
        query = query_of(request)
        offset = int(query["offset"]) if query.get("offset", "").isdecimal() else 0
        paged = {**query, "limit": str(PAGE_SIZE), "offset": str(offset)}
        asked = await self._asker.ask("sessions", paged)
        rows = lenses.sessions(asked)
        return self._pages.page(
            request,
            "sessions.html",
            asked=[asked],
            sessions=rows,
            total=asked.extra.get("total"),
            offset=offset,
            newer=_page_href(query, offset - PAGE_SIZE) if offset else "",
            older=_page_href(query, offset + PAGE_SIZE) if len(rows) == PAGE_SIZE else "",
            conditions=_conditions(asked),
            fields=form_fields([asked], query),
        )

    async def session(self, request: Request) -> Response:
        """One session's timeline: events, gaps, reasons, marks of friction."""
        key = request.path_params["key"]
        asked = await self._asker.ask("session", {"key": key})
        status = 404 if asked.error or not asked.records else 200
        return self._pages.page(
            request,
            "session.html",
            status,
            asked=[asked],
            key=key,
            key_facts=lenses.KEY_FACTS,
            facts=lenses.session_facts(asked),
            timeline=lenses.timeline(asked),
        )

    async def journeys(self, request: Request) -> Response:
        """Paths from or to an anchor; a node leads on, a band to its sessions."""
        query = query_of(request)
        asked = await self._asker.ask("journeys", query)
        return self._pages.page(
            request,
            "journeys.html",
            asked=[asked],
            diagram=lenses.journey(asked, query),
            fields=form_fields([asked], query),
        )

    async def funnels(self, request: Request) -> Response:
        """Steps, how many reach each, where the others went."""
        query = query_of(request)
        steps = [step.strip() for step in request.query_params.getlist("step") if step.strip()]
        if not steps and query.get("steps"):
            steps = [step.strip() for step in query["steps"].split(",")]
        asked = await self._asker.ask("funnel", {**query, "steps": ",".join(steps)})
        spec_fields = [field for field in form_fields([asked], query) if field.name != "steps"]
        return self._pages.page(
            request,
            "funnels.html",
            asked=[asked],
            steps=steps or lenses.steps_of(asked),
            funnel=lenses.funnel(asked),
            fields=spec_fields,
            saved=self._saved.all("funnels"),
            parameters=asked.parameters,
        )

    async def retention(self, request: Request) -> Response:
        """How many come back, by the day or week of their first session."""
        query = query_of(request)
        asked = await self._asker.ask("retention", query)
        return self._pages.page(
            request,
            "retention.html",
            asked=[asked],
            heat=lenses.heat(asked),
            fields=form_fields([asked], query),
        )

    async def problems(self, request: Request) -> Response:
        """Ranked problems with their effect, onset and sessions; friction and opportunities."""
        query = query_of(request)
        names = ("problems", "friction", "opportunities")
        asked = await self._asker.ask_all([(name, query) for name in names])
        problems = lenses.problems(asked[0], self._saved.notes())
        return self._pages.page(
            request,
            "problems.html",
            asked=asked,
            problems=[one for one in problems if not one.note.muted],
            muted=[one for one in problems if one.note.muted],
            fields=form_fields(asked[:1], query),
        )

    async def problem_strip(self, request: Request) -> Response:
        """The part of the overview that names the worst problem."""
        asked = await self._asker.ask("problems", query_of(request))
        problems = lenses.problems(asked, self._saved.notes())
        shown = [one for one in problems if not one.note.muted]
        html = self._pages.text(request, "strip.html", asked=asked, problems=shown)
        return HTMLResponse(html)


def _page_href(query: Mapping[str, str], offset: int) -> str:
    kept = {name: value for name, value in query.items() if name != "offset" and value}
    return f"/sessions?{urlencode({**kept, 'offset': str(max(0, offset))})}"


def _conditions(asked: Asked) -> list[tuple[str, str]]:
    if asked.spec is None:
        return []
    given = chosen(asked.spec, asked.parameters)
    return [(name, value) for name, value in given.items() if name not in _NO_CONDITION]
