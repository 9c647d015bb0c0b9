"""Guests that are migrated, and then migrated again as advised."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.replays.scene import record
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Sweep, Uniform
from xlkit.policies import ThresholdPolicy

workloads = st.one_of(
    st.builds(Uniform, rate_pages_s=st.floats(500, 25_000)),
    st.builds(Uniform, rate_pages_s=st.floats(500, 40_000), working_set_pages=st.integers(500, 6_000)),
    st.builds(HotCold, rate_pages_s=st.floats(500, 40_000), hot_pages=st.integers(200, 4_000)),
)
links = st.sampled_from(["300Mbit/s", "1Gbit/s", "4Gbit/s"])
budgets = st.floats(0.002, 0.5)


def a_guest(workload=None, bandwidth="1Gbit/s"):
    return SimBackend(
        memory="64MiB", bandwidth=bandwidth, workload=workload or HotCold(rate_pages_s=60_000, hot_pages=5_000)
    )


def history(backend):
    """Record two runs, of few passes and of many."""
    runs = [record(ThresholdPolicy(1, max_iters), backend) for max_iters in (3, 12)]
    # What is expected before anything was seen goes by the backend.
    return [
        replace(run, start=replace(run.start, backend="sim", run_id=f"{run.run_id}-{number}"))
        for number, run in enumerate(runs)
    ]


def sweeping():
    return a_guest(Sweep(rate_pages_s=60_000, working_set_pages=8_000))
