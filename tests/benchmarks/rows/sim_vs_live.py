"""The simulator against the live engine at 1 Gbit/s: the same guest, the same policy, once imagined and once real."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tests.benchmarks.table import Row
from xlkit.backends.local import LocalBackend
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Idle, Sweep, Uniform, Workload
from xlkit.model import Iteration, Migration, RunStop
from xlkit.policies import ThresholdPolicy

MEMORY, BANDWIDTH = "256MiB", "1Gbit/s"
XENS = ThresholdPolicy()
# Steps of at most ten pages are few against every min_remaining here: no count hangs on when a step falls.
CASES: tuple[tuple[Workload, ThresholdPolicy], ...] = (
    (Idle(), XENS),
    (Uniform(rate_pages_s=5_000), XENS),
    (Uniform(rate_pages_s=20_000), XENS),
    (Uniform(rate_pages_s=40_000), XENS),
    (Uniform(rate_pages_s=20_000, working_set_pages=8_192), XENS),
    (Uniform(rate_pages_s=5_000), ThresholdPolicy(min_remaining=1_000, max_iters=30)),
    (HotCold(rate_pages_s=20_000, hot_pages=2_000), ThresholdPolicy(min_remaining=2_500, max_iters=30)),
    (Sweep(rate_pages_s=10_000), XENS),
)


@dataclass(frozen=True)
class Pair:
    """One case, imagined and real."""

    sim: tuple[list[Iteration], RunStop]
    live: tuple[list[Iteration], RunStop]

    @property
    def total_error(self) -> float:
        """How far the simulated total time is off, as a share of the measured one."""
        return abs((self.sim[1].ended_s or 0.0) / (self.live[1].ended_s or 1.0) - 1)

    @property
    def iterations_differ(self) -> int:
        """By how many the numbers of iterations differ."""
        return abs(len(self.sim[0]) - len(self.live[0]))


def _run(backend: SimBackend | LocalBackend, policy: ThresholdPolicy) -> tuple[list[Iteration], RunStop]:
    *passes, stop = backend.migrate(Migration("guest"), policy)
    return [one for one in passes if isinstance(one, Iteration)], stop if isinstance(stop, RunStop) else RunStop(**{})


@cache
def _pairs() -> tuple[Pair, ...]:
    pairs = []
    for workload, policy in CASES:
        with LocalBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload, verify=None) as live:
            real = _run(live, policy)
        pairs.append(Pair(_run(SimBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload), policy), real))
    return tuple(pairs)


def _total_errors(_: int) -> Sequence[float]:
    return [pair.total_error for pair in _pairs()]


def _differing_iterations(_: int) -> Sequence[float]:
    return [max(pair.iterations_differ for pair in _pairs())]


ROWS = (
    Row(
        name="sim_vs_live",
        what="simulator against live engine, 1 Gbit/s, 8 cases: error of the total time",
        at_most=0.01,
        measure=_total_errors,
    ),
    Row(
        name="sim_vs_live_iterations",
        what="the same 8 cases: largest difference of the number of iterations",
        at_most=0,
        measure=_differing_iterations,
    ),
)
