"""The simulator against the live engine at 1 Gbit/s: the same guest, the same policy, once imagined and once real."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tests.benchmarks.table import Row
from xlkit.backends.local import LocalBackend
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Idle, Sweep, Uniform, Workload
from xlkit.model import Migration, RunStop, Status
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
    """One case, imagined and real: how long, and how many iterations."""

    sim_s: float
    live_s: float
    sim_iterations: int
    live_iterations: int


def _run(backend: SimBackend | LocalBackend, policy: ThresholdPolicy) -> tuple[float, int]:
    events = list(backend.migrate(Migration("guest"), policy))
    stop = events[-1]
    if not isinstance(stop, RunStop) or stop.status is not Status.COMPLETED or stop.ended_s is None:
        raise AssertionError(f"A case did not run to its end: {stop}")
    return stop.ended_s, len(events) - 1


@cache
def _pairs() -> tuple[Pair, ...]:
    pairs = []
    for workload, policy in CASES:
        sim_s, sim_iterations = _run(SimBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload), policy)
        with LocalBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload, verify=None) as live:
            live_s, live_iterations = _run(live, policy)
        pairs.append(Pair(sim_s, live_s, sim_iterations, live_iterations))
    return tuple(pairs)


def _total_errors(_: int) -> Sequence[float]:
    return [abs(pair.sim_s / pair.live_s - 1) for pair in _pairs()]


def _differing_iterations(_: int) -> Sequence[float]:
    return [max(abs(pair.sim_iterations - pair.live_iterations) for pair in _pairs())]


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
