"""Fit a concave curve through observed sets, so that the error of its logarithm is least."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xlkit.curves._curve import DirtyCurve
from xlkit.curves._observed import Observed
from xlkit.errors import InvalidValueError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_TIMES_A_DECADE = 6
_FAR = 30.0
_FEWEST_PAGES = 1.0
_ROUNDS = 8
_SOLVER_STEPS = 30
# An observation further off than this many times its noise counts as an outlier (Huber's constant for 95 % efficiency).
_OUTLIER = 1.345
# What a set is off beside the chance of counting; below it the fit would follow the noise.
_NOISE = 0.004
_COUNTING = 0.1
_SLOPE_NOISE = 0.05
# Sets that are swept are taken only where they explain what sets filled at random cannot.
_CLEARLY_BETTER = 0.6
_SHARE_FILLED, _SHARE_HOT = 1 / 3, 1 / 3
_FEW = 3
_HOT_PAGES = 30.0
_LEAST_NOISE = 0.5
_FAR_OFF = 5.0


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is fitted: windows and sets, the error of each as a share of it, and the slope at the beginning."""

    window_s: "Floats"
    pages: "Floats"
    error: "Floats"
    slope_pages_s: float | None


@dataclass(frozen=True, slots=True)
class _Terms:
    """Of what a curve is made: times of sets filled at random, then of swept ones, then the endless rate."""

    times_s: "Floats"
    swept_s: "Floats"

    def at(self, window_s: "Floats") -> "Floats":
        import numpy as np

        filled = -np.expm1(-window_s[:, None] / self.times_s)
        swept = np.minimum(window_s[:, None] / self.swept_s, 1.0)
        return np.column_stack([filled, swept, window_s])

    def slopes(self) -> "Floats":
        import numpy as np

        return np.concatenate([1 / self.times_s, 1 / self.swept_s, [1.0]])


def fit_curve(
    seen: Sequence[Observed], *, memory_pages: int | None = None, written_pages_s: float | None = None
) -> DirtyCurve:
    """Fit a concave curve through observed sets, each with equal weight whatever its size.

    Parameters
    ----------
    seen : sequence of Observed
        What `observed` read off the runs of one guest under one load.
    memory_pages : int or None, default None
        Size of the guest [page of 4096 B].
    written_pages_s : float or None, default None
        Pages written a second, repeated ones counted again, where the guest tells it: the slope of the curve at its
        beginning [page/s].

    Returns
    -------
    DirtyCurve
        Through the observed sets as nearly as a concave curve can: the error of the logarithm is least, a set of few
        pages counts less (by the chance of counting), and an outlier does not draw the curve to itself.

    Raises
    ------
    InvalidValueError
        If nothing was observed.

    See Also
    --------
    resampled_curves : Other curves that could have shown the same.

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35 (1964).
    """
    import numpy as np

    sight = _sight(seen, written_pages_s)
    grid = _grid(sight)
    filled = _fitted(sight, _Terms(grid, np.empty(0)), memory_pages)
    both = _fitted(sight, _Terms(grid, grid), memory_pages)
    return both if both.scatter < _CLEARLY_BETTER * filled.scatter - _NOISE else filled


def resampled_curves(
    seen: Sequence[Observed],
    count: int,
    *,
    memory_pages: int | None = None,
    written_pages_s: float | None = None,
    seed: int = 0,
) -> list[DirtyCurve]:
    """Draw curves that could have shown the same sets: where little was observed, they differ.

    Parameters
    ----------
    seen : sequence of Observed
        What `observed` read off the runs of one guest under one load.
    count : int
        How many curves.
    memory_pages : int or None, default None
        Size of the guest [page of 4096 B].
    written_pages_s : float or None, default None
        Pages written a second, repeated ones counted again [page/s].
    seed : int, default 0
        Chooses them; the same seed gives the same curves.

    Returns
    -------
    list of DirtyCurve
        Each goes through sets that are off by as much as those that were seen are. Half of them are sets that fill up
        at random; a quarter has a hot set of a size drawn at random beside colder ones; a quarter is swept. The better
        one explains what was seen, the more often it is among them.

    Raises
    ------
    InvalidValueError
        If nothing was observed.
    """
    import numpy as np

    sight = _sight(seen, written_pages_s)
    best = fit_curve(seen, written_pages_s=written_pages_s)
    sight = replace(sight, error=sight.error * max(_LEAST_NOISE, _chi(sight, best)))
    random = np.random.default_rng(seed)
    drawn, chances = [], []
    for _ in range(count):
        curve = _fitted(_shaken(sight, random), _terms(sight, random), memory_pages)
        drawn.append(curve)
        chances.append(-len(sight.pages) * _chi(sight, curve) ** 2 / 2)
    weight = np.exp(np.array(chances) - max(chances))
    chosen = random.choice(count, count, p=weight / weight.sum())
    return [drawn[one] for one in chosen]


