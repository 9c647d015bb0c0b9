"""The simulator against the live engine: 8 cases at 1 Gbit/s, nothing fitted."""

import functools
from collections.abc import Sequence

from tests.benchmarks.live import Live, migrate
from tests.benchmarks.table import Row
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Idle, Sweep, Uniform, Workload
from xlkit.model import Iteration, Migration, RunStop
from xlkit.policies import ThresholdPolicy

MEMORY, BANDWIDTH = "256MiB", "1Gbit/s"
CASES: tuple[tuple[Workload, ThresholdPolicy], ...] = (
    (Idle(), ThresholdPolicy()),
    (Uniform(rate_pages_s=1_000), ThresholdPolicy()),
    (Uniform(rate_pages_s=5_000), ThresholdPolicy(min_remaining=1_000)),
    (Uniform(rate_pages_s=20_000), ThresholdPolicy()),
    (Uniform(rate_pages_s=20_000, working_set_pages=8_000), ThresholdPolicy(max_iters=3)),
    (HotCold(rate_pages_s=20_000, hot_pages=2_000), ThresholdPolicy()),
    (HotCold(rate_pages_s=5_000, hot_pages=500), ThresholdPolicy(min_remaining=500, max_iters=10)),
    (Sweep(rate_pages_s=5_000), ThresholdPolicy(max_iters=8)),
)


@functools.cache
def _runs() -> Sequence[tuple[Live, Live]]:
    return [
        (migrate(policy, memory=MEMORY, bandwidth=BANDWIDTH, workload=w), _simulated(w, policy)) for w, policy in CASES
    ]


def _simulated(workload: Workload, policy: ThresholdPolicy) -> Live:
    backend = SimBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload)
    *passes, stop = backend.migrate(Migration("guest"), policy)
    assert isinstance(stop, RunStop)
    return Live(passes=tuple(one for one in passes if isinstance(one, Iteration)), stop=stop)


def _total_errors(pairs: int) -> Sequence[float]:
    return [abs(model.total_s / live.total_s - 1) for live, model in _runs()]


def _count_errors(pairs: int) -> Sequence[float]:
    return [abs(len(model.passes) - len(live.passes)) for live, model in _runs()]


ROWS = (
    Row(
        name="simulator",
        what="simulator against the live engine at 1 Gbit/s, error of total time",
        at_most=0.01,
        measure=_total_errors,
    ),
    Row(
        name="simulator_iterations",
        what="the same, difference in iterations",
        at_most=0,
        measure=_count_errors,
    ),
)
