"""A destination of another package is found by its entry point and passes the suite."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sojourn.core.errors import InvalidSettings
from sojourn.core.ports import Destination
from sojourn.destinations.registry import available, build
from sojourn.testing.destination_suite import DestinationSuite

EXAMPLE = Path(__file__).parents[2] / "examples" / "destination_plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: Any) -> Iterator[None]:
    """The example as pip would leave it: importable, with the metadata of its entry points."""
    place = tmp_path_factory.mktemp("site")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    metadata = place / "sojourn_lines-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sojourn-lines\nVersion: 0.1\n")
    groups = project["entry-points"].items()
    lines = [
        f"[{group}]\n{name} = {target}\n"
        for group, points in groups
        for name, target in points.items()
    ]
    broken = "broken = sojourn_lines:Missing\n"
    (metadata / "entry_points.txt").write_text("".join(lines) + broken)
    sys.path[:0] = [str(place), str(EXAMPLE)]
    yield
    del sys.path[:2]
    sys.modules.pop("sojourn_lines", None)


@pytest.mark.usefixtures("installed")
class TestExample(DestinationSuite):
    secrets = ("a-token",)

    def build(self, url: str) -> Destination:
        return build("lines", {"url": url, "token": "a-token"})


@pytest.mark.usefixtures("installed")
def test_installed_types_stand_beside_ours() -> None:
    assert set(available()) >= {"amplitude", "lines", "mixpanel", "transformer", "webhook"}


@pytest.mark.usefixtures("installed")
def test_a_package_that_does_not_load_is_named() -> None:
    with pytest.raises(InvalidSettings, match="`broken` cannot be loaded: AttributeError"):
        build("broken", {})


def test_an_unknown_type_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidSettings, match="did you mean `amplitude`"):
        build("amplitud", {})
    with pytest.raises(InvalidSettings, match="there are amplitude"):
        build("quite another", {})


def test_the_settings_of_an_installed_destination_are_checked_by_it(installed: None) -> None:
    with pytest.raises(InvalidSettings, match="`token` is missing"):
        build("lines", {"url": "http://x"})
