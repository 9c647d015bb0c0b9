"""Simulated runs, and runs as they were known while they went on."""

from dataclasses import replace
from typing import Any

from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Migration, Run, Status, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.runner import run
from xlkit.store import RunStore

DEMO = Migration("demo")
LOAD = HotCold(rate_pages_s=20_000, hot_pages=2_000, hot_share=0.8)


def simulated(store: RunStore, policy: Policy | None = None, **settings: Any) -> Run:
    """Run a migration in the simulator."""
    backend = SimBackend(**{"memory": "64MiB", "workload": LOAD, **settings})
    return run(DEMO, policy or ThresholdPolicy(), backend, store=store)


def after_passes(run: Run, passes: int) -> Run:
    """Give a run as it was known when so many passes had ended."""
    stop = replace(
        run.stop, status=Status.RUNNING, stop_reason=StopReason.UNKNOWN, ended_s=None, downtime_s=None, downtime=()
    )
    return replace(run, iterations=run.iterations[:passes], stop=stop)
