"""The pages that show reports: overview, sessions, journeys, funnels, retention, problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sojourn.console import lenses, shapes
from sojourn.console.asking import Asked, Asker, query_of
from sojourn.console.figures import label_of
from sojourn.console.filters import conditions
from sojourn.console.guard import Handler
from sojourn.console.pages import Pages, form_fields
from sojourn.console.saved import Saved, page_of

PAGE_SIZE = 50
MOST_CHARTS = 5
KEPT_S = 60.0
"""How long the answer of a scan is good, seconds: it takes its time, and says much the same."""
BREAKDOWNS = (
    ("channel", "Channels"),
    ("entry_page", "Entry pages"),
    ("device", "Devices"),
    ("browser", "Browsers"),
)
_IN_FRICTION = ("signal", "sessions", "share", "conversion_rate")
_IN_CARDS = ("value", "sessions", "bounce_rate", "conversion_rate")


class ReportPages:
    """Handlers of the pages that anyone who may view can open."""

    def __init__(self, pages: Pages, asker: Asker, saved: Saved) -> None:
        self._pages = pages
        self._asker = asker
        self._saved = saved

    async def overview(self, request: Request) -> Response:
        """Sessions, people, engagement, durations, and the trend with its comparison."""
        query = _overview_query(request)
        asked = await self._asker.ask_all([("overview", query), ("trend", query)])
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
            parts_of_days=lenses.parts_of_days(asked[1]),
            breakdowns=BREAKDOWNS,
            query=query,
            fields=form_fields(asked[:2], request.query_params),
            segments=self._saved.all("segments"),
            reports={
                name: page_of("reports", parameters)
                for name, parameters in self._saved.all("reports").items()
            },
        )

    async def breakdown_card(self, request: Request) -> Response:
        """One card of the overview; each comes by itself, so that none keeps the page waiting."""
        query = {**_overview_query(request), "limit": "8"}
        asked = await self._asker.ask("breakdown", query)
        headings = {"value": label_of(query.get("by", ""))}
        asked = replace(asked, columns=_IN_CARDS, headings=headings)
        return HTMLResponse(self._pages.text(request, "breakdown_card.html", asked=asked))

    async def breakdown(self, request: Request) -> Response:
        """All values of one dimension."""
        query = query_of(request)
        asked = await self._asker.ask("breakdown", query)
        headings = {"value": label_of(query.get("by", "channel"))}
        asked = replace(asked, headings=headings)
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
            conditions=conditions(asked.parameters),
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
            diagram=shapes.journey(asked, query),
            fields=form_fields([asked], query),
        )

    def table(self, name: str) -> Handler:
        """The handler of a report's table as a part of a page, fetched when it is opened."""

        async def part(request: Request) -> Response:
            asked = await self._asker.ask(name, query_of(request))
            return HTMLResponse(self._pages.text(request, "table_part.html", asked=asked))

        return part

    async def funnels(self, request: Request) -> Response:
        """Steps, how many reach each, where the others went."""
        query = query_of(request)
        steps = [step.strip() for step in request.query_params.getlist("step") if step.strip()]
        if not steps:
            steps = [step.strip() for step in query.get("steps", "").split("|") if step.strip()]
        if len(steps) < 2:
            asked = Asked("funnel", {}, spec=self._asker.spec("funnel"))
        else:
            asked = await self._asker.ask("funnel", {**query, "steps": "|".join(steps)})
        spec_fields = [field for field in form_fields([asked], query) if field.name != "steps"]
        return self._pages.page(
            request,
            "funnels.html",
            asked=[asked],
            steps=steps,
            funnel=shapes.funnel(asked),
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
            heat=shapes.heat(asked),
            fields=form_fields([asked], query),
        )

    async def problems(self, request: Request) -> Response:
        """Ranked problems with their effect, onset and sessions; friction and opportunities."""
        query = query_of(request)
        names = ("problems", "friction", "opportunities")
        asked = [await self._asker.ask_once(name, query, KEPT_S) for name in names]
        problems = shapes.problems(asked[0], self._saved.notes())
        period = {name: text for name, text in query.items() if name in ("from", "to")}
        return self._pages.page(
            request,
            "problems.html",
            asked=asked,
            friction=replace(asked[1], columns=_IN_FRICTION),
            problems=[one for one in problems if not one.note.muted],
            muted=[one for one in problems if one.note.muted],
            charts=await self._onsets(problems[:MOST_CHARTS], period),
            period=period,
            opportunities=shapes.opportunities(asked[2]),
            places=shapes.friction_places(asked[1]),
            fields=form_fields(asked[:1], query),
        )

    async def _onsets(
        self, problems: Sequence[shapes.Problem], period: Mapping[str, str]
    ) -> dict[str, Markup]:
        """The chart of each problem's rate by day, by the problem's id."""
        wanted = [
            ("trend", {**parameters, **period})
            for one in problems
            for parameters in (one.base, one.hit)
        ]
        trends = await self._asker.ask_all(wanted)
        return {
            one.id: shapes.onset(one, trends[2 * place], trends[2 * place + 1])
            for place, one in enumerate(problems)
        }

    async def problem_strip(self, request: Request) -> Response:
        """The part of the overview that names the worst problem."""
        asked = await self._asker.ask_once("problems", query_of(request), KEPT_S)
        problems = shapes.problems(asked, self._saved.notes())
        shown = [one for one in problems if not one.note.muted]
        html = self._pages.text(request, "strip.html", asked=asked, problems=shown)
        return HTMLResponse(html)


def _overview_query(request: Request) -> dict[str, str]:
    query = {"from": "7d", "compare": "previous", **query_of(request)}
    if query["from"] in ("today", "24h"):
        query.setdefault("unit", "hour")
    return query


def _page_href(query: Mapping[str, str], offset: int) -> str:
    kept = {name: value for name, value in query.items() if name != "offset" and value}
    return f"/sessions?{urlencode({**kept, 'offset': str(max(0, offset))})}"
