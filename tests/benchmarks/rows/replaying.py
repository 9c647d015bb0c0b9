"""A grid of policies replayed over a thousand runs: CPU time on one core."""

import time
from collections.abc import Sequence

from tests.benchmarks.many import many_runs
from tests.benchmarks.table import Row
from xlkit.replays import replay_grid

RUNS = 1000
MIN_REMAINING = [50 * step for step in range(1, 51)]
MAX_ITERS = list(range(1, 31))


def _cpu_s(pairs: int) -> Sequence[float]:
    runs = list(many_runs(RUNS))
    replay_grid(runs[:3], MIN_REMAINING, MAX_ITERS)
    return [_once_s(runs) for _ in range(max(1, pairs))]


def _once_s(runs: list[object]) -> float:
    begun_s = time.process_time()
    table = replay_grid(runs, MIN_REMAINING, MAX_ITERS)
    used_s = time.process_time() - begun_s
    assert len(table) == RUNS * len(MIN_REMAINING) * len(MAX_ITERS)
    return used_s


ROWS = (
    Row(
        name="replay_grid",
        what=f"{len(MIN_REMAINING)} x {len(MAX_ITERS)} policies replayed over {RUNS} runs, one core [s of CPU]",
        at_most=1.0,
        measure=_cpu_s,
    ),
)
