"""A concave curve: distinct pages dirtied against the length of the window."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xlkit.errors import InvalidValueError
from xlkit.units import PAGE_BYTES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FEWEST_PAGES = 1.0
_BISECTIONS = 60


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
    swept_pages : tuple of float
        Size of each set whose pages are written in turn rather than at random [page of 4096 B].
    swept_times_s : tuple of float
        Time in which each of these is gone through once [s].

    Notes
    -----
    ``dirty(t) = sum_j W_j (1 - exp(-t / T_j)) + sum_k V_k min(t / S_k, 1) + r t``: it grows with the window, and ever
    more slowly, because writes hit the same pages again (the writable working set). A loop over a buffer does not do so
    before it is through: it is swept.

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
    swept_pages: tuple[float, ...] = ()
    swept_times_s: tuple[float, ...] = ()

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
        if self.swept_pages:
            found += np.minimum(window[..., None] / np.array(self.swept_times_s), 1.0) @ np.array(self.swept_pages)
        return found if self.memory_pages is None else np.minimum(found, self.memory_pages)

    @property
    def slope_pages_s(self) -> float:
        """Pages dirtied a second in a very short window, in which no page is hit twice [page/s]."""
        filled = sum(pages / time_s for pages, time_s in zip(self.sets_pages, self.times_s, strict=True))
        swept = sum(pages / time_s for pages, time_s in zip(self.swept_pages, self.swept_times_s, strict=True))
        return filled + swept + self.rate_pages_s

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
