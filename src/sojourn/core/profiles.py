"""The platforms, each as the parameters of the one session machine.

WEB is the JavaScript SDK v3, WEB_V1 its legacy version 2.x; the mobile ones are named after
the official SDKs, and behave like them (React Native and Flutter like their Android halves).
DESKTOP behaves like WEB; SERVER tracks no sessions by itself.
"""

from __future__ import annotations

from typing import Any, Optional

from sojourn.core.policy import (
    CallerContext,
    End,
    Gate,
    Ids,
    Keys,
    Policy,
    Refusal,
    Renewal,
    Switch,
    Timeouts,
)
from sojourn.core.session_numbers import checked_cut_off, checked_timeout

_FIVE_MINUTES = 300_000

_V1 = Policy(
    expires_in_use=True,
    manual_survives_launch=True,
    launch_keeps_deadline=True,
    start_survives=True,
    renewal=Renewal.COUNTS,
    switch=Switch.GIVEN_AND_DIFFERS,
    timeouts=Timeouts.JAVASCRIPT_SUM,
    ids=Ids.JAVASCRIPT,
    version_needs_lifecycle=True,
    keys=Keys(session="rl_session", version="rl_application_version", build="rl_application_build"),
    legacy_record=True,
    opened_needs_ui=False,
)
WEB_V1 = _V1
WEB = _V1.with_options(
    timeouts=Timeouts.DEFAULT_IF_ODD,
    ids=Ids.JAVASCRIPT_POSITIVE,
    launch_is_activity=True,
    follows_storage=True,
    legacy_record=False,
)
DESKTOP = WEB.with_options(
    version_needs_lifecycle=False,
    cold_properties=("version",),
)
SERVER = WEB.with_options(auto_track=False, follows_storage=False)

_MOBILE = Policy(
    timeout_ms=_FIVE_MINUTES,
    default_timeout_ms=_FIVE_MINUTES,
    lifecycle=True,
    id_unit_ms=1000,
    timeouts=Timeouts.DEFAULT_IF_NEGATIVE,
    ids=Ids.SIGNED_64,
    refusal=Refusal.IGNORED,
)
_FIRST_GENERATION = _MOBILE.with_options(
    absolute_elapsed=True,
    auto_needs_lifecycle=True,
    foreground_needs_lifecycle=True,
    caller_context=CallerContext.OBJECTS,
)
ANDROID = _FIRST_GENERATION.with_options(
    foreground_gate=Gate.OPENED_BEFORE,
    renewal=Renewal.FORGETS,
    reset_is_activity=True,
    keeps_launch_mark=True,
    end=End.STOPS_TRACKING,
    cold_properties=("version",),
    keys=Keys(
        id="rl_session_id_key",
        last="rl_last_event_timestamp_key",
        auto="rl_auto_session_tracking_status_key",
        version="rl_application_version_key",
        build="rl_application_build_key",
    ),
)
IOS = ANDROID.with_options(
    tick_ms=1000,
    foreground_gate=Gate.ALWAYS,
    opened_needs_ui=False,
    update_by_version=True,
    return_is_from_background=True,
    build_is_text=True,
    keys=Keys(
        id="rl_session_id",
        last="rl_last_event_time_stamp",
        auto="rl_session_auto_track_status",
        version="rl_application_version_key",
        build="rl_application_build_key",
    ),
)
REACT_NATIVE = _FIRST_GENERATION.with_options(
    ids=Ids.JAVASCRIPT,
    expired_at_timeout=True,
    timeouts=Timeouts.AS_IS,
    dropped_calls_are_activity=True,
    dropped_opened_counts=True,
    foreground_gate=Gate.AFTER_BACKGROUND,
    keys=Keys(
        id="rl_session_id_key",
        last="rudder_last_event_timestamp_key",
        auto="rudder_session_auto_tracking_status_key",
        manual="rudder_session_manual_tracking_status_key",
        version="rl_application_version_key",
        build="rl_application_build_key",
    ),
)
FLUTTER = REACT_NATIVE.with_options(
    ids=Ids.SIGNED_64,
    end=End.STOPS_NOTHING,
    refusal=Refusal.STOPS_TRACKING,
    keys=Keys(
        id="rl_session_id_key",
        last="rl_last_event_timestamp",
        auto="rl_auto_session_exists",
        version="rl_application_version_key",
        build="rl_application_build_key",
    ),
)
KOTLIN = _MOBILE.with_options(
    clock_back_expires=True,
    background_is_activity=True,
    start_survives=True,
    foreground_gate=Gate.AFTER_BACKGROUND,
    switch=Switch.DIFFERS,
    alias_names_person=True,
    reset_renews_anonymous_id=True,
    caller_context=CallerContext.NONE,
    cold_properties=("version",),
    keys=Keys(
        id="session_id",
        last="last_activity_time",
        start="is_session_start",
        manual="is_session_manual",
        version="rudder.app_version",
        build="rudder.app_build",
    ),
)
SWIFT = KOTLIN.with_options(
    ids=Ids.UNSIGNED_64,
    termination_is_activity=True,
    only_foreground_activity=True,
    foreground_gate=Gate.ALWAYS,
    opened_needs_ui=False,
    returns_need_background=True,
    return_is_from_background=True,
    update_by_version=True,
    switch=Switch.GIVEN_AND_DIFFERS,
    keys=Keys(
        id="session_id",
        last="last_activity_time",
        start="is_session_start",
        manual="is_manual_session",
        version="rudder.app_version",
        build="rudder.app_build",
    ),
)
IOS_V2 = _FIRST_GENERATION.with_options(
    tick_ms=1000,
    expired_at_timeout=True,
    foreground_gate=Gate.ALWAYS,
    first_return_passes=True,
    manual_forgets_last=True,
    reset_forgets_stored_last=True,
    manual_events_are_activity=True,
    opened_needs_ui=False,
    return_is_from_background=True,
    update_by_version=True,
    version_needs_lifecycle=True,
    drops_blank_calls=True,
    build_is_text=True,
    caller_context=CallerContext.NONE,
    cold_properties=("version", "build"),
    return_properties=("version", "build"),
    keys=Keys(
        id="rl_session_id",
        last="rl_last_event_time_stamp",
        auto="rl_session_auto_track_status",
        manual="rl_session_manual_track_status",
        version="rs_application_version_key",
        build="rs_application_build_key",
        opted_out="rs_opt_status",
    ),
)

