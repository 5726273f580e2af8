"""What a running server shows: the console and its API, the control calls, the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from sojourn.app.administration import Administration
from sojourn.app.control import control_app
from sojourn.app.definition import Definition
from sojourn.app.erasure.jobs import Job, Order
from sojourn.app.erasure.receipts import shown_erasures
from sojourn.app.erasure.regulations import Regulations, regulations_app
from sojourn.app.metrics import metrics_endpoint
from sojourn.app.questions import Questions
from sojourn.console import Console, ConsoleSettings, Operation
from sojourn.core.ports import Report

if TYPE_CHECKING:
    from sojourn.app.platform import Platform


def build_console(platform: Platform) -> Console:
    """The console over a platform's reports, status and state.

    Raises `InvalidSettings` for a configured funnel, report or segment that makes no sense.
    """
    options = platform.configuration.options
    console = Console(
        platform.reports,
        platform.status,
        ConsoleSettings(
            open_access=options["open_console"],
            proxy_user_header=options["proxy_user_header"],
            data_plane_url=options["public_url"],
        ),
        platform.state,
        platform.clock,
        write_key=lambda source_id: _write_key(platform, source_id),
        recent_events=lambda: _recent(platform),
        operations=_operations(platform, asyncio.get_running_loop()),
        erasures=lambda: shown_erasures(platform.erasures),
        configured=platform.configuration.saved,
    )
    console.saved.check_configured(f"{platform.configuration.path}: ")
    return console


def _operations(platform: Platform, loop: asyncio.AbstractEventLoop) -> dict[str, Operation]:
    """What an admin may do from the console; each runs in a thread."""
    questions = Questions(platform)

    def replay(fields: Mapping[str, str]) -> str:
        replaying = questions.replay(fields.get("destination", ""))
        count = asyncio.run_coroutine_threadsafe(replaying, loop).result()
        return f"{count} events will be delivered again."

    def redefine(fields: Mapping[str, str], apply: bool = False) -> Report:
        definition = Definition(fields.get("timeout", ""), fields.get("maximum", ""))
        return questions.redefine(definition, apply)

    def forget(fields: Mapping[str, str]) -> str:
        order = Order([{"userId": fields.get("user", "")}], by=fields.get("by", ""))

        async def ordering() -> Job:
            return platform.erasures.order(order)

        job = asyncio.run_coroutine_threadsafe(ordering(), loop).result()
        return f"Erasure {job.id} has begun; the settings show how far it is."

    return {
        "forget": forget,
        "replay": replay,
        "redefine": redefine,
        "redefine_apply": lambda fields: redefine(fields, apply=True),
    }


def everything_but_events(platform: Platform, console: Console, token: str) -> Starlette:
    """The app that stands behind the gateway."""
    administration = Administration(console.accounts, console.saved, console.audit)
    erasures = platform.erasures
    regulations = Regulations(erasures, platform.suppressions, console.accounts, console.audit)
    return Starlette(
        routes=[
            Mount("/control", control_app(Questions(platform), administration, erasures, token)),
            Mount("/v2", regulations_app(regulations)),
            Route("/metrics", metrics_endpoint(platform)),
            Mount("/", console),
        ]
    )


def _write_key(platform: Platform, source_id: str) -> str | None:
    source = platform.sources.by_id(source_id)
    return source.write_key if source is not None else None


def _recent(platform: Platform) -> Sequence[Mapping[str, Any]]:
    return platform.recent.events()
