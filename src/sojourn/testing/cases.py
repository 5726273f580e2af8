"""Run conformance cases: `python -m sojourn.testing.cases FILE…`.

Each file holds one case per line. Every failure is printed with its first difference; the last
lines are the counts. Cases tagged `js-quirk`, `quirk` or `go-format` (behaviour that follows
only from the original's language) and, for warehouses, `extract` are counted apart when they
fail. What cannot be read is named, and the rest runs all the same. Exit status: 0 all passed,
1 some failed, 2 a file or line could not be read.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from sojourn.testing import json_lines
from sojourn.testing.compare import UnknownCase, difference
from sojourn.testing.json_lines import UnreadableLine, is_quirk

__all__ = ["Result", "Tally", "UnreadableLine", "entries", "judge", "main", "read"]

_REQUIRED = ("id", "destination", "stage", "input", "expected")
_TEXTS = ("id", "destination", "stage")


@dataclass(frozen=True)
class Result:
    """What became of one case: `kind` is `passed`, `failed`, `quirk` or `extract`."""

    case: Mapping[str, Any]
    kind: str
    difference: str = ""


@dataclass
class Tally:
    """Counts of results, by kind, and by destination and stage."""

    kinds: Counter[str] = field(default_factory=Counter)
    stages: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    unread: int = 0
    """Files and lines that could not be read."""

    def add(self, result: Result) -> None:
        """Count one result."""
        self.kinds[result.kind] += 1
        key = (result.case["destination"], result.case["stage"])
        self.stages.setdefault(key, Counter())[result.kind] += 1


def read(path: Path) -> Iterator[Mapping[str, Any]]:
    """The cases of one file. Raises `UnreadableLine`."""
    return json_lines.read(path, _fault)


def entries(path: Path) -> Iterator[Mapping[str, Any] | UnreadableLine]:
    """The cases of one file, and in the place of what cannot be read the fault."""
    return json_lines.entries(path, _fault)


def _fault(case: Any) -> str | None:
    """What keeps a line from being a case, or None."""
    if not isinstance(case, dict):
        return "a case is a JSON object"
    missing = [key for key in _REQUIRED if key not in case]
    if missing:
        return f"the case has no `{missing[0]}`"
    for key in _TEXTS:
        if not isinstance(case[key], str):
            return f"`{key}` must be a text"
    if not isinstance(case["expected"], dict):
        return "`expected` must be an object"
    return None if isinstance(case.get("tags") or [], list) else "`tags` must be an array"


def judge(case: Mapping[str, Any]) -> Result:
    """Run one case and compare; an exception in the code under test is a failure, not a stop."""
    part = "cases_warehouse" if case["destination"] == "warehouse" else "cases_destinations"
    try:
        actual = importlib.import_module(f"sojourn.testing.{part}").run(case)
        found = difference(case, actual)
    except UnknownCase as error:
        found = str(error)
    except Exception as error:
        found = f"raised {type(error).__name__}: {error} {_place(error.__traceback__)}"
    if found is None:
        return Result(case, "passed")
    if is_quirk(case):
        return Result(case, "quirk", found)
    if case["destination"] == "warehouse" and "extract" in (case.get("tags") or ()):
        return Result(case, "extract", found)
    return Result(case, "failed", found)


def _place(trace: TracebackType | None) -> str:
    """Where an exception came from: `(file, line N)`."""
    frames = traceback.extract_tb(trace)
    return f"({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def run_files(paths: Iterable[Path], show_quirks: bool, only: str) -> Tally:
    """Run all cases of the files, print what fails, and what cannot be read to stderr."""
    tally = Tally()
    for path in paths:
        for case in entries(path):
            if isinstance(case, UnreadableLine):
                print(f"error: {case}", file=sys.stderr)
                tally.unread += 1
                continue
            if only not in case["id"]:
                continue
            result = judge(case)
            tally.add(result)
            if result.kind == "failed" or (show_quirks and result.kind != "passed"):
                print(f"{result.kind.upper()} {case['id']}: {case.get('title', '')}")
                print("    " + result.difference.replace("\n", "\n    "))
    return tally


def _report(tally: Tally) -> None:
    for (destination, stage), kinds in sorted(tally.stages.items()):
        apart = "".join(
            f", {kinds[kind]} {kind} failed" for kind in ("quirk", "extract") if kinds[kind]
        )
        print(f"{destination} {stage}: {kinds['passed']} passed, {kinds['failed']} failed{apart}")
    print(f"{tally.kinds['quirk']} quirks failed")
    print(f"{tally.kinds['passed']} passed, {tally.kinds['failed']} failed")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sojourn.testing.cases",
        description="Run conformance cases and compare what Sojourn does with what they expect.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="cases, JSON lines")
    parser.add_argument("--quirks", action="store_true", help="print failing quirks as well")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose id contains TEXT")
    options = parser.parse_args(arguments)
    tally = run_files(options.files, options.quirks, options.only)
    _report(tally)
    return 1 if tally.kinds["failed"] else 2 if tally.unread else 0


if __name__ == "__main__":
    sys.exit(main())
