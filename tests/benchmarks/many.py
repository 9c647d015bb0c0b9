"""Many runs, quickly: a few that were simulated, each told again with other names, sets and times."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache

from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Iteration, Migration, Run
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore

_DOMAINS = ("web", "mail", "database", "build")
_RATES_PAGES_S = (40_000, 60_000, 80_000)
_SEED = 20_170_517


def many_runs(count: int) -> Iterator[Run]:
    """Tell `count` runs of six passes each."""
    chance = random.Random(_SEED)
    originals = _simulated()
    for number in range(count):
        yield _again(originals[number % len(originals)], number, chance)


@cache
def _simulated() -> tuple[Run, ...]:
    with tempfile.TemporaryDirectory() as folder:
        return tuple(
            run(
                Migration(domain),
                ThresholdPolicy(min_remaining=min_remaining),
                SimBackend(workload=HotCold(rate_pages_s=rate_pages_s, hot_pages=20_000)),
                store=RunStore(folder),
            )
            for domain in _DOMAINS
            for rate_pages_s in _RATES_PAGES_S
            for min_remaining in (50, 500)
        )


def _again(run: Run, number: int, chance: random.Random) -> Run:
    factor = chance.uniform(0.8, 1.25)
    started_at = run.start.started_at + timedelta(seconds=number)
    start = replace(run.start, run_id=f"{started_at:%Y%m%dT%H%M%S}000-{number:06x}", started_at=started_at)
    passes = tuple(_varied(one, factor, chance.randrange(100)) for one in run.iterations)
    ended_s, downtime_s = (run.stop.ended_s or 0.0) * factor, (run.stop.downtime_s or 0.0) * factor
    return replace(run, start=start, iterations=passes, stop=replace(run.stop, ended_s=ended_s, downtime_s=downtime_s))


def _varied(one: Iteration, factor: float, fewer: int) -> Iteration:
    pages = max(0, (one.dirty_pages or 0) - (fewer if one.iteration else 0))
    return replace(
        one,
        dirty_pages=pages,
        sent_pages=pages,
        sent_bytes=4108 * pages,
        begun_s=one.begun_s * factor,
        ended_s=one.ended_s * factor,
    )
