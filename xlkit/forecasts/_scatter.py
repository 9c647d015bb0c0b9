"""How far sets lie from the curve: whole runs, single sets, and small ones by the chance of counting."""

from dataclasses import dataclass
from math import log, sqrt

from xlkit.forecasts._learn import Learned
from xlkit.forecasts._priors import WEIGHT, prior

_LEAST_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Scatter:
    """Deviations of the logarithm of a set against the curve: of all sets of a run alike, and of each by itself.

    `counting` is the variance of a set's size as a share of the size, which matters for small sets; `shift` is by how
    much the run in question is known to lie above the curve.
    """

    of_run: float
    of_pass: float
    counting: float = 0.0
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class _Set:
    """By how much a set is off, its variance by the chance of counting, and how much it tells of anything else."""

    off: float
    chance: float
    tells: float


def scatter_of(learned: Learned, begun_id: str | None) -> Scatter:
    """Read off the sets seen how far runs and sets lie from the curve, mixed with what is expected before."""
    known = prior(learned.backend)
    runs: dict[str, list[_Set]] = {}
    for one in learned.seen:
        expected = max(float(learned.curve.pages(one.window_s)), 1.0)
        chance = known.counting / expected
        tells = known.set_off**2 / (known.set_off**2 + chance)
        runs.setdefault(one.run_id, []).append(_Set(log(max(one.dirty_pages, 1) / expected), chance, tells))
    means = {run_id: _mean(sets) for run_id, sets in runs.items()}
    n_runs, n_sets = len(runs), len(learned.seen)
    between = sum(mean**2 for mean in means.values())
    of_run = sqrt((between + WEIGHT * known.run_off**2) / (max(n_runs - 1, 0) + WEIGHT))
    rests = [(one, (one.off - means[run_id]) ** 2) for run_id, sets in runs.items() for one in sets]
    weight = sum(one.tells**2 for one, _ in rests) * (1 - n_runs / max(n_sets, 1))
    squares = sum(one.tells**2 * (square - one.chance) for one, square in rests)
    variance = (squares + WEIGHT * known.set_off**2) / (weight + WEIGHT)
    of_pass = sqrt(max(variance, (_LEAST_SHARE * known.set_off) ** 2))
    small = [((1 - one.tells) ** 2, max(0.0, square - of_pass**2) / one.chance) for one, square in rests]
    times = (sum(share * value for share, value in small) + WEIGHT) / (sum(share for share, _ in small) + WEIGHT)
    scatter = Scatter(of_run, of_pass, known.counting * times)
    own = runs.get(begun_id or "", [])
    if not own:
        return scatter
    if n_runs == 1:
        return Scatter(0.0, of_pass, scatter.counting)
    # What the run itself showed, weighed against how far runs lie apart.
    trust = of_run**2 / (of_run**2 + of_pass**2 / len(own))
    return Scatter(of_run * sqrt(1 - trust), of_pass, scatter.counting, trust * means[begun_id or ""])


def _mean(sets: list[_Set]) -> float:
    return sum(one.tells * one.off for one in sets) / sum(one.tells for one in sets)
