"""Forecasts of migrations that others recorded on QEMU: loads that do not converge, and one that does.

How long a run of these goes on is decided outside of what any model of precopy sees. QEMU stops when what remains fits
its downtime limit (300 ms, so 40 MB at the 135 MB/s of these runs). The read-only load keeps 200 to 235 MB dirty from
pass 2 on and never comes near it; then, 101.7 to 102.6 s after the begin in all five runs, the set falls to 77 MB and
33 MB within two passes, because the benchmark in the guest has come to its end. The sixteen writing threads keep 40 to
100 MB dirty, about as much as the limit, until 109.7 to 112.8 s.

So two things are asked. Does the model say that the guest does not get there by itself? And how long does a run take
that makes as many passes as this one made? The textbook's model is told that number, too.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tests.accuracy.score import after_passes
from tests.accuracy.table import Goal
from xlkit.forecasts import MODELS, forecast, scores
from xlkit.model import Run
from xlkit.policies import DowntimeBudgetPolicy, ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.store import read_runs

RUNS = Path(__file__).parents[2] / "data" / "runs" / "qemu.parquet"
READS, WRITES = "Precopy_Nonconvergent_OnlyReads_16T", "Precopy_Nonconvergent_16T"
CONVERGING = "Precopy_Convergent"
HALF, THREE, LIMIT, ENDLESS = "first half", "passes 0..2", "300 ms, passes 0..1", "300 ms, passes 0..2"
OWN_RULE = DowntimeBudgetPolicy(downtime_s=0.3, max_iters=100_000)


def scored(path: Path = RUNS) -> pd.DataFrame:
    """Score the forecasts of the runs in a file, a row a forecast and quantity."""
    return pd.concat([table for run in read_runs(path) for table in _tables(run)], ignore_index=True)


def goals() -> Iterator[Goal]:
    """List what is measured on them."""
    for scenario, name in ((READS, "reads"), (WRITES, "writes"), (None, "both")):
        for model in MODELS:
            most = 10 if model == "curve" and scenario is None else None
            yield _goal(f"QEMU, {name}, as many passes, from the first half, {model}", HALF, model, scenario, most)
    for model in MODELS:
        yield _goal(f"QEMU, reads, as many passes, from passes 0..2, {model}", THREE, model, READS, None)
    for model in MODELS:
        yield _goal(f"QEMU, converging, 300 ms, from passes 0..1, {model}", LIMIT, model, CONVERGING, None)
    for model in MODELS:
        told = _goal(f"QEMU, reads, 300 ms, from passes 0..2: told not to stop, {model}", ENDLESS, model, READS, None)
        yield replace(told, what=told.what.removesuffix(": median error"), quantity="endless", figure="held")


def _goal(what: str, source: str, model: str, scenario: str | None, most: float | None) -> Goal:
    def chosen(found: pd.DataFrame) -> pd.DataFrame:
        found = found[(found["source"] == source) & (found["model"] == model)]
        return found if scenario is None else found[found["scenario"] == scenario]

    return Goal(what=f"{what}: median error", chosen=chosen, quantity="total_s", figure="median", most=most)


def _tables(run: Run) -> Iterator[pd.DataFrame]:
    scenario = run.start.labels["scenario"]
    as_many = ThresholdPolicy(min_remaining=1, max_iters=run.iterations[-1].iteration)
    half = sum(one.ended_s <= (run.stop.ended_s or 0.0) / 2 for one in run.iterations)
    asked: list[tuple[str, Policy, int]] = []
    if scenario in {READS, WRITES}:
        asked += [(HALF, as_many, half)]
    if scenario == READS:
        asked += [(THREE, as_many, 3), (ENDLESS, OWN_RULE, 3)]
    if scenario == CONVERGING:
        asked += [(LIMIT, OWN_RULE, 2)]
    for source, policy, passes in asked:
        for model in MODELS:
            yield _table(run, source, policy, passes, model).assign(scenario=scenario)


def _table(run: Run, source: str, policy: Policy, passes: int, model: str) -> pd.DataFrame:
    told = forecast(None, run.start.migration, policy, begun=after_passes(run, passes), model=model)
    table = scores(replace(run, start=replace(run.start, forecast=told))).assign(source=source)
    endless = table.iloc[:1].assign(quantity="endless", within=told.total_s is None, relative_error=pd.NA)
    return pd.concat([table, endless.astype(table.dtypes)], ignore_index=True)
