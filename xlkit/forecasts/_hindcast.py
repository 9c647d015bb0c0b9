"""A run that is going on, foretold from its first two passes: what its other passes so far say of the curve."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from statistics import fmean

from xlkit.curves import DirtyCurve
from xlkit.forecasts._learn import Learned
from xlkit.forecasts._replicates import courses
from xlkit.forecasts._scatter import Scatter
from xlkit.model import Decision, Iteration, PrecopyStats

_KNOWN_PASSES, _FEWEST_PASSES = 2, 6
_COURSES = 20
_FURTHEST = 0.5
_BISECTIONS = 9


class _AsManyPasses:
    """Stops after so many passes."""

    def __init__(self, passes: int) -> None:
        self._passes = passes

    def decide(self, stats: PrecopyStats) -> Decision:
        return Decision.STOP_AND_COPY if stats.iteration >= self._passes else Decision.CONTINUE


def corrected(learned: Learned, done: Sequence[Iteration], curves: Sequence[DirtyCurve], scatter: Scatter) -> Scatter:
    """Shift the curve so that the passes so far would have been foretold to end when they did.

    Where a guest writes about as fast as the link sends, a small error of the curve adds up from pass to pass, and a
    curve that fits each set by itself may miss where they go together.
    """
    if len(done) < _FEWEST_PASSES:
        return scatter
    low, high = -_FURTHEST, _FURTHEST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        told_s = _ends_s(learned, done, curves, replace(scatter, shift=scatter.shift + middle))
        low, high = (low, middle) if told_s > done[-1].ended_s else (middle, high)
    return replace(scatter, shift=scatter.shift + (low + high) / 2)


def _ends_s(learned: Learned, done: Sequence[Iteration], curves: Sequence[DirtyCurve], scatter: Scatter) -> float:
    policy, known = _AsManyPasses(len(done)), done[:_KNOWN_PASSES]
    some = islice(courses(learned, policy, known, curves, scatter), _COURSES)
    return fmean(one.precopy_s for one in some)