def _shaken(sight: _Sight, random: "np.random.Generator") -> _Sight:
    """Let each set be off by its error."""
    import numpy as np

    slope = sight.slope_pages_s
    return replace(
        sight,
        pages=sight.pages * np.exp(random.normal(0.0, sight.error)),
        slope_pages_s=slope and slope * float(np.exp(random.normal(0.0, _SLOPE_NOISE))),
    )


def _terms(sight: _Sight, random: "np.random.Generator") -> _Terms:
    """Draw of what a curve is made."""
    import numpy as np

    first, last = _ends(sight)
    kind, nothing = random.random(), np.empty(0)
    if _SHARE_FILLED <= kind < _SHARE_FILLED + _SHARE_HOT:
        if sight.slope_pages_s is not None:
            first = min(first, float(np.log10(_HOT_PAGES / sight.slope_pages_s)))
        hot, cold = 10 ** random.uniform(first, np.log10(sight.window_s.max())), 10 ** random.uniform(first, last, 2)
        return _Terms(np.array([hot, *cold]), nothing)
    times = _grid(sight) * 10 ** (random.uniform(-0.5, 0.5) / _TIMES_A_DECADE)
    if sight.slope_pages_s is None and len(sight.pages) < _FEW:
        # Any size goes through so few sets: it has to be drawn, as the solver would always take the same.
        times = random.choice(times, 1)
    return _Terms(times, nothing) if kind < _SHARE_FILLED else _Terms(nothing, times)


def _chi(sight: _Sight, curve: DirtyCurve) -> float:
    """Tell how far a curve lies from what was seen, in errors of what was seen."""
    import numpy as np

    off = np.log(sight.pages / np.maximum(curve.pages(sight.window_s), _FEWEST_PAGES)) / sight.error
    if sight.slope_pages_s is not None:
        off = np.append(off, np.log(sight.slope_pages_s / max(curve.slope_pages_s, _FEWEST_PAGES)) / _SLOPE_NOISE)
    return float(np.sqrt(np.mean(np.minimum(np.abs(off), _FAR_OFF) ** 2)))


def _sight(seen: Sequence[Observed], written_pages_s: float | None) -> _Sight:
    import numpy as np

    if not seen:
        raise InvalidValueError(
            "A dirty curve needs a set that was read after pass 0, and these runs recorded none: give runs with at "
            "least two passes whose sets are known."
        )
    pages = np.maximum([float(one.dirty_pages) for one in seen], _FEWEST_PAGES)
    error = np.sqrt(_NOISE**2 + _COUNTING / pages)
    return _Sight(np.array([one.window_s for one in seen]), pages, error, written_pages_s or None)


def _ends(sight: _Sight) -> tuple[float, float]:
    import numpy as np

    return float(np.log10(sight.window_s.min() / _FAR)), float(np.log10(sight.window_s.max() * _FAR))


def _grid(sight: _Sight) -> "Floats":
    import numpy as np

    first, last = _ends(sight)
    return np.logspace(first, last, 1 + round((last - first) * _TIMES_A_DECADE))


def _fitted(sight: _Sight, terms: _Terms, memory_pages: int | None) -> DirtyCurve:
    import numpy as np

    shares = _shares(sight, terms)
    filled, swept, rate = np.split(shares, [len(terms.times_s), len(terms.times_s) + len(terms.swept_s)])
    off = np.log(sight.pages / np.maximum(terms.at(sight.window_s) @ shares, _FEWEST_PAGES))
    return DirtyCurve(
        sets_pages=tuple(filled[filled > 0].tolist()),
        times_s=tuple(terms.times_s[filled > 0].tolist()),
        rate_pages_s=float(rate[0]),
        memory_pages=memory_pages,
        scatter=float(np.sqrt(np.mean(off**2))),
        swept_pages=tuple(swept[swept > 0].tolist()),
        swept_times_s=tuple(terms.swept_s[swept > 0].tolist()),
    )


def _shares(sight: _Sight, terms: _Terms) -> "Floats":
    """Solve for the least error of the logarithm, by least squares on ever better relative errors."""
    import numpy as np
    from scipy.optimize import nnls

    at, seen, error = terms.at(sight.window_s), sight.pages, sight.error
    if sight.slope_pages_s is not None:
        at, seen = np.vstack([at, terms.slopes()]), np.append(seen, sight.slope_pages_s)
        error = np.append(error, _SLOPE_NOISE)
    fit, shares = seen, np.zeros(at.shape[1])
    for _ in range(_ROUNDS):
        off = np.log(seen / fit)
        weight = np.minimum(1.0, _OUTLIER * error / np.maximum(np.abs(off), 1e-12)) ** 0.5 / error
        rows = at * (weight / fit)[:, None]
        # Columns of one size, so that the solver's tolerance means the same for each.
        size = np.linalg.norm(rows, axis=0)
        shares = nnls(rows / size, weight * (1 + off), maxiter=_SOLVER_STEPS * at.shape[1])[0] / size
        fit = np.sqrt(fit * np.maximum(at @ shares, _FEWEST_PAGES))
    return shares
