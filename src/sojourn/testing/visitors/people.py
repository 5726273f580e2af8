"""The people of the simulation: who they are, what they visit with, how often they come."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from sojourn.testing.visitors.shop import COUNTRIES, EQUIPMENT, ROBOTS, Equipment

WEB_TIMEOUT_MS: Final = 30 * 60_000
APP_TIMEOUT_MS: Final = 5 * 60_000


def uuid4(rng: random.Random) -> str:
    """A UUID of version 4 from the given chance."""
    bits = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@dataclass
class Device:
    """One browser or one installed app: what the SDK keeps on it between visits.

    The session rules are those of the SDKs: ids are milliseconds on the web (30 minutes of
    inactivity) and seconds in apps (5 minutes); only a gap longer than that opens a new one.
    """

    equipment: Equipment
    anonymous_id: str
    user_id: str = ""
    session_id: int = 0
    last_ms: int = 0
    installed: bool = False
    initial_referrer: str = ""
    _first: bool = field(default=True, repr=False)

    @property
    def is_web(self) -> bool:
        """Whether it is a browser."""
        return self.equipment.platform == "web"

    def renew(self, now_ms: int) -> None:
        """Open a new session, as a launch after the timeout and `reset()` do."""
        self.session_id = now_ms if self.is_web else now_ms // 1000
        self._first = True

    def touch(self, now_ms: int) -> tuple[int, bool]:
        """The session id for an event at this time, and whether the event is its first."""
        timeout = WEB_TIMEOUT_MS if self.is_web else APP_TIMEOUT_MS
        if not self.session_id or now_ms - self.last_ms > timeout:
            self.renew(now_ms)
        first, self._first, self.last_ms = self._first, False, now_ms
        return self.session_id, first


@dataclass
class Person:
    """One simulated visitor. `visits_per_day` is a mean; `account` is empty for those without."""

    devices: list[Device]
    country: str
    locale: str
    timezone: str
    visits_per_day: float
    keen: float
    """How likely this person is to go on at each step, 1 the average."""
    account: str = ""
    company: str = ""
    robot: bool = False


def population(rng: random.Random, count: int, robots: int) -> list[Person]:
    """`count` people and `robots` crawlers. The same chance gives the same people."""
    everybody = [_person(rng, number) for number in range(count)]
    return everybody + [_robot(rng, number) for number in range(robots)]


def _person(rng: random.Random, number: int) -> Person:
    country, locale, timezone, _ = rng.choices(COUNTRIES, [row[3] for row in COUNTRIES])[0]
    devices = [_device(rng)]
    account = f"user-{1001 + number}" if rng.random() < 0.45 else ""
    if account and devices[0].is_web and rng.random() < 0.25:
        devices.append(_device(rng))
    # Most come once or twice in two weeks, some nearly every day.
    visits = rng.choices((0.08, 0.2, 0.45, 0.9), (40, 30, 20, 10))[0] * rng.uniform(0.7, 1.3)
    company = f"team-{rng.randrange(8)}" if account and rng.random() < 0.12 else ""
    return Person(
        devices, country, locale, timezone, visits, rng.uniform(0.8, 1.2), account, company
    )


def _device(rng: random.Random) -> Device:
    equipment = rng.choices([row[0] for row in EQUIPMENT], [row[1] for row in EQUIPMENT])[0]
    return Device(equipment, uuid4(rng))


def _robot(rng: random.Random, number: int) -> Person:
    agent = ROBOTS[number % len(ROBOTS)]
    browser = Equipment("web", "", "", "desktop", 1024, 1024, 1, agent)
    device = Device(browser, uuid4(rng))
    return Person([device], "US", "en-US", "GMT+0000", 1.5, 0.0, robot=True)
