"""The suite that every destination passes: ours, and those of other packages.

Subclass `DestinationSuite`, say how your destination is built so that it calls a given URL, and
pytest (with pytest-asyncio in auto mode) runs the promises of `sojourn.core.ports.Destination`
against it, over HTTP:

    class TestMyDestination(DestinationSuite):
        secrets = ("a-key",)

        def build(self, url):
            return MyDestination.from_settings({"url": url, "api_key": "a-key"})
"""

# ruff: noqa: D102 - the names of the tests say what they promise.

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from sojourn.core.outcome import Delivered, Rejected, Retry
from sojourn.core.ports import Destination
from sojourn.testing.stub_far_end import Answer, Seen, StubFarEnd

__all__ = ["DestinationSuite", "sample_event"]

_TYPES = ("identify", "track", "page", "screen", "group", "alias")


def sample_event(number: int, kind: str = "track", person: str = "p") -> dict[str, Any]:
    """An event as it lies in the log, with a session."""
    event: dict[str, Any] = {
        "type": kind,
        "messageId": f"00000000-0000-4000-8000-{number:012d}",
        "anonymousId": f"anonymous-{person}",
        "userId": f"user-{person}",
        "channel": "web",
        "context": {"sessionId": 1_780_000_000_000, "traits": {}, "library": {"name": "suite"}},
        "timestamp": "2026-06-14T09:30:15.123Z",
        "originalTimestamp": "2026-06-14T09:30:15.123Z",
        "sentAt": "2026-06-14T09:30:15.123Z",
        "receivedAt": "2026-06-14T09:30:16.001Z",
        "request_ip": "198.51.100.23",
        "integrations": {"All": True},
    }
    if kind == "track":
        event |= {"event": "Product Viewed", "properties": {"price": 5}}
    elif kind in ("page", "screen"):
        event |= {"name": "Home", "properties": {"path": "/"}}
    elif kind == "identify":
        event["traits"] = {"email": "ada@example.com"}
    elif kind == "group":
        event |= {"groupId": "g", "traits": {"company": "AE", "industry": "Computing"}}
    elif kind == "alias":
        event["previousId"] = f"old-{person}"
    return event


