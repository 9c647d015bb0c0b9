"""What is forecast: workloads, links and policies, and the order in which a cell of them is run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xlkit.engine.workload import HotCold, Idle, Sweep, Uniform, Workload
from xlkit.policies import DowntimeBudgetPolicy, ThresholdPolicy

MEMORY = "64MiB"
LINKS = ("250Mbit/s", "500Mbit/s", "1Gbit/s")
_SET = 4096

WORKLOADS: Mapping[str, Workload] = {
    "idle": Idle(),
    "uniform, light": Uniform(rate_pages_s=2_000),
    "uniform": Uniform(rate_pages_s=10_000, working_set_pages=2 * _SET),
    "uniform, heavy": Uniform(rate_pages_s=25_000, working_set_pages=_SET),
    "sweep": Sweep(rate_pages_s=6_000),
    "sweep, heavy": Sweep(rate_pages_s=30_000, working_set_pages=_SET),
    "hot and cold": HotCold(rate_pages_s=12_000, hot_pages=600),
    "hot and cold, heavy": HotCold(rate_pages_s=50_000, hot_pages=1_500, hot_share=0.95),
}
POLICIES: Mapping[str, Any] = {
    "Xen's default": ThresholdPolicy(),
    "500 pages, 10 passes": ThresholdPolicy(min_remaining=500, max_iters=10),
    "100 ms": DowntimeBudgetPolicy(downtime_s=0.1, max_iters=8),
}
ROUNDS = 5
"""Runs of a workload and link: the policies in turn. The last three are forecast, each from the two before it, which
are under the other two policies."""


@dataclass(frozen=True)
class Case:
    """One run: its workload and link, and its place among the runs of these."""

    workload: str
    link: str
    round: int

    @property
    def policy(self) -> str:
        """Name of the policy."""
        return list(POLICIES)[self.round % len(POLICIES)]

    @property
    def labels(self) -> dict[str, str]:
        """What the record says beside it."""
        return {"workload": self.workload, "link": self.link, "policy": self.policy, "round": str(self.round)}


def cases(workloads: Mapping[str, Workload] = WORKLOADS) -> Iterator[Case]:
    """List them in the order in which they are run."""
    for link in LINKS:
        for workload in workloads:
            for number in range(ROUNDS):
                yield Case(workload, link, number)
