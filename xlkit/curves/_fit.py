"""Fit a concave curve through observed sets, so that the error of its logarithm is least."""

from collections.abc import Sequence
from dataclasses import dataclass
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
_NOISE = 0.01
_SLOPE_NOISE = 0.05
# Sets that are swept are taken only where they explain what sets filled at random cannot.
_CLEARLY_BETTER = 0.6
_SETS_DRAWN = 5


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
        Each fitted through sets that are off by as much as counting them is, and made of a few working sets whose
        times are drawn at random. Where the windows lie close the curves agree, and between and beyond them they are as
        different as concave curves can be.

    Raises
    ------
    InvalidValueError
        If nothing was observed.
    """
    import numpy as np

    sight = _sight(seen, written_pages_s)
    random = np.random.default_rng(seed)
    first, last = _ends(sight)
    need_swept = bool(fit_curve(seen, written_pages_s=written_pages_s).swept_pages)
    found = []
    for _ in range(count):
        off = random.normal(0.0, sight.error)
        slope = None
        if sight.slope_pages_s is not None:
            slope = sight.slope_pages_s * float(np.exp(random.normal(0.0, _SLOPE_NOISE)))
        drawn = _Sight(sight.window_s, sight.pages * np.exp(off), sight.error, slope)
        sets = _SETS_DRAWN + len(seen)
        times = 10 ** random.uniform(first, last, sets)
        swept = 10 ** random.uniform(first, last, sets if need_swept else int(random.random() < 1 / 3))
        found.append(_fitted(drawn, _Terms(times, swept), memory_pages))
    return found


def _sight(seen: Sequence[Observed], written_pages_s: float | None) -> _Sight:
    import numpy as np

    if not seen:
        raise InvalidValueError(
            "A dirty curve needs a set that was read after pass 0, and these runs recorded none: give runs with at "
            "least two passes whose sets are known."
        )
    pages = np.maximum([float(one.dirty_pages) for one in seen], _FEWEST_PAGES)
    error = np.sqrt(_NOISE**2 + 1 / pages)
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
