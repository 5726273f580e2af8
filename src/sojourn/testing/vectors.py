"""Replay recordings of the official SDKs: `python -m sojourn.testing.vectors FILE…`.

Each file holds one scenario per line: a script under a virtual clock, and what the official
SDK put into its events. The session machine plays the script; every difference is printed, and
the last line counts. Scenarios tagged `js-quirk`, `quirk` or `go-format` count separately.
Files of cookies are decoded and compared in the same way. Exit status: 0 all passed, 1 some
failed, 2 a file could not be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sojourn.core.profiles import PROFILES
from sojourn.testing import vector_cookies, vector_pages, vector_phones
from sojourn.testing.vector_steps import STEPS, difference

__all__ = ["BadVectorFile", "failure", "main", "read"]

QUIRKS = frozenset(("js-quirk", "quirk", "go-format"))
"""Tags of scenarios that show a language's peculiarity rather than a rule."""
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


class BadVectorFile(Exception):
    """A file that cannot be read as vectors; the message names file, line and fault."""


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The scenarios of a file. Raises `BadVectorFile`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadVectorFile(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            scenario = json.loads(line)
        except ValueError as error:
            raise BadVectorFile(f"{path}, line {number}: not JSON: {error}") from error
        fault = _fault(scenario)
        if fault:
            raise BadVectorFile(f"{path}, line {number}: {fault}")
        yield scenario


def _fault(scenario: Any) -> str | None:
    """What keeps a line from being a scenario, or None."""
    if not isinstance(scenario, dict):
        return "not an object"
    if "cookie" in scenario:
        return _shape(scenario, _COOKIE, "a cookie")
    fault = _shape(scenario, _SCENARIO, "a scenario")
    if fault:
        return fault
    if scenario["platform"] not in PROFILES:
        return f"unknown platform {scenario['platform']!r}, not one of {', '.join(PROFILES)}"
    for number, script in enumerate(scenario["steps"]):
        if not isinstance(script, dict):
            return f"step {number} is not an object"
        fault = _shape(script, _STEP, f"step {number}")
        if fault:
            return fault
        if not isinstance(script.get("args") or {}, dict):
            return f"step {number}: `args` is {script['args']!r}, not an object"
        if script["do"] not in STEPS:
            return f"step {number}: unknown `do` {script['do']!r}"
    return None


def _shape(value: Mapping[str, Any], keys: Mapping[str, type], what: str) -> str | None:
    """What keeps an object from having these keys with values of these types, or None."""
    for key, kind in keys.items():
        if key not in value:
            return f"{what} needs `{key}`"
        if not isinstance(value[key], kind):
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


def _played(scenario: Mapping[str, Any]) -> str | None:
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
    passed = failed = quirks = 0
    try:
        for path in parser.parse_args(arguments).files:
            for scenario in read(path):
                found = failure(scenario)
                if found is None:
                    passed += 1
                    continue
                print(f"FAILED {path.name} {scenario['id']}: {found}")
                if QUIRKS.isdisjoint(scenario.get("tags") or ()):
                    failed += 1
                else:
                    quirks += 1
    except BadVectorFile as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{quirks} quirks failed")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
