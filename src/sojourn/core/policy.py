"""What a platform is: the parameters of the session machine.

The numbers in brackets are those of the published parameter table of the mobile SDKs; the
parameters without one come from the web SDKs. Durations are milliseconds.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Optional


class Renewal(enum.Enum):
    """What a renewal does to the instant of the last activity [10]."""

    KEEPS = "keeps it"
    FORGETS = "forgets it, and so does ending"
    COUNTS = "is activity itself"


class Gate(enum.Enum):
    """When the application coming to the front looks at expiry [13]."""

    NEVER = "never"
    ALWAYS = "always"
    OPENED_BEFORE = "if this process sent an Application Opened before"
    AFTER_BACKGROUND = "if it was in the background"


class End(enum.Enum):
    """What `end_session` does beside clearing the session [16]."""

    STOPS_ALL = "automatic tracking stops, and the next launch finds no session"
    STOPS_TRACKING = "automatic tracking stops; the next launch finds an automatic session"
    STOPS_NOTHING = "automatic tracking goes on"


class Refusal(enum.Enum):
    """What follows when a given session id is not acceptable [17]."""

    IGNORED = "nothing"
    STOPS_TRACKING = "nothing starts, and the session is no longer automatic"
    CLOCK = "the clock gives the id"


class Ids(enum.Enum):
    """Which session ids a caller may give: the text of the number has ten characters or more."""

    SIGNED_64 = "signed 64-bit numbers"
    UNSIGNED_64 = "unsigned 64-bit numbers"
    JAVASCRIPT = "whole numbers of JavaScript"
    JAVASCRIPT_POSITIVE = "positive whole numbers of JavaScript"


class Timeouts(enum.Enum):
    """What becomes of a timeout that is not acceptable [5]."""

    DEFAULT_IF_NEGATIVE = "negative: the default"
    AS_IS = "used as it is"
    DEFAULT_IF_ODD = "not a whole number from 0 up: the default; 0: no automatic tracking"
    JAVASCRIPT_SUM = "the sum with the clock, as JavaScript makes it; 0: no automatic tracking"


class Switch(enum.Enum):
    """When `identify` resets because it names another person [21]."""

    NEVER = "never"
    DIFFERS = "a person was known and the id differs"
    GIVEN_AND_DIFFERS = "a person was known and the id is not empty and differs"


class CallerContext(enum.Enum):
    """Which of a caller's session keys go before ours, where a caller may override [22]."""

    ANY = "any value, null removes"
    OBJECTS = "objects only; other values are ignored"
    NONE = "none; without a session they go out"


@dataclass(frozen=True)
class Keys:
    """Under which names storage keeps the state. Empty: not kept."""

    session: str = ""
    """The whole session as one object (web); the next five are empty then."""
    id: str = ""
    last: str = ""
    start: str = ""
    auto: str = ""
    manual: str = ""
    version: str = ""
    build: str = ""
    opted_out: str = "rl_opt_status"
    anonymous_id: str = "rl_anonymous_id"
    user_id: str = "rl_user_id"


