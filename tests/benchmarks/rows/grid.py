"""A grid of policies decided with arrays, against one simulated migration after the other."""

import time
from collections.abc import Sequence

from tests.benchmarks.table import Row
from xlkit.backends.grid import simulate_grid
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy

MIN_REMAINING = [50 * step for step in range(1, 33)]
MAX_ITERS = list(range(1, 33))


def _ratios(pairs: int) -> Sequence[float]:
    backend = SimBackend(workload=HotCold(rate_pages_s=20_000, hot_pages=2_000))
    return [_loop_s(backend) / _grid_s(backend) for _ in range(max(1, pairs // 3))]


def _loop_s(backend: SimBackend) -> float:
    begun_s = time.perf_counter()
    for min_remaining in MIN_REMAINING:
        for max_iters in MAX_ITERS:
            policy = ThresholdPolicy(min_remaining=min_remaining, max_iters=max_iters)
            list(backend.migrate(Migration("guest"), policy))
    return time.perf_counter() - begun_s


def _grid_s(backend: SimBackend) -> float:
    begun_s = time.perf_counter()
    simulate_grid(backend, min_remaining=MIN_REMAINING, max_iters=MAX_ITERS)
    return time.perf_counter() - begun_s


ROWS = (
    Row(
        name="grid",
        what=f"{len(MIN_REMAINING) * len(MAX_ITERS)} policies one after the other / the same grid at once",
        at_least=20,
        measure=_ratios,
    ),
)