class DestinationSuite:
    """What a `Destination` promises. Say how to build yours in `build`."""

    secrets: ClassVar[Sequence[str]] = ()
    """What must never stand in a reason."""
    session_texts: ClassVar[Sequence[str]] = ("1780000000000",)
    """A track's session id as it must be found in what is sent; none if it is not sent."""

    def build(self, url: str) -> Destination:
        """The destination under test, calling `url`."""
        raise NotImplementedError

    def answered(self, seen: Seen) -> Answer:
        """A good answer of the far end; override where it is more than an empty 200."""
        return Answer()

    def failed(self, seen: Seen, answer: Answer) -> Answer:
        """The answer where the far end fails with `answer`; override where some requests go
        elsewhere, and are answered there."""
        return answer

    def _failing(self, answer: Answer) -> Any:
        return lambda seen: self.failed(seen, answer)

    async def _deliver(
        self, answer: Any, events: Sequence[Mapping[str, Any]]
    ) -> tuple[Sequence[Any], list[Seen]]:
        async with StubFarEnd(answer) as far:
            destination = self.build(far.url)
            try:
                async with asyncio.timeout(30):
                    outcomes = await destination.deliver(events)
            finally:
                await destination.close()
            return outcomes, far.seen

    def test_its_capabilities_can_be_worked_with(self) -> None:
        capabilities = self.build("http://127.0.0.1:9").capabilities
        assert capabilities.max_events >= 1
        assert capabilities.max_bytes >= 1024
        assert capabilities.events_per_second is None or capabilities.events_per_second > 0

    async def test_it_gives_one_outcome_for_each_event_of_every_type(self) -> None:
        events = [sample_event(number, kind) for number, kind in enumerate(_TYPES)]
        outcomes, seen = await self._deliver(self.answered, events)
        assert len(outcomes) == len(events)
        assert all(isinstance(one, (Delivered, Rejected)) for one in outcomes)
        assert any(isinstance(one, Delivered) for one in outcomes)
        assert seen

    async def test_no_events_are_no_work(self) -> None:
        outcomes, seen = await self._deliver(self.answered, [])
        assert list(outcomes) == []
        assert seen == []

    async def test_the_idempotence_key_and_the_session_are_sent(self) -> None:
        event = sample_event(7)
        _, seen = await self._deliver(self.answered, [event])
        sent = b"".join(one.raw + repr((one.query, one.headers)).encode() for one in seen)
        assert event["messageId"].encode() in sent
        for text in self.session_texts:
            assert text.encode() in sent

    async def test_a_second_delivery_sends_the_same(self) -> None:
        async with StubFarEnd(self.answered) as far:
            destination = self.build(far.url)
            for _ in range(2):
                await destination.deliver([sample_event(7)])
            await destination.close()
            half = len(far.seen) // 2
            first, second = far.seen[:half], far.seen[half:]
        assert [(one.path, one.raw) for one in first] == [(one.path, one.raw) for one in second]

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
    async def test_a_refusal_of_a_single_event_is_final(self, status: int) -> None:
        outcomes, _ = await self._deliver(self._failing(Answer(status)), [sample_event(1)])
        assert [type(one) for one in outcomes] == [Rejected]
        assert str(status) in outcomes[0].why

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    async def test_a_failure_is_tried_again(self, status: int) -> None:
        events = [sample_event(1), sample_event(2)]
        outcomes, _ = await self._deliver(self._failing(Answer(status)), events)
        assert [type(one) for one in outcomes] == [Retry, Retry]

    async def test_the_wait_that_the_far_end_asks_for_is_passed_on(self) -> None:
        answer = Answer(429, headers={"Retry-After": "17"})
        outcomes, _ = await self._deliver(self._failing(answer), [sample_event(1)])
        assert outcomes[0].after == 17

    @pytest.mark.parametrize("fault", ["reset", "partial"])
    async def test_a_broken_connection_is_tried_again(self, fault: str) -> None:
        outcomes, _ = await self._deliver(self._failing(Answer(fault=fault)), [sample_event(1)])
        assert [type(one) for one in outcomes] == [Retry]

    async def test_nobody_listening_is_tried_again(self) -> None:
        async with StubFarEnd() as far:
            url = far.url
        destination = self.build(url)
        outcomes = await destination.deliver([sample_event(1)])
        await destination.close()
        assert [type(one) for one in outcomes] == [Retry]

    async def test_events_of_a_person_are_sent_in_order(self) -> None:
        events = [sample_event(number, person="one") for number in range(5)]
        _, seen = await self._deliver(self.answered, events)
        sent = b"".join(one.raw + repr(one.headers).encode() for one in seen)
        places = [sent.index(event["messageId"].encode()) for event in events]
        assert places == sorted(places)

    async def test_after_a_failure_nothing_later_of_that_person_is_delivered(self) -> None:
        first = sample_event(0, person="one")["messageId"].encode()

        def answer(seen: Seen) -> Answer:
            bad = first in seen.raw or first in repr(seen.headers).encode()
            return self.failed(seen, Answer(503)) if bad else self.answered(seen)

        events = [sample_event(number, person="one") for number in range(4)]
        outcomes, _ = await self._deliver(answer, events)
        assert [type(one) for one in outcomes] == [Retry] * 4

    @pytest.mark.parametrize(
        "event",
        [
            {},
            {"type": None},
            {"type": "ping", "messageId": "x"},
            {"type": "track", "event": 5, "properties": "text", "context": [1], "userId": {}},
            {"type": "identify", "traits": [], "context": {"traits": "x"}, "anonymousId": 7},
            {"type": "track", "event": "E", "timestamp": "never", "anonymousId": "a"},
        ],
    )
    async def test_an_odd_event_never_raises(self, event: Mapping[str, Any]) -> None:
        outcomes, _ = await self._deliver(self.answered, [event, sample_event(1)])
        assert len(outcomes) == 2
        assert isinstance(outcomes[1], Delivered)

    async def test_secrets_never_stand_in_a_reason(self) -> None:
        def echo(seen: Seen) -> Answer:
            told = repr((seen.headers, seen.query, seen.raw))
            return Answer(400, {"error": " ".join(self.secrets) + told})

        def answer(seen: Seen) -> Answer:
            return self.failed(seen, echo(seen))

        outcomes, _ = await self._deliver(answer, [sample_event(1)])
        for one in outcomes:
            assert not any(secret in getattr(one, "why", "") for secret in self.secrets)

    async def test_two_calls_at_once_do_not_disturb_each_other(self) -> None:
        async with StubFarEnd(self.answered) as far:
            destination = self.build(far.url)
            both = await asyncio.gather(
                destination.deliver([sample_event(1, person="one")]),
                destination.deliver([sample_event(2, person="two")]),
            )
            await destination.close()
        assert [type(one) for part in both for one in part] == [Delivered, Delivered]

    async def test_asking_to_forget_somebody_gives_an_outcome(self) -> None:
        async with StubFarEnd(self.answered) as far:
            destination = self.build(far.url)
            outcome = await destination.forget([{"userId": "u"}])
            await destination.close()
        assert isinstance(outcome, (Delivered, Retry, Rejected))

    async def test_closing_twice_is_safe(self) -> None:
        destination = self.build("http://127.0.0.1:9")
        await destination.close()
        await destination.close()
