"""All benchmarks, one after another: `python -m benchmarks [NAME…]`.

Each prints ratios against a peer or a floor measured in the same run. None is a test: a busy
machine gives other figures, and nothing is asserted.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the named benchmarks, or all of them; returns 1 when one did not finish."""
    there = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    wanted = sys.argv[1:] or there
    unknown = [name for name in wanted if name not in there]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(there)}")
        return 2
    failed = []
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        done = subprocess.run([sys.executable, HERE / f"{name}.py"], cwd=HERE.parent, check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"\nnot finished: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
