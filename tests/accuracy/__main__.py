"""Run the live engine, forecast each run, and print how far off the forecasts were; the exit code tells of a miss."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.accuracy import qemu
from tests.accuracy.cases import LINKS, MEMORY, POLICIES, ROUNDS, WORKLOADS, cases
from tests.accuracy.record import record, recorded
from tests.accuracy.score import forecasts, score
from tests.accuracy.table import HEADER, goals, lines, worst
from xlkit.store import RunStore


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, and score all of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--store", type=Path, help="folder that keeps the runs; what it holds is not run again")
    parser.add_argument("--score", action="store_true", help="score what the store holds, run nothing")
    parser.add_argument("--worst", action="store_true", help="list the forecasts that were furthest off, too")
    asked = parser.parse_args(arguments)
    if asked.score and asked.store is None:
        parser.error("--score needs --store")
    with tempfile.TemporaryDirectory() as folder:
        return _measure(RunStore(asked.store or folder), run=not asked.score, tell_worst=asked.worst)


def _measure(store: RunStore, *, run: bool, tell_worst: bool) -> int:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    _say(f"{platform.system()} {platform.release()}, {os.cpu_count()} processors{load}")
    begun_s = time.monotonic()
    if run:
        record(store, cases(), _note)
        _note(f"recorded in {time.monotonic() - begun_s:.0f} s")
    runs = recorded(store)
    _say(
        f"live engine, {MEMORY}: {len(WORKLOADS)} workloads, {len(LINKS)} links, {len(POLICIES)} policies; {ROUNDS} "
        f"runs of each workload and link, of which the last {len(POLICIES)} are forecast; {len(runs)} runs"
    )
    scored = score(forecasts(runs))
    missed = False
    _say(HEADER)
    measured = [*lines(scored, goals()), *lines(qemu.scored(), qemu.goals())]
    for line, one_missed in measured:
        _say(line)
        missed = missed or one_missed
    if missed or tell_worst:
        for line in worst(scored):
            _say(line)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
