"""Where an application's data goes, by the rules of the platform."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_folder(name: str) -> Path:
    """The folder for the data of the application `name`; it need not exist.

    Linux: `$XDG_DATA_HOME` or `~/.local/share`; macOS and iOS: `~/Library/Application Support`;
    Windows: `%LOCALAPPDATA%`; Android: the app's own files.
    """
    return _base() / _file_name(name)


def _base() -> Path:
    home = Path.home()
    flet = os.environ.get("FLET_APP_STORAGE_DATA")
    if flet:
        return Path(flet)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform in ("darwin", "ios"):
        return home / "Library" / "Application Support"
    android = os.environ.get("ANDROID_PRIVATE") or os.environ.get("ANDROID_APP_PATH")
    if android:
        return Path(android)
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")


def _file_name(name: str) -> str:
    """The name without what file systems or shells dislike."""
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip(".")
    return kept or "sojourn"