PROFILES: dict[str, Policy] = {
    "web": WEB,
    "web-v1": WEB_V1,
    "android": ANDROID,
    "ios": IOS,
    "ios-v2": IOS_V2,
    "react-native": REACT_NATIVE,
    "flutter": FLUTTER,
    "kotlin": KOTLIN,
    "swift": SWIFT,
    "desktop": DESKTOP,
    "server": SERVER,
}
"""All platforms by name."""


def configure(
    profile: Policy,
    *,
    auto_track: Any = None,
    timeout_ms: Any = None,
    cut_off_ms: Any = None,
    cut_off_enabled: Any = None,
    lifecycle: Optional[bool] = None,
    background_updates: bool = False,
    scenes: bool = False,
    caller_may_override: bool = False,
) -> Policy:
    """The policy of one program: a platform with options, checked as that platform checks them.

    None means not given. Nothing is refused: an odd value becomes what the official SDK
    makes of it. `auto_track`: only `False` turns automatic tracking off. `timeout_ms`: whole
    milliseconds of inactivity. `cut_off_ms`: the maximum duration of a session, used where
    `cut_off_enabled` is `True` (the default once a duration is given); not shorter than the
    timeout, and only where events look at expiry. `lifecycle`: the client sends Application
    Installed, Opened and so on.
    """
    auto = profile.auto_track if auto_track is None else auto_track is not False
    timeout, off = checked_timeout(timeout_ms, profile, auto)
    enabled = cut_off_ms is not None if cut_off_enabled is None else cut_off_enabled is True
    enabled = enabled and profile.expires_in_use
    return profile.with_options(
        auto_track=auto and not off,
        timeout_ms=timeout,
        cut_off_ms=checked_cut_off(cut_off_ms, timeout) if enabled else None,
        lifecycle=profile.lifecycle if lifecycle is None else lifecycle,
        background_updates=background_updates,
        scenes=scenes,
        caller_may_override=caller_may_override,
    )
