"""Distinct pages that a guest dirties in a window of time: read off recorded runs, and fitted as a concave curve."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from xlkit.errors import InvalidValueError
from xlkit.model import Phase, Run
from xlkit.units import PAGE_BYTES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TIMES_A_DECADE = 6
_FAR = 30.0
_FEWEST_PAGES = 1.0
_BISECTIONS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A set that was read once, and the window in which it was dirtied.

    Parameters
    ----------
    run_id : str
        Which run it is from.
    iteration : int
        Number of the pass that set out to send it.
    phase : Phase
        Whether the guest ran when it was sent; the set of the blackout was dirtied while the guest ran, too.
    window_s : float
        From the collection before to this one, by the clock of the run [s].
    dirty_pages : int
        Distinct pages dirtied in that window [page of 4096 B].
    ended_s : float
        End of the window, since the start of the run [s].
    """

    run_id: str
    iteration: int
    phase: Phase
    window_s: float
    dirty_pages: int
    ended_s: float


def observed(runs: Run | Iterable[Run]) -> list[Observed]:
    """Read off recorded runs how many pages were dirtied in which window.

    Parameters
    ----------
    runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    list of Observed
        In the order of the runs and their passes. Pass 0 is none of them, as its set is the whole memory; a pass whose
        set or whose time is not known is left out, too.
    """
    runs = [runs] if isinstance(runs, Run) else runs
    return [
        Observed(
            run_id=run.run_id,
            iteration=now.iteration,
            phase=now.phase,
            window_s=now.collected_s - last.collected_s,
            dirty_pages=now.dirty_pages,
            ended_s=now.collected_s,
        )
        for run in runs
        for last, now in pairwise(run.iterations)
        if now.dirty_pages is not None and now.collected_s > last.collected_s
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirtyCurve:
    """Distinct pages dirtied against the length of the window: a sum of working sets, each of which fills up.

    Parameters
    ----------
    sets_pages : tuple of float
        Size of each working set [page of 4096 B].
    times_s : tuple of float
        Time in which each is dirtied but for a share of 1/e [s].
    rate_pages_s : float
        What is dirtied without end beside them [page/s].
    memory_pages : int or None
        Size of the guest, which no set exceeds [page].
    scatter : float
        Standard deviation of the logarithm of what was observed against the curve.

    Notes
    -----
    ``dirty(t) = sum_j W_j (1 - exp(-t / T_j)) + r t``: it grows with the window, and ever more slowly, because writes
    hit the same pages again (the writable working set).

    References
    ----------
    .. [1] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (writable working set).
    .. [2] S. Akoush et al., "Predicting the Performance of Virtual Machine Migration", MASCOTS 2010 (a recorded curve
       in the place of one rate).
    """

    sets_pages: tuple[float, ...]
    times_s: tuple[float, ...]
    rate_pages_s: float
    memory_pages: int | None = None
    scatter: float = 0.0

    def pages(self, window_s: "npt.ArrayLike") -> "npt.NDArray[np.float64]":
        """Tell how many distinct pages are dirtied in a window.

        Parameters
        ----------
        window_s : float or array of float
            Length of the window [s].

        Returns
        -------
        numpy.ndarray of float
            Pages, in the shape of `window_s` [page of 4096 B].

        Examples
        --------
        >>> DirtyCurve(sets_pages=(1000.0,), times_s=(0.5,), rate_pages_s=100.0).pages([0.0, 10.0]).round().tolist()
        [0.0, 2000.0]
        """
        import numpy as np

        window = np.asarray(window_s, np.float64)
        filled = -np.expm1(-window[..., None] / np.array(self.times_s))
        found: npt.NDArray[np.float64] = filled @ np.array(self.sets_pages) + self.rate_pages_s * window
        return found if self.memory_pages is None else np.minimum(found, self.memory_pages)

    def floor_pages(self, bandwidth_bytes_s: float, *, pass_s: float = 0.0) -> float:
        """Tell to how many dirty pages precopy comes down, however many passes it makes.

        Parameters
        ----------
        bandwidth_bytes_s : float
            Bandwidth of the link [B/s].
        pass_s : float, default 0.0
            What each pass takes beside its pages: the collection, the policy's answer [s].

        Returns
        -------
        float
            The set at which a pass dirties as many pages as it sends [page of 4096 B]; the whole memory, or infinity
            where its size is not known, for a guest that always dirties more than the link sends.

        Raises
        ------
        InvalidValueError
            If `bandwidth_bytes_s` is not positive.
        """
        if not bandwidth_bytes_s > 0:
            raise InvalidValueError(f"bandwidth_bytes_s must be positive, not {bandwidth_bytes_s!r}.")

        def dirties_less(pages: float) -> bool:
            return float(self.pages(pages * PAGE_BYTES / bandwidth_bytes_s + pass_s)) <= pages

        high = _FEWEST_PAGES
        most = float("inf") if self.memory_pages is None else float(self.memory_pages)
        while not dirties_less(high):
            if high >= min(most, 2.0**52):
                return most
            high *= 2.0
        low = 0.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (low, middle) if dirties_less(middle) else (middle, high)
        return high


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
        Through the observed sets as nearly as a concave curve can.

    Raises
    ------
    InvalidValueError
        If nothing was observed.
    """
    import numpy as np
    from scipy.optimize import nnls

    if not seen:
        raise InvalidValueError(
            "A dirty curve needs a set that was read after pass 0, and these runs recorded none: give runs with at "
            "least two passes whose sets are known."
        )
    window = np.array([one.window_s for one in seen])
    pages = np.maximum([float(one.dirty_pages) for one in seen], _FEWEST_PAGES)
    first, last = np.log10(window.min() / _FAR), np.log10(window.max() * _FAR)
    times = np.logspace(first, last, 1 + round((last - first) * _TIMES_A_DECADE))
    terms = np.column_stack([-np.expm1(-window[:, None] / times), window]) / pages[:, None]
    goal = np.ones(len(seen))
    if written_pages_s:
        slope = np.append(1 / times, 1.0) / written_pages_s
        terms, goal = np.vstack([terms, slope]), np.append(goal, 1.0)
    # Columns of one size, so that the solver's tolerance means the same for each.
    size = np.linalg.norm(terms, axis=0)
    shares = nnls(terms / size, goal)[0] / size
    kept = np.flatnonzero(shares[:-1])
    curve = DirtyCurve(
        sets_pages=tuple(shares[kept].tolist()),
        times_s=tuple(times[kept].tolist()),
        rate_pages_s=float(shares[-1]),
        memory_pages=memory_pages,
    )
    off = np.log(pages / np.maximum(curve.pages(window), _FEWEST_PAGES))
    scatter = float(np.sqrt(np.mean(off**2)))
    return DirtyCurve(
        sets_pages=curve.sets_pages,
        times_s=curve.times_s,
        rate_pages_s=curve.rate_pages_s,
        memory_pages=memory_pages,
        scatter=scatter,
    )
