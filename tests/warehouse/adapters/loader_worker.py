"""A process that loads events into PostgreSQL until it is killed.

`python loader_worker.py URL START`: loads one piece after the other, from number START on; prints
the number of each piece that is done.
"""

from __future__ import annotations

import sys

from sojourn.testing.tables_events import SOURCES, in_pieces, visits
from sojourn.warehouse.postgres import PostgresEngine, PostgresTables


def main(url: str, start: int) -> None:
    tables = PostgresTables(PostgresEngine(url), SOURCES.get)
    for number, load in enumerate(in_pieces(visits(2_000), (40,))):
        if number >= start:
            tables.load(load)
            print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
