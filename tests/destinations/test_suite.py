"""Every destination of ours passes the suite that others are held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.core.ports import Destination
from sojourn.destinations.registry import build
from sojourn.testing.destination_suite import DestinationSuite
from sojourn.testing.stub_far_end import Answer, Seen


class TestAmplitude(DestinationSuite):
    secrets = ("am-key", "am-secret")

    def build(self, url: str) -> Destination:
        return build("amplitude", {"api_key": "am-key", "api_secret": "am-secret", "url": url})


class TestMixpanel(DestinationSuite):
    secrets = ("mp-token",)

    def build(self, url: str) -> Destination:
        settings = {"token": "mp-token", "url": url, "group_keys": ["company"]}
        return build("mixpanel", settings)


class TestWebhook(DestinationSuite):
    secrets = ("hook-key", "header-key")

    def build(self, url: str) -> Destination:
        settings: Mapping[str, Any] = {
            "url": url,
            "allow_internal": True,
            "signing_key": "hook-key",
            "headers": {"Authorization": "header-key"},
        }
        return build("webhook", settings)


class TestWebhookInBatches(DestinationSuite):
    def build(self, url: str) -> Destination:
        return build("webhook", {"url": url, "allow_internal": True, "batch": 10})


class TestTransformer(DestinationSuite):
    """The stub is the transformer service and the vendor at once."""

    secrets = ("vendor-key",)

    def build(self, url: str) -> Destination:
        settings = {"url": url, "destination": "slack", "config": {"apiKey": "vendor-key"}}
        return build("transformer", settings)

    def answered(self, seen: Seen) -> Answer:
        if seen.path != "/routerTransform":
            return Answer()
        host = seen.headers["host"]
        return Answer(body={"output": [_router(one, host) for one in seen.body["input"]]})

    def failed(self, seen: Seen, answer: Answer) -> Answer:
        return self.answered(seen) if seen.path == "/routerTransform" else answer


def _router(one: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    return {
        "batchedRequest": {
            "version": "1",
            "type": "REST",
            "method": "POST",
            "endpoint": f"http://{host}/vendor",
            "headers": {"Content-Type": "application/json"},
            "params": {},
            "body": {"JSON": one["message"], "XML": {}, "JSON_ARRAY": {}, "FORM": {}},
            "files": {},
        },
        "metadata": [one["metadata"]],
        "batched": False,
        "statusCode": 200,
        "destination": one["destination"],
    }
