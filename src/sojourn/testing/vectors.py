"""Replay recordings of the official SDKs: `python -m sojourn.testing.vectors FILE…`.

Each file holds one scenario per line: a script under a virtual clock, and what the official
SDK put into its events. The session machine plays the script; every difference is printed, and
the last line counts. Scenarios tagged `js-quirk`, `quirk` or `go-format` count separately.
Files of cookies are decoded and compared in the same way. What cannot be read is named, and the
rest is played all the same. Exit status: 0 all passed, 1 some failed, 2 a file or line could not
be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sojourn.core.profiles import PROFILES
from sojourn.testing import json_lines, vector_cookies, vector_pages, vector_phones
from sojourn.testing.json_lines import UnreadableLine, is_quirk
from sojourn.testing.vector_steps import PHONE_STEPS, WEB_STEPS, difference

__all__ = ["UnreadableLine", "entries", "failure", "main", "read"]

_SCENARIO = {
    "id": str,
    "platform": str,
    "recorded_from": str,
    "epoch_ms": int,
    "config": dict,
    "steps": list,
}
_COOKIE = {"id": str, "cookie": str, "name": str, "encoding": str, "value": object}
_STEP = {"t": int, "do": str}
_STEP_KEYS = {"t", "do", "args", "tab", "see", "see_properties", "also"}


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The scenarios of a file. Raises `UnreadableLine`."""
    return json_lines.read(path, _fault)


def entries(path: Path) -> Iterator[dict[str, Any] | UnreadableLine]:
    """The scenarios of a file, and in the place of what cannot be read the fault."""
    return json_lines.entries(path, _fault)


def _fault(scenario: Any) -> str | None:
    """What keeps a line from being a scenario, or None."""
    if not isinstance(scenario, dict):
        return "not an object"
    if "cookie" in scenario:
        return _shape(scenario, _COOKIE, "a cookie")
    fault = _shape(scenario, _SCENARIO, "a scenario")
    if fault:
        return fault
    for number, script in enumerate(scenario["steps"]):
        if not isinstance(script, dict):
            return f"step {number} is not an object"
        fault = _shape(script, _STEP, f"step {number}")
        if fault:
            return fault
        if not isinstance(script.get("args") or {}, dict):
            return f"step {number}: `args` is {script['args']!r}, not an object"
    return None


def _shape(value: Mapping[str, Any], keys: Mapping[str, type], what: str) -> str | None:
    """What keeps an object from having these keys with values of these types, or None."""
    for key, kind in keys.items():
        if key not in value:
            return f"{what} needs `{key}`"
        if not isinstance(value[key], kind) or (kind is int and isinstance(value[key], bool)):
            return f"{what}: `{key}` is {value[key]!r}, not of type {kind.__name__}"
    return None


def failure(scenario: Mapping[str, Any]) -> str | None:
    """The first difference between a recording and what we do, or None.

    An exception is a difference too: the other scenarios still run.
    """
    try:
        return vector_cookies.failure(scenario) if "cookie" in scenario else _played(scenario)
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"


def _unknown(scenario: Mapping[str, Any]) -> str | None:
    """What the replay does not know in a scenario, or None."""
    if scenario["platform"] not in PROFILES:
        return f"unknown platform {scenario['platform']!r}, not one of {', '.join(PROFILES)}"
    known = WEB_STEPS if scenario["platform"] == "web" else PHONE_STEPS
    for number, script in enumerate(scenario["steps"]):
        if script["do"] not in known:
            return f"step {number}: unknown `do` {script['do']!r} on {scenario['platform']}"
        odd = sorted(script.keys() - _STEP_KEYS)
        if odd:
            return f"step {number}: unknown `{odd[0]}`"
    return None


def _played(scenario: Mapping[str, Any]) -> str | None:
    unknown = _unknown(scenario)
    if unknown:
        return unknown
    pages = scenario["platform"] == "web"
    shown = (vector_pages if pages else vector_phones).replay(scenario)
    for number, (script, seen) in enumerate(zip(scenario["steps"], shown, strict=True)):
        found = difference(script, seen)
        if found:
            return f"step {number} ({script['do']} at t={script['t']}): {found}"
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sojourn.testing.vectors",
        description="Replay recordings of the official SDKs and compare.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    passed = failed = quirks = unread = 0
    for path in parser.parse_args(arguments).files:
        for scenario in entries(path):
            if isinstance(scenario, UnreadableLine):
                print(f"error: {scenario}", file=sys.stderr)
                unread += 1
                continue
            found = failure(scenario)
            if found is None:
                passed += 1
                continue
            print(f"FAILED {path.name} {scenario['id']}: {found}")
            if is_quirk(scenario):
                quirks += 1
            else:
                failed += 1
    print(f"{quirks} quirks failed")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 2 if unread else 0


if __name__ == "__main__":
    sys.exit(main())
