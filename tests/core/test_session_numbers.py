"""Numbers that callers give are taken as the official SDKs take them."""

from __future__ import annotations

import math

import pytest

from sojourn.core.policy import Ids
from sojourn.core.profiles import ANDROID, REACT_NATIVE, SWIFT, WEB, WEB_V1, configure
from sojourn.core.session_numbers import NEVER_MS, accepted_id, person, whole


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (600000, 600000),
        (600000.0, 600000),
        (-1, -1),
        (True, None),
        ("600000", None),
        (0.5, None),
        (math.inf, None),
        (math.nan, None),
        (2**53 + 1, 2**53),
        (10**400, None),
        (None, None),
    ],
)
def test_a_whole_number_is_what_javascript_calls_one(value, number):
    assert whole(value) == number


@pytest.mark.parametrize(
    ("ids", "value", "taken"),
    [
        (Ids.JAVASCRIPT_POSITIVE, 1234567890, 1234567890),
        (Ids.JAVASCRIPT_POSITIVE, 1234567890.0, 1234567890),
        (Ids.JAVASCRIPT_POSITIVE, 123456789, None),
        (Ids.JAVASCRIPT_POSITIVE, -1234567890, None),
        (Ids.JAVASCRIPT_POSITIVE, 10**20, 10**20),
        (Ids.JAVASCRIPT_POSITIVE, 10**21, None),
        (Ids.JAVASCRIPT_POSITIVE, 1.234567e21, int(1.234567e21)),
        (Ids.JAVASCRIPT_POSITIVE, "1234567890", None),
        (Ids.JAVASCRIPT, -123456789, -123456789),
        (Ids.JAVASCRIPT, -12345678, None),
        (Ids.SIGNED_64, -123456789, -123456789),
        (Ids.SIGNED_64, 2**63 - 1, 2**63 - 1),
        (Ids.SIGNED_64, 2**63, None),
        (Ids.SIGNED_64, 1234567890.0, None),
        (Ids.SIGNED_64, True, None),
        (Ids.UNSIGNED_64, 2**64 - 1, 2**64 - 1),
        (Ids.UNSIGNED_64, 2**64, None),
        (Ids.UNSIGNED_64, -1234567890, None),
        (Ids.UNSIGNED_64, 123456789, None),
    ],
)
def test_a_session_id_is_taken_or_refused_by_the_platforms_rule(ids, value, taken):
    assert accepted_id(value, ids) == taken


@pytest.mark.parametrize("odd", [-1, 60000.5, "60000", True, [60000], {"ms": 60000}])
def test_on_the_web_an_odd_timeout_is_the_default(odd):
    policy = configure(WEB, timeout_ms=odd)
    assert (policy.timeout_ms, policy.auto_track) == (1_800_000, True)


def test_on_the_web_a_timeout_of_zero_turns_automatic_tracking_off():
    policy = configure(WEB, timeout_ms=0)
    assert (policy.timeout_ms, policy.auto_track) == (0, False)
    assert configure(WEB, timeout_ms=1).timeout_ms == 1


def test_timeouts_are_not_looked_at_where_automatic_tracking_is_off():
    assert configure(WEB, auto_track=False, timeout_ms=0).timeout_ms == 1_800_000


@pytest.mark.parametrize("value", [None, 0, "false", 1])
def test_only_false_turns_automatic_tracking_off(value):
    assert configure(WEB, auto_track=value).auto_track
    assert not configure(WEB, auto_track=False).auto_track


@pytest.mark.parametrize(
    ("given", "timeout"),
    [
        (-1, -1),
        (60000.5, 60000),
        (True, 1),
        (False, 0),
        ("60000", NEVER_MS),
        ([60000], NEVER_MS),
        ([], 0),
        ("", 0),
        (".5", 0),
        ("-5", -NEVER_MS),
        (math.inf, NEVER_MS),
        (-math.inf, -NEVER_MS),
        (math.nan, 1_800_000),
        ("x", 1_800_000),
        ("1_0", 1_800_000),
        ([1, 2], 1_800_000),
        ({"ms": 60000}, 1_800_000),
        (10**30, NEVER_MS),
    ],
)
def test_the_legacy_web_sdk_adds_what_javascript_would_add(given, timeout):
    policy = configure(WEB_V1, timeout_ms=given)
    assert (policy.timeout_ms, policy.auto_track) == (timeout, True)


def test_in_the_legacy_web_sdk_zero_turns_automatic_tracking_off_too():
    assert not configure(WEB_V1, timeout_ms=0).auto_track


@pytest.mark.parametrize(
    ("profile", "given", "timeout"),
    [
        (ANDROID, -1, 300_000),
        (ANDROID, 0, 0),
        (ANDROID, 1.5, 300_000),
        (REACT_NATIVE, -1, -1),
        (SWIFT, 1500, 1500),
    ],
)
def test_on_phones_zero_is_a_timeout_and_a_negative_one_is_not_everywhere(profile, given, timeout):
    policy = configure(profile, timeout_ms=given)
    assert (policy.timeout_ms, policy.auto_track) == (timeout, True)


@pytest.mark.parametrize(
    ("given", "enabled", "duration"),
    [
        (None, None, None),
        (3_600_000, None, 3_600_000),
        (1_800_000, True, 1_800_000),
        (1_799_999, True, None),
        (3_600_000, False, None),
        (3_600_000, "true", None),
        (None, True, 43_200_000),
        (-5, None, 43_200_000),
        ("3600000", None, 43_200_000),
    ],
)
def test_the_maximum_duration_is_checked_as_the_web_sdk_checks_it(given, enabled, duration):
    policy = configure(WEB, cut_off_ms=given, cut_off_enabled=enabled)
    assert policy.cut_off_ms == duration


def test_phones_have_no_maximum_duration():
    assert configure(ANDROID, cut_off_ms=3_600_000).cut_off_ms is None


def test_an_odd_maximum_duration_is_twelve_hours_even_below_the_timeout():
    policy = configure(WEB, timeout_ms=50_000_000, cut_off_ms="x")
    assert policy.cut_off_ms == 43_200_000


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("u", "u"),
        ("", ""),
        (None, None),
        ({"email": "a@example.com"}, None),
        (5, "5"),
        (5.0, "5"),
        (5.5, "5.5"),
        (True, "true"),
        ([1, "a"], '[1,"a"]'),
    ],
)
def test_a_user_id_counts_as_its_text(given, text):
    assert person(given) == text
