"""The suite that Sojourn ships, run against this destination: `pytest --asyncio-mode=auto`."""

from sojourn_lines import Lines

from sojourn.testing.destination_suite import DestinationSuite


class TestLines(DestinationSuite):
    secrets = ("a-token",)

    def build(self, url: str) -> Lines:
        return Lines.from_settings({"url": url, "token": "a-token"})