@dataclass(frozen=True)
class Policy:
    """The rules of one platform, and the options of one program on it."""

    # Options, as checked by `sojourn.core.profiles.configure`.
    auto_track: bool = True
    """Automatic tracking is wanted."""
    timeout_ms: int = 1_800_000
    """The inactivity that ends an automatic session."""
    cut_off_ms: Optional[int] = None
    """The maximum duration; None: none."""
    lifecycle: bool = False
    """The client sends Application Installed, Updated, Opened and Backgrounded."""
    background_updates: bool = False
    """Events in the background are activity, whatever `only_foreground_activity` says."""
    scenes: bool = False
    """A cold start with a user interface also reports a foreground (`first_return_passes`)."""
    caller_may_override: bool = False
    """The caller's session keys may go before ours, as `caller_context` says."""

    # Time and ids.
    tick_ms: int = 1
    """Instants and timeouts are cut to multiples of it [1]."""
    id_unit_ms: int = 1
    """Ids from the clock are the Unix time in this unit."""
    default_timeout_ms: int = 1_800_000
    """What takes the place of a timeout that is not acceptable."""
    expired_at_timeout: bool = False
    """Expired when the time since the last activity equals the timeout, not only beyond [2]."""
    absolute_elapsed: bool = False
    """A clock set back counts by its distance [3]."""
    clock_back_expires: bool = False
    """Expired when no time has passed, or less than none [4]."""
    timeouts: Timeouts = Timeouts.DEFAULT_IF_ODD
    """What becomes of a timeout that is not acceptable [5]."""
    ids: Ids = Ids.JAVASCRIPT_POSITIVE
    """Which session ids a caller may give, if they print with ten characters or more."""
    refusal: Refusal = Refusal.CLOCK
    """What follows when a given session id is not acceptable [17]."""

    # When expiry is looked at, and what is activity.
    expires_in_use: bool = False
    """Events and `session_id` look at expiry, and events renew."""
    auto_needs_lifecycle: bool = False
    """Automatic tracking needs lifecycle events to be on [6]."""
    foreground_gate: Gate = Gate.NEVER
    """When the application coming to the front looks at expiry [13]."""
    foreground_needs_lifecycle: bool = False
    """And only while lifecycle events are on [14]."""
    first_return_passes: bool = False
    """The first foreground of a process is passed over [23]."""
    launch_is_activity: bool = False
    """A launch that goes on with a session is activity."""
    launch_keeps_deadline: bool = False
    """At a launch the expiry as it was decides, whatever timeout this launch brings."""
    dropped_calls_are_activity: bool = False
    """Calls that an opt-out drops are activity [7]."""
    background_is_activity: bool = False
    """Going to the background is activity by itself [8]."""
    termination_is_activity: bool = False
    """An announced end of the process is activity [8]."""
    only_foreground_activity: bool = False
    """Events are activity in the foreground only [9]."""
    reset_is_activity: bool = False
    """A reset is activity [11]."""
    manual_events_are_activity: bool = False
    """Events of a manual session are activity too [26]."""
    renewal: Renewal = Renewal.KEEPS
    """What a renewal does to the instant of the last activity [10]."""

    # Starts, ends, persons.
    start_survives: bool = False
    """That a start was not announced yet survives the process [12]."""
    manual_survives_launch: bool = False
    """A manual session goes on although automatic tracking is on."""
    keeps_launch_mark: bool = False
    """`start_session` leaves storage saying what the launch made of the session [15]."""
    end: End = End.STOPS_ALL
    """What `end_session` does beside clearing the session [16]."""
    manual_forgets_last: bool = False
    """`start_session` and `end_session` forget the last activity [24]."""
    reset_forgets_stored_last: bool = False
    """After a reset without later activity the next process knows of no activity [25]."""
    switch: Switch = Switch.NEVER
    """When `identify` resets because it names another person [21]."""
    alias_names_person: bool = False
    """`alias` changes the person that `identify` compares with."""
    reset_renews_anonymous_id: bool = False
    """`reset` changes the anonymous id unless told not to."""
    drops_blank_calls: bool = False
    """Calls with an empty name or id are dropped [28]."""
    caller_context: CallerContext = CallerContext.ANY
    """Which of a caller's session keys go before ours, where a caller may override [22]."""

    # The client's own events.
    opened_needs_ui: bool = True
    """No Application Opened at a start without user interface [18]."""
    returns_need_background: bool = False
    """Application Opened at a foreground only after a background [19]."""
    dropped_opened_counts: bool = False
    """An Application Opened that an opt-out dropped counts as sent before."""
    return_is_from_background: bool = False
    """A foreground's Application Opened always says `from_background`."""
    update_by_version: bool = False
    """Application Updated means another version, not another build [20]."""
    version_needs_lifecycle: bool = False
    """Version and build are noted only while lifecycle events are on [27]."""
    build_is_text: bool = False
    """The build is a text in the properties of the client's own events."""
    cold_properties: tuple[str, ...] = ()
    """Which of `version` and `build` a cold Application Opened carries."""
    return_properties: tuple[str, ...] = ()
    """The same, from the background."""

    # Storage.
    keys: Keys = Keys()
    follows_storage: bool = False
    """Events and `session_id` go by what storage holds, so that tabs follow each other."""
    legacy_record: bool = False
    """The stored record holds no timeout, and says `sessionStart: true` before the first event,
    false after it."""

    def with_options(self, **options: Any) -> Policy:
        """The same platform with other options, unchecked."""
        return Policy(**{**self.__dict__, **options})
