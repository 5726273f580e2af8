"""Whether the disk is enough: the log against its budget, and the space that is left.

Nothing that a reader has still to read is deleted to keep a budget: an alert says who is behind.
When the disk is full, the log refuses, and the gateway answers 500, which SDKs try again.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sojourn.core.errors import SojournError
from sojourn.core.ports import EventLog, Lag
from sojourn.log import SqliteLog
from sojourn.settings import format_size

ALERTS = ("disk_budget", "disk_low")
"""The names of all alerts."""
LOW_BYTES = 1 << 30
"""Less free space than this is an alert."""
_EVERY_S = 30.0
_AGAIN_S = 3600.0
"""How often an alert that stays is logged."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DiskUse:
    """What the data folder takes, bytes."""

    log_bytes: int | None
    """Of the log's entries; None where the log is not in the folder."""
    budget_bytes: int
    """`disk_budget`; 0: none."""
    folder_bytes: int
    free_bytes: int
    """Left on the disk."""


@dataclass(frozen=True)
class Alert:
    """Something that somebody must do something about."""

    name: str
    text: str


class DiskWatch:
    """Looks at the disk now and then; `alerts` is what it found the last time.

    `lags` says how far every reader is behind, by name.
    """

    def __init__(
        self,
        folder: Path,
        log: EventLog,
        budget_bytes: int,
        lags: Callable[[], Awaitable[Mapping[str, Lag]]],
    ) -> None:
        self.alerts: Sequence[Alert] = ()
        self._folder = folder
        self._log = log
        self._budget_bytes = budget_bytes
        self._lags = lags
        self._logged: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set.

        Asking for the lags also tells the log that the readers are still there, so that
        retention waits for one that has been down for weeks.
        """
        while not stop.is_set():
            try:
                await self.look()
            except (SojournError, OSError) as error:
                _log.info("the disk is looked at later: %s", error)
            try:
                await asyncio.wait_for(stop.wait(), _EVERY_S)
            except TimeoutError:
                continue

    async def look(self) -> DiskUse:
        """Measure, and renew `alerts`; a new one is logged, one that stays every hour."""
        log = self._log
        use = DiskUse(
            await log.size() if isinstance(log, SqliteLog) else None,
            self._budget_bytes,
            await asyncio.to_thread(_folder_bytes, self._folder),
            shutil.disk_usage(self._folder).free,
        )
        alerts = []
        lags = await self._lags()
        if self._is_held_back():
            alerts.append(_over_budget(use, lags))
        if use.free_bytes < LOW_BYTES:
            alerts.append(_low(use, self._folder))
        self.alerts = alerts
        self._tell(asyncio.get_running_loop().time())
        return use

    def _is_held_back(self) -> bool:
        return isinstance(self._log, SqliteLog) and self._log.stats.held_back

    def _tell(self, now_s: float) -> None:
        there = {alert.name for alert in self.alerts}
        for name in self._logged.keys() - there:
            _log.info("over: alert %s", name)
            del self._logged[name]
        for alert in self.alerts:
            if now_s - self._logged.get(alert.name, float("-inf")) >= _AGAIN_S:
                self._logged[alert.name] = now_s
                _log.warning("alert %s: %s", alert.name, alert.text)


def _over_budget(use: DiskUse, lags: Mapping[str, Lag]) -> Alert:
    behind = sorted(
        ((lag.seconds, name, lag.entries) for name, lag in lags.items() if lag.entries),
        reverse=True,
    )
    who = ", ".join(
        f"{name} ({entries:,} entries, the oldest {_hours(seconds)} old)"
        for seconds, name, entries in behind
    )
    return Alert(
        "disk_budget",
        f"The log takes {format_size(use.log_bytes or 0)}, more than disk_budget allows "
        f"({format_size(use.budget_bytes)}), since not everything is read: "
        f"{who or 'a reader that is not configured any more'}. Nothing of it is deleted; "
        f"{format_size(use.free_bytes)} are left on the disk.",
    )


def _low(use: DiskUse, folder: Path) -> Alert:
    return Alert(
        "disk_low",
        f"Only {format_size(use.free_bytes)} are left on the disk of {folder}. "
        "When it is full, events are refused, and SDKs send them again.",
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 360 else f"{seconds:.0f} s"


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # it is gone meanwhile
            continue
    return total
