"""Is the memory at the destination the memory of the source? Every workload, every mechanism."""

import itertools
from collections.abc import Sequence

from tests.benchmarks.live import migrate
from tests.benchmarks.table import Row
from xlkit.engine import trackers, transport
from xlkit.engine.workload import HotCold, Sweep, Uniform, Workload

WORKLOADS: tuple[Workload, ...] = (
    Uniform(rate_pages_s=50_000),
    HotCold(rate_pages_s=50_000, hot_pages=1_000),
    Sweep(rate_pages_s=50_000),
)


def _failures(pairs: int) -> Sequence[float]:
    mechanisms = [name for name in trackers.NAMES if trackers.probe() in (name, trackers.NAMES[0])]
    ways = itertools.cycle(itertools.product(WORKLOADS, mechanisms, transport.NAMES))
    runs = [
        migrate(memory="64MiB", workload=workload, tracker=tracker, transport=form)
        for workload, tracker, form in itertools.islice(ways, max(pairs, 12))
    ]
    return [0.0 if run.stop.verified else 1.0 for run in runs]


ROWS = (Row(name="equality", what="migrations after which the memories differ", at_most=0, measure=_failures),)
