"""Forecasts of recorded cases: from the two runs before each, and from its own first passes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from tests.accuracy.cases import POLICIES, ROUNDS, Case
from xlkit.forecasts import MODELS, forecast, scores
from xlkit.model import Phase, Run, Status, StopReason

HISTORY, UNDER_WAY = "2 earlier runs", "passes 0..1"
_KNOWN_PASSES = 2
_STILL = 0.5


@dataclass(frozen=True)
class Told:
    """A run with a forecast made of it, and what that was made from."""

    case: Case
    source: str
    run: Run


def after_passes(run: Run, passes: int) -> Run:
    """Give a run as it was known when so many passes had ended."""
    stop = replace(
        run.stop, status=Status.RUNNING, stop_reason=StopReason.UNKNOWN, ended_s=None, downtime_s=None, downtime=()
    )
    return replace(run, iterations=run.iterations[:passes], stop=stop)


def forecasts(runs: Mapping[Case, Run]) -> Iterator[Told]:
    """Forecast the last three runs of each workload and link, by each model and from each source."""
    for case, run in runs.items():
        earlier = [runs.get(replace(case, round=case.round - back)) for back in (2, 1)]
        if case.round < ROUNDS - len(POLICIES) or None in earlier:
            continue
        for model in MODELS:
            asked = run.start.migration, run.start.policy
            before = forecast([one for one in earlier if one is not None], *asked, model=model)
            yield Told(case, HISTORY, _with(run, before))
            if sum(one.phase is Phase.PRECOPY for one in run.iterations) >= _KNOWN_PASSES:
                begun = after_passes(run, _KNOWN_PASSES)
                yield Told(case, UNDER_WAY, _with(run, forecast(None, *asked, begun=begun, model=model)))


def converges(run: Run) -> bool:
    """Tell whether the last live set is less than half of the first that was dirtied."""
    sets = [one.dirty_pages or 0 for one in run.iterations[1:] if one.phase is Phase.PRECOPY]
    return len(sets) < 2 or sets[-1] < _STILL * sets[0]


def score(told: Iterator[Told]) -> pd.DataFrame:
    """Score forecasts, a row a forecast and quantity, beside the case of each."""
    tables = []
    for one in told:
        table = scores(one.run)
        table["workload"], table["link"], table["policy"] = one.case.workload, one.case.link, one.case.policy
        table["source"], table["converges"] = one.source, converges(one.run)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _with(run: Run, told: object) -> Run:
    return replace(run, start=replace(run.start, forecast=told))
