"""Settings of destinations are checked by one table each, and secrets stay secret."""

from __future__ import annotations

from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.destinations import options
from sojourn.destinations.amplitude import OPTIONS as AMPLITUDE
from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.registry import options_of
from sojourn.pipeline.delivery_settings import DeliverySettings, split


@pytest.mark.parametrize("kind", ["amplitude", "mixpanel", "webhook", "transformer"])
def test_every_setting_has_a_name_a_kind_and_words(kind: str) -> None:
    found = options_of(kind)
    assert len({option.name for option in found}) == len(found)
    for option in found:
        assert option.help
        assert option.name == option.name.lower()
        assert option.kind != "names" or option.item or kind == "webhook"


def test_settings_become_those_of_rudderstack() -> None:
    config = options.read(
        "destination amplitude",
        {"api_key": "k", "residency": "EU", "traits_to_increment": ["logins"]},
        AMPLITUDE,
    )
    assert config == {
        "apiKey": "k",
        "residencyServer": "EU",
        "traitsToIncrement": [{"traits": "logins"}],
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "destination amplitude: `api_key` is missing"),
        ({"api_key": ""}, "`api_key` is missing"),
        ({"api_key": 5}, "`api_key` must be a text"),
        ({"api_key": "k", "residency": "Mars"}, "`residency` must be one of US, EU"),
        ({"api_key": "k", "map_device_brand": "yes"}, "`map_device_brand` must be true or false"),
        ({"api_key": "k", "traits_to_append": "a"}, "`traits_to_append` must be a list of texts"),
        ({"api_key": "k", "api_keys": "x"}, "no setting `api_keys`; did you mean `api_key`?"),
    ],
)
def test_a_wrong_setting_is_named_with_the_fix(settings: Any, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message.replace("?", r"\?")):
        Amplitude.from_settings(settings)


def test_the_values_of_settings_never_stand_in_errors() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Amplitude.from_settings({"api_key": ["very-secret"], "api_secret": 5})
    assert "very-secret" not in str(caught.value)


def test_secrets_are_known() -> None:
    mixpanel = Mixpanel.from_settings({"token": "t1", "service_secret": "t2", "residency": "eu"})
    assert set(mixpanel.secrets) == {"t1", "t2"}


def test_delivery_settings_are_told_from_the_destinations_own() -> None:
    settings, rest = split(
        "x", {"url": "u", "concurrency": 2, "give_up_after": "3h", "allow": ["A"], "sample": 0.5}
    )
    assert rest == {"url": "u"}
    assert settings == DeliverySettings(
        concurrency=2, give_up_after=10_800.0, allow=("A",), sample=0.5
    )


@pytest.mark.parametrize(
    ("options_", "message"),
    [
        ({"concurrency": 0}, "`concurrency` must be at least 1"),
        ({"concurrency": "4"}, "`concurrency` must be a number"),
        ({"concurrency": True}, "`concurrency` must be a number"),
        ({"sample": 1.5}, "`sample` must be between 0 and 1"),
        ({"give_up_after": "3 hours"}, "`give_up_after` must be seconds, or a text"),
        ({"give_up_after": -1}, "`give_up_after` must be a number that is not negative"),
        ({"deny": "A"}, "`deny` must be a list of texts"),
        ({"session_events": 1}, "`session_events` must be true or false"),
    ],
)
def test_a_wrong_delivery_setting_is_named_with_the_fix(options_: Any, message: str) -> None:
    with pytest.raises(InvalidSettings, match=f"destination x: {message}"):
        split("x", options_)
