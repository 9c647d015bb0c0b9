"""How repetitions spread: the middle, an interval for it, and who lies far off."""

from collections.abc import Sequence
from dataclasses import dataclass

FEWEST_FOR_INTERVAL = 3
_FEWEST_FOR_OUTLIER = 5
_FAR_OFF = 3.5
_TO_SIGMA = 0.6745
_LEAST_SHARE = 0.1
_RESAMPLES = 2000
_SEED = 20_170_517


@dataclass(frozen=True, slots=True)
class Spread:
    """Repetitions of one quantity, in its unit; None is not known."""

    median: float | None = None
    least: float | None = None
    most: float | None = None
    low: float | None = None
    high: float | None = None


def spread(values: Sequence[float], level: float) -> Spread:
    """Find median, range and the interval in which the median is thought to lie."""
    import numpy as np

    if not values:
        return Spread()
    known = np.asarray(values, np.float64)
    low, high = _interval(values, level)
    return Spread(float(np.median(known)), float(known.min()), float(known.max()), low, high)


def outliers(values: Sequence[float]) -> list[int]:
    """Find the places of those that lie far off the others, after Iglewicz and Hoaglin."""
    import numpy as np

    if len(values) < _FEWEST_FOR_OUTLIER:
        return []
    off = np.abs(np.asarray(values, np.float64) - np.median(values))
    typical = float(np.median(off))
    if not typical:
        # More than half are equal: then the mean deviation is the yardstick, scaled to the same deviation.
        typical = float(off.mean()) * 1.2533 * _TO_SIGMA
    if not typical:
        return []
    far = (_TO_SIGMA * off / typical > _FAR_OFF) & (off > _LEAST_SHARE * abs(float(np.median(values))))
    return [int(place) for place in np.flatnonzero(far)]


def _interval(values: Sequence[float], level: float) -> tuple[float | None, float | None]:
    if len(values) < FEWEST_FOR_INTERVAL:
        return None, None
    if len(set(values)) == 1:
        return float(values[0]), float(values[0])
    import numpy as np
    from scipy.stats import bootstrap

    found = bootstrap(
        (np.asarray(values, np.float64),),
        np.median,
        confidence_level=level,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    # A quantile between two equal numbers can come out a hair beyond them.
    return max(float(found.low), float(min(values))), min(float(found.high), float(max(values)))
