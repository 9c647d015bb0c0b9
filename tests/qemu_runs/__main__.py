"""``python -m tests.qemu_runs``: write data/runs/qemu.parquet from the tables beside it."""

import sys

from tests.qemu_runs.reading import RUNS, read_tables
from xlkit.store import write_runs

runs = list(read_tables())
write_runs(RUNS, runs)
sys.stdout.write(f"{len(runs)} runs, {sum(len(run.iterations) for run in runs)} passes, {RUNS.stat().st_size:,} B\n")
