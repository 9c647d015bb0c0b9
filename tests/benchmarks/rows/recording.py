"""Time of a recorded run that is spent outside its passes: journal, watchers, policy."""

import itertools
import tempfile
import time
from collections.abc import Sequence

from tests.benchmarks.table import Row
from xlkit.backends.local import LocalBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Event, Migration, Phase, Run
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore

WORKLOAD = HotCold(rate_pages_s=10_000, hot_pages=1_000)


def _slow_watcher(_: Event) -> None:
    time.sleep(0.05)


def _share_outside_passes(recorded: Run) -> float:
    live = [one for one in recorded.iterations if one.phase is Phase.PRECOPY]
    gaps_s = [later.begun_s - earlier.ended_s - (later.collect_s or 0.0) for earlier, later in itertools.pairwise(live)]
    return sum(gaps_s) / (live[-1].ended_s - live[0].begun_s)


def _shares(pairs: int) -> Sequence[float]:
    shares = []
    for _ in range(max(1, pairs // 2)):
        with tempfile.TemporaryDirectory() as folder, LocalBackend(bandwidth="1Gbit/s", workload=WORKLOAD) as backend:
            recorded = run(
                Migration("guest"), ThresholdPolicy(), backend, store=RunStore(folder), watchers=[_slow_watcher] * 3
            )
            shares.append(_share_outside_passes(recorded))
    return shares


ROWS = (
    Row(
        name="recording",
        what="share of a run outside its passes, journal and 3 slow watchers attached",
        at_most=0.01,
        measure=_shares,
    ),
)
