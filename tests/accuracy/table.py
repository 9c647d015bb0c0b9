"""The goals, and how well they were met."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from tests.accuracy.score import HISTORY, UNDER_WAY

HEADER = f"{'what':<86} {'must':>12} {'measured':>9} {'n':>4}  verdict"
_WORST = 8


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One line: which forecasts and quantity, which figure of them [%], and between which two it must lie.

    Parameters
    ----------
    what : str
        What is measured.
    chosen : callable
        Takes the scores, gives those that count.
    quantity : str
        Which quantity.
    figure : {"median", "p90", "held"}
        Median or 90th percentile of the relative error, or share of ranges that held.
    least, most : float, optional
        The goal [%]; a line with neither informs.
    """

    what: str
    chosen: Callable[[pd.DataFrame], pd.DataFrame]
    quantity: str
    figure: str
    least: float | None = None
    most: float | None = None

    @property
    def must(self) -> str:
        """The goal as text."""
        if self.least is not None:
            return f"{self.least:g} to {self.most:g} %"
        return "-" if self.most is None else f"<= {self.most:g} %"

    def measure(self, scored: pd.DataFrame) -> tuple[float, int]:
        """Give the figure [%], and of how many forecasts."""
        chosen = self.chosen(scored)
        chosen = chosen[chosen["quantity"] == self.quantity]
        held, errors = chosen["within"].dropna(), chosen["relative_error"].dropna()
        if self.figure == "held":
            return 100 * float(held.mean()), len(held)
        return 100 * float(errors.quantile(0.5 if self.figure == "median" else 0.9)), len(errors)

    def missed(self, value: float) -> bool:
        """Tell whether a figure misses the goal."""
        return (self.least is not None and value < self.least) or (self.most is not None and value > self.most)


def goals() -> Iterator[Goal]:
    """List the goals for the live engine."""
    for quantity, name, median, p90 in (("total_s", "total time", 2, 8), ("downtime_s", "downtime", 10, 30)):
        before = {"chosen": _from(HISTORY), "quantity": quantity}
        yield Goal(what=f"{name}, before the run: median error", figure="median", most=median, **before)
        yield Goal(what=f"{name}, before the run: 90th percentile", figure="p90", most=p90, **before)
        yield Goal(what=f"{name}, before the run: 90 % ranges that held", figure="held", least=85, most=95, **before)
    for quantity, name, median in (("total_s", "total time", 8), ("downtime_s", "downtime", 25)):
        under_way = {"chosen": _from(UNDER_WAY), "quantity": quantity}
        yield Goal(what=f"{name}, from passes 0..1 alone: median error", figure="median", most=median, **under_way)
        held = {"figure": "held", "least": 85, "most": 95, **under_way}
        yield Goal(what=f"{name}, from passes 0..1 alone: 90 % ranges that held", **held)
    for source in (HISTORY, UNDER_WAY):
        for model, most in (("curve", 10), ("constant_rate", None)):
            what = f"total time of what does not converge, {source}, {model}: median error"
            chosen = _from(source, model, converges=False)
            yield Goal(what=what, chosen=chosen, quantity="total_s", figure="median", most=most)


def lines(scored: pd.DataFrame, wanted: Iterator[Goal]) -> Iterator[tuple[str, bool]]:
    """Give a line a goal, and whether it was missed."""
    for goal in wanted:
        value, count = goal.measure(scored)
        missed = bool(count) and goal.missed(value)
        verdict = "-" if goal.most is None else "MISSED" if missed else "ok"
        yield f"{goal.what:<86} {goal.must:>12} {value:>7.2f} % {count:>4}  {verdict}", missed


def worst(scored: pd.DataFrame) -> Iterator[str]:
    """List the forecasts that were furthest off, by cell."""
    for source in (HISTORY, UNDER_WAY):
        for quantity in ("total_s", "downtime_s"):
            chosen = _from(source)(scored)
            chosen = chosen[chosen["quantity"] == quantity].nlargest(_WORST, "relative_error")
            yield f"furthest off, {source}, {quantity}:"
            for row in chosen.itertuples():
                yield (
                    f"  {100 * row.relative_error:6.1f} %  {row.outcome:.4g} s for {row.low:.4g} < {row.likely:.4g} < "
                    f"{row.high:.4g}  {row.workload}, {row.link}, {row.policy}"
                )


def _from(
    source: str, model: str = "curve", *, converges: bool | None = None
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def chosen(scored: pd.DataFrame) -> pd.DataFrame:
        found = scored[(scored["source"] == source) & (scored["model"] == model)]
        return found if converges is None else found[found["converges"] == converges]

    return chosen
