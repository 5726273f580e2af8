"""dlt (PyPI) loads JSON lines into a DuckDB file; run by `benchmarks/pipeline.py`.

Run: `python dlt_into_duckdb.py EVENTS.jsonl TARGET.duckdb`, with the Python of an environment that
has `dlt[duckdb]`. As Sojourn's loader does, it makes a table of each type and name of event and
keeps each `messageId` once. Prints one line of JSON: name, seconds of CPU and of time.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def events(path: Path) -> Iterator[dict[str, Any]]:
    """The decoded events."""
    with path.open("rb") as file:
        for line in file:
            yield json.loads(line)


def table_of(event: dict[str, Any]) -> str:
    """The name of the table that an event goes to."""
    return str(event.get("event") or event["type"])


def load(path: Path, target: Path) -> str:
    """Load all events; dlt's name and version."""
    import dlt

    pipeline = dlt.pipeline(
        "peer",
        destination=dlt.destinations.duckdb(str(target)),
        dataset_name="web",
        pipelines_dir=str(target.parent / "dlt"),
    )
    resource_of_events = dlt.resource(
        events(path),
        name="events",
        table_name=table_of,
        write_disposition="merge",
        primary_key="messageId",
    )
    pipeline.run(resource_of_events)
    return f"dlt {dlt.__version__}"


def cpu() -> float:
    """Seconds of CPU of this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    """Load and say what it took."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        import dlt  # noqa: F401 - importing it is not what is measured

        start, wall = cpu(), time.perf_counter()
        name = load(Path(sys.argv[1]), Path(sys.argv[2]))
        used = {"name": name, "cpu": cpu() - start, "wall": time.perf_counter() - wall}
    print(json.dumps(used))


if __name__ == "__main__":
    main()
