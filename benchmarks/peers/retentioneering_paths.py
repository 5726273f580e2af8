"""Retentioneering's transition matrix and step matrix of the events in a Parquet file.

    PEER_PYTHON benchmarks/peers/retentioneering_paths.py EVENTS.parquet

The file has `user_id`, `event` and `timestamp`; a path is what one `user_id` did. Prints wall
seconds as JSON; reading the file and building the event stream are not counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
from retentioneering.eventstream import Eventstream


def seconds(work: Callable[[], Any]) -> float:
    """Wall seconds of a call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure both and print them."""
    stream = Eventstream(pd.read_parquet(sys.argv[1]))
    print(
        json.dumps(
            {
                "transitions": seconds(lambda: stream.transition_graph_data(edge_weight="count")),
                "steps": seconds(lambda: stream.step_matrix_data(max_steps=10)),
            }
        )
    )


if __name__ == "__main__":
    main()
