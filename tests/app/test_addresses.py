"""A wrong address is said in a sentence, with the fix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sojourn.app.server import serve
from sojourn.core.errors import InvalidSettings
from sojourn.settings import load


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"port": 70_000}, "0 to 65535"),
        ({"host": "192.0.2.1.example.invalid", "port": 0}, "cannot be used"),
        ({"host": "not.loopback.invalid", "open_console": True}, "is not loopback"),
    ],
)
async def test_an_address_that_cannot_be_listened_on_is_named_with_the_fix(
    tmp_path: Path, given: Mapping[str, Any], said: str
) -> None:
    configuration = load(None, {}, {"data_dir": str(tmp_path / "data"), **given})
    with pytest.raises(InvalidSettings, match=said):
        await serve(configuration, lambda *_: None)


async def test_a_folder_is_free_again_after_a_start_that_failed(tmp_path: Path) -> None:
    for _ in range(2):
        configuration = load(None, {}, {"data_dir": str(tmp_path / "data"), "port": 70_000})
        with pytest.raises(InvalidSettings, match="0 to 65535"):
            await serve(configuration, lambda *_: None)
