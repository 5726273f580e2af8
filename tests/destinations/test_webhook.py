"""What a webhook promises beside the events: signatures, templates, and whom it never calls."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.core.outcome import Delivered, Rejected
from sojourn.destinations.http import HttpSender, PublicResolver, check_literal
from sojourn.destinations.request import Request
from sojourn.destinations.webhook import IDEMPOTENCE, SIGNATURE, Webhook
from sojourn.testing.destination_suite import sample_event
from sojourn.testing.stub_far_end import Answer, Seen, StubFarEnd


async def sent(settings: Mapping[str, Any], *events: Mapping[str, Any]) -> list[Seen]:
    async with StubFarEnd() as far:
        url = far.url + settings.get("url", "/in")
        hook = Webhook.from_settings({"allow_internal": True, **settings, "url": url})
        outcomes = await hook.deliver(events)
        await hook.close()
        assert all(isinstance(one, Delivered) for one in outcomes)
        return far.seen


async def test_the_body_is_signed_as_it_is_sent() -> None:
    (seen,) = await sent({"signing_key": "k"}, sample_event(1))
    expected = hmac.new(b"k", seen.raw, hashlib.sha256).hexdigest()
    assert seen.headers[SIGNATURE.lower()] == f"sha256={expected}"


async def test_without_a_key_nothing_is_signed() -> None:
    (seen,) = await sent({}, sample_event(1))
    assert SIGNATURE.lower() not in seen.headers


async def test_the_message_id_is_the_idempotence_key() -> None:
    event = sample_event(1)
    (seen,) = await sent({}, event)
    assert seen.headers[IDEMPOTENCE.lower()] == event["messageId"]


async def test_events_go_one_by_one_or_in_arrays() -> None:
    events = [sample_event(number, person=str(number)) for number in range(5)]
    assert len(await sent({}, *events)) == 5
    batched = await sent({"batch": 2}, *events)
    assert [len(seen.body) for seen in batched] == [2, 2, 1]
    assert [one["messageId"] for seen in batched for one in seen.body] == [
        event["messageId"] for event in events
    ]


async def test_path_and_query_are_templates_of_the_event() -> None:
    event = sample_event(1)
    event["properties"]["sku"] = "a/b c"
    settings = {
        "url": "/{{type}}/{{ properties.sku }}/{{missing}}",
        "query": {"who": "{{anonymousId}}", "price": "{{properties.price}}", "fixed": "1"},
    }
    (seen,) = await sent(settings, event)
    assert seen.path == "/track/a%2Fb%20c/" or seen.path == "/track/a/b c/"
    assert seen.query == {"who": "anonymous-p", "price": "5", "fixed": "1"}


async def test_a_session_stays_as_it_was_received() -> None:
    event = sample_event(1)
    event["context"] |= {"sessionId": "odd:17", "sessionStart": True}
    event["session_id"] = 5
    (seen,) = await sent({}, event)
    assert seen.body["context"]["sessionId"] == "odd:17"
    assert seen.body["context"]["sessionStart"] is True
    assert seen.body["session_id"] == 5


async def test_get_sends_properties_as_a_query() -> None:
    event = sample_event(1)
    event["properties"] = {"a": {"b": [1, {"c": "d"}]}, "n": None, "t": True, "f": 1.5}
    (seen,) = await sent({"method": "GET"}, event)
    assert seen.raw == b""
    assert seen.query == {"a.b[0]": "1", "a.b[1].c": "d", "t": "true", "f": "1.5"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://[::1]:1/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.0.0.1]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://localhost:1/",
    ],
)
async def test_internal_addresses_are_never_called(url: str) -> None:
    hook = Webhook.from_settings({"url": url})
    (outcome,) = await hook.deliver([sample_event(1)])
    await hook.close()
    assert isinstance(outcome, Rejected)
    assert "403" in outcome.why
    assert "allow_internal" in outcome.why


async def test_a_name_with_one_internal_address_is_refused() -> None:
    class Resolver(PublicResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
            found = [{"host": "93.184.216.34"}, {"host": "10.0.0.1"}]
            for one in found:
                check_literal(one["host"])
            return found

    resolver = Resolver()
    with pytest.raises(OSError, match=r"10\.0\.0\.1"):
        await resolver.resolve("example.com")
    await resolver.close()


async def test_an_event_cannot_lead_to_an_internal_address() -> None:
    hook = Webhook.from_settings({"url": "https://hooks.example.com/in"})
    event = sample_event(1) | {"fullPath": "http://127.0.0.1:9/admin"}
    (outcome,) = await hook.deliver([event])
    await hook.close()
    assert isinstance(outcome, Rejected)
    assert "internal" in outcome.why


async def test_redirects_are_not_followed_unless_allowed_and_then_checked() -> None:
    def answer(seen: Seen) -> Answer:
        if seen.path == "/in":
            return Answer(307, headers={"Location": "/moved"})
        return Answer()

    async with StubFarEnd(answer) as far:
        settings = {"url": far.url + "/in", "allow_internal": True}
        hook = Webhook.from_settings(settings)
        (outcome,) = await hook.deliver([sample_event(1)])
        await hook.close()
        assert isinstance(outcome, Rejected)
        assert len(far.seen) == 1
        hook = Webhook.from_settings(settings | {"redirects": 1})
        (outcome,) = await hook.deliver([sample_event(1)])
        await hook.close()
        assert isinstance(outcome, Delivered)
        assert far.seen[-1].path == "/moved"
        assert far.seen[-1].raw == far.seen[-2].raw


async def test_a_redirect_to_an_internal_address_is_refused(monkeypatch: Any) -> None:
    checked: list[str] = []

    def check(host: str) -> None:
        checked.append(host)
        if len(checked) > 1:
            raise PermissionError(f"{host} is internal")

    monkeypatch.setattr("sojourn.destinations.http.check_literal", check)
    async with StubFarEnd(
        lambda seen: Answer(302, headers={"Location": "http://10.0.0.1/"})
    ) as far:
        sender = HttpSender(public_only=True, redirects=3, timeout=5)
        response = await sender.send(Request("POST", far.url))
        await sender.close()
    assert checked == ["127.0.0.1", "10.0.0.1"]
    assert response.status != 200


async def test_settings_are_checked_with_the_field_and_the_fix() -> None:
    with pytest.raises(InvalidSettings, match="`url` is missing"):
        Webhook.from_settings({})
    with pytest.raises(InvalidSettings, match="did you mean `signing_key`"):
        Webhook.from_settings({"url": "https://x", "signing_keys": "k"})
    with pytest.raises(InvalidSettings, match="`method` must be one of POST"):
        Webhook.from_settings({"url": "https://x", "method": "SEND"})
    with pytest.raises(InvalidSettings, match="`headers` must be a table of texts"):
        Webhook.from_settings({"url": "https://x", "headers": {"a": 1}})
