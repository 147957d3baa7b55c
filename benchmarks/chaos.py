"""Random faults over queues and sweeps, in as many homes as it takes, and what is wrong afterwards.

    python -m benchmarks.chaos [--faults 200] [--seed 0] [--folder DIR]

Every second home has two more terminals that pause, reorder, stop, resume, repeat and delete all the while, and count for nothing.

On a disk of less than a gigabyte (`mount -t tmpfs -o size=96m tmpfs DIR`) the full disk is a full disk; elsewhere SQLite is told
that there is no room. Prints a line for each home and a table at the end; exits with 1 when anything was lost, doubled or untrue.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.helpers_chaos import chaos, prepare_world

IN_A_HOME = 50


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    prepare_world(setattr)
    total: Counter[str] = Counter()
    broken = 0
    begun = time.monotonic()
    for home in range(-(-asked.faults // IN_A_HOME)):
        seed = asked.seed + home
        with tempfile.TemporaryDirectory(dir=asked.folder, ignore_cleanup_errors=True) as folder:
            done, wrong = chaos(Path(folder), seed, IN_A_HOME, crowd=2 * (home % 2))
        total += done
        broken += len(wrong)
        print(f"seed {seed}: {done.total()} faults, {'; '.join(wrong) or 'nothing wrong'}", flush=True)
    print()
    for name, count in total.most_common():
        print(f"{count:5}  {name}")
    print(f"{total.total():5}  faults in {time.monotonic() - begun:.0f} s, {broken} things wrong")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
