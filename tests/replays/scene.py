"""Runs recorded under an operator's hand that acts at calls known beforehand."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.records import a_start
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Sweep, Uniform
from xlkit.model import Decision, Migration, Phase, PrecopyStats, Run, RunStop, Status, StopReason
from xlkit.policies import (
    DowntimeBudgetPolicy,
    LegacyXenPolicy,
    NoProgressPolicy,
    SusePolicy,
    ThresholdPolicy,
    TimeLimitPolicy,
    XcpNgPolicy,
    XenServerPolicy,
)
from xlkit.protocols import Policy
from xlkit.switch import Switch

Order = Callable[[Switch], None]
Orders = Mapping[tuple[int, bool], Order]
BUSY = {"memory": "16MiB", "workload": HotCold(rate_pages_s=20_000, hot_pages=500)}

least_pages = st.integers(1, 3_000)
most_passes = st.integers(1, 8)
policies = st.one_of(
    st.builds(ThresholdPolicy, min_remaining=least_pages, max_iters=most_passes),
    st.builds(SusePolicy, min_remaining=least_pages, max_iters=most_passes),
    st.builds(LegacyXenPolicy, min_remaining=least_pages, max_iters=most_passes, max_factor=st.integers(1, 3)),
    st.builds(XenServerPolicy),
    st.builds(XcpNgPolicy),
    st.builds(DowntimeBudgetPolicy, downtime_s=st.floats(1e-4, 0.2), max_iters=most_passes),
    st.builds(NoProgressPolicy, least_shrink=st.floats(0, 0.99), min_remaining=least_pages, max_iters=most_passes),
    st.builds(
        TimeLimitPolicy,
        limit_s=st.floats(0.01, 0.5),
        min_remaining=least_pages,
        max_iters=most_passes,
        on_limit=st.sampled_from([Decision.STOP_AND_COPY, Decision.ABORT]),
    ),
)
rates = st.integers(0, 60_000).map(float)
steady = st.one_of(
    st.just(Idle()),
    st.builds(Uniform, rate_pages_s=rates, working_set_pages=st.none() | st.integers(1, 3_000)),
    st.builds(Sweep, rate_pages_s=rates, working_set_pages=st.none() | st.integers(1, 3_000)),
    st.builds(HotCold, rate_pages_s=rates, hot_pages=st.integers(1, 3_000), hot_share=st.floats(0, 1)),
)
stages = st.lists(st.builds(Stage, duration_s=st.floats(0.001, 0.2), workload=steady), min_size=1, max_size=4)
workloads = steady | stages.map(lambda some: Stages(stages=tuple(some)))
guests = st.builds(SimBackend, memory=st.just("16MiB"), workload=workloads, noise=st.sampled_from([0.0, 0.4]))
steady_guests = st.builds(SimBackend, memory=st.just("16MiB"), workload=steady)


def set_policy(policy: Policy) -> Order:
    return lambda switch: switch.set_policy(policy)


calls = st.tuples(st.integers(0, 5), st.booleans())
orders = st.dictionaries(
    calls, st.one_of(st.just(Switch.stop_now), st.just(Switch.abort), policies.map(set_policy)), max_size=2
)


class Operated:
    """A switch whose holder acts just before certain calls."""

    def __init__(self, switch: Switch, orders: Orders) -> None:
        self._switch, self._orders = switch, orders

    def decide(self, stats: PrecopyStats) -> Decision:
        self._orders.get((stats.iteration, stats.dirty_pages is not None), lambda _: None)(self._switch)
        return self._switch.decide(stats)

    def reason(self, stats: PrecopyStats) -> StopReason:
        return self._switch.reason(stats)


def record(policy: Policy, backend: Any = None, orders: Orders | None = None) -> Run:
    """Migrate, and put the run together as the runner does."""
    backend = backend or SimBackend(**BUSY)
    migration, switch = Migration("guest"), Switch(policy)
    setup = backend.preflight(migration)
    *passes, stop = backend.migrate(migration, Operated(switch, orders or {}))
    return Run(
        start=a_start(policy=policy, setup=setup),
        iterations=tuple(passes),
        stop=stop,
        controls=tuple(switch.taken_up()),
    )


def cut_off(run: Run, n_passes: int, status: Status = Status.INCOMPLETE) -> Run:
    """Lose what came after some passes, as SIGKILL or a broken connection does."""
    reason = StopReason.UNKNOWN if status is Status.INCOMPLETE else StopReason.FAILED
    kept = [one for one in run.iterations if one.phase is Phase.PRECOPY][:n_passes]
    stop = RunStop(status=status, stop_reason=reason)
    return Run(start=run.start, iterations=tuple(kept), stop=stop, controls=run.controls)


def live(run: Run) -> list[Any]:
    return [one for one in run.iterations if one.phase is Phase.PRECOPY]


def final(run: Run) -> Any:
    return run.iterations[-1]
