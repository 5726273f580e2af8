"""Whatever an event holds, a destination makes requests or refuses it, and never breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.destinations.amplitude import Amplitude
from sojourn.destinations.http import encoded, query_text
from sojourn.destinations.http_destination import HttpDestination
from sojourn.destinations.mixpanel import Mixpanel
from sojourn.destinations.request import Job
from sojourn.destinations.webhook import Webhook

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "0", "web", "mobile", "ios", "Android", "a.b", "{{name}}", "2026-01-01"])
    | st.text(max_size=8)
)
NAMES = st.sampled_from(
    [
        "os", "device", "app", "network", "page", "campaign", "traits", "location", "address",
        "name", "version", "type", "token", "city", "country", "revenue", "products", "price",
        "quantity", "userAgent", "sessionId", "ip", "Amplitude", "webhook", "groups", "unmap",
        "fieldsToUnset", "fullPath", "email", "firstName", "plan", "company", "category", "id",
        "a.b", "externalId", "mappedToDestination", "geoSource", "active", "os_name", "event_id",
    ]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    "event", "name", "userId", "anonymousId", "messageId", "timestamp", "channel", "context",
    "traits", "properties", "integrations", "previousId", "groupId", "session_id", "request_ip",
    "originalTimestamp", "header", "fullPath", "appendPath", "userProperties", "category",
)  # fmt: skip
TYPES = st.sampled_from(["track", "page", "screen", "identify", "group", "alias", "x", 5])
EVENTS = st.fixed_dictionaries({"type": TYPES}, optional=dict.fromkeys(KEYS, VALUES))
DESTINATIONS: Mapping[str, HttpDestination] = {
    "amplitude": Amplitude(
        {
            "apiKey": "k",
            "groupTypeTrait": "company",
            "groupValueTrait": "address.city",
            "trackRevenuePerProduct": True,
            "traitsToIncrement": [{"traits": "plan"}, {"traits": "address.city"}],
            "enableEnhancedUserOperations": True,
        }
    ),
    "amplitude templates": Amplitude(
        {
            "apiKey": "k",
            "trackProductsOnce": False,
            "useUserDefinedPageEventName": True,
            "userProvidedPageEventString": "{{ properties.name }}",
        }
    ),
    "mixpanel": Mixpanel(
        {
            "token": "t",
            "groupKeySettings": [{"groupKey": "company"}],
            "setOnceProperties": [{"property": "plan"}, {"property": "address.city"}],
            "unionProperties": [{"property": "email"}],
            "propIncrements": [{"property": "price"}],
            "useUserDefinedPageEventName": True,
            "userDefinedPageEventTemplate": "{{ category }} {{ name }}",
        }
    ),
    "mixpanel simplified": Mixpanel({"token": "t", "identityMergeApi": "simplified"}),
    "webhook": Webhook({"webhookUrl": "https://x.example/{{name}}"}),
    "webhook get": Webhook({"webhookUrl": "https://x.example", "webhookMethod": "GET"}),
}


@pytest.mark.parametrize("name", DESTINATIONS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events=st.lists(EVENTS, min_size=1, max_size=4))
def test_each_job_is_planned_once_and_all_requests_can_be_sent(
    name: str, events: list[Mapping[str, Any]]
) -> None:
    destination = DESTINATIONS[name]
    before = msgspec.json.encode(events)
    jobs = [Job(number, event, person=str(number % 2)) for number, event in enumerate(events)]
    dispatches = destination.plan(jobs)
    planned = [job for dispatch in dispatches for job in dispatch.jobs]
    assert sorted(planned) == [job.id for job in jobs]
    for dispatch in dispatches:
        assert dispatch.error is not None or dispatch.requests
        for request in dispatch.requests:
            assert "the mapping failed" not in str(dispatch.error)
            query_text(request.query)
            if request.body is not None:
                encoded(request.body)
    assert msgspec.json.encode(events) == before, "a destination must leave the event as it is"
