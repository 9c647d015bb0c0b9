"""Ranges for the next value of a quantity of which few were seen."""

from collections.abc import Sequence
from math import exp, log, sqrt
from statistics import NormalDist, median

from xlkit.forecasts._costs import At
from xlkit.forecasts._priors import WEIGHT
from xlkit.model import Range

LEVEL = 0.9
_REACH = NormalDist().inv_cdf((1 + LEVEL) / 2)
_LEAST = 1e-6


def next_value(seen: Sequence[float], *, off: float, blur: float = 0.0) -> Range:
    """Range over the next value, at a level of 90 %.

    The logarithm is taken to be normal. Its deviation is that of the values seen, mixed with `off`, which is what one
    expects before any are seen. What is known to be off in their middle is added as `blur`.
    """
    if max(seen) <= _LEAST:
        return Range(low=0.0, likely=0.0, high=0.0)
    logs = [log(max(value, _LEAST)) for value in seen]
    middle, n = median(logs), len(logs)
    squares = sum((one - middle) ** 2 for one in logs)
    reach = _REACH * sqrt((squares + WEIGHT * off**2) / (n - 1 + WEIGHT) * (1 + 1 / n) + blur**2)
    return Range(low=exp(middle - reach), likely=exp(middle), high=exp(middle + reach))


def deviation(told: Range) -> float:
    """Read the deviation of the logarithm off a range that `next_value` made."""
    return log(told.high / told.low) / 2 / _REACH if told.low > 0 else 0.0


def value_at(told: Range, score: float) -> float:
    """Give the value of a range at a score of the standard normal distribution."""
    return told.likely * exp(score * deviation(told))


def next_sized(seen: Sequence[At], *, off: float, growth: float) -> tuple[Range, float]:
    """Range over the next of some times that grow with the set by a power of its size; and the size it is told for."""
    pages = exp(sum(log(max(one.pages, 1)) for one in seen) / len(seen))
    return next_value([at_size(one.took_s, one.pages, pages, growth) for one in seen], off=off), pages


def at_size(took_s: float, seen_pages: float, pages: float, growth: float) -> float:
    """Tell a time for a set of another size than it was seen at."""
    return float(took_s * (max(pages, 1.0) / max(seen_pages, 1.0)) ** growth)
