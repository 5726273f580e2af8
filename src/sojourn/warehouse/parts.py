"""Client libraries that are installed only where their warehouse is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sojourn.core.errors import MissingPart


def imported(module: str, what: str, extra: str) -> Any:
    """A module that `what` needs. Raises `MissingPart` that names the extra to install."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingPart(f"{what} needs: pip install 'sojourn[{extra}]'") from None
