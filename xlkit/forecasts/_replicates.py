"""Ways in which a run may go, drawn from what was learned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, expm1, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from xlkit.curves import DirtyCurve, resampled_curves
from xlkit.forecasts._imagined import CLOCK_NAME, Drawn, ForecastPolicy, ImaginedGuest
from xlkit.forecasts._learn import Learned
from xlkit.forecasts._priors import TIMES_LOG10_S
from xlkit.forecasts._scatter import Scatter
from xlkit.forecasts._spread import at_size, value_at
from xlkit.model import Iteration, RunStop, Status
from xlkit.precopy import precopy
from xlkit.protocols import Policy

if TYPE_CHECKING:
    import numpy as np

COUNT = 200
_SEED = 1
_SCORES = 8


@dataclass(frozen=True, slots=True)
class Course:
    """How one of them ended; `ended` is False where the policy had not stopped after the most passes."""

    ended: bool
    precopy_s: float
    total_s: float
    downtime_s: float | None
    sent_bytes: int
    live_passes: int
    final_pages: int | None


def courses(
    learned: Learned, policy: Policy, done: Sequence[Iteration], curves: Sequence[DirtyCurve], scatter: Scatter
) -> Iterator[Course]:
    """Follow the policy along a course for each curve; the same courses each time."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    # Of each quantity every part of its distribution has its turn, so that the median is that of the distribution.
    evenly = [NormalDist().inv_cdf((k + 0.5) / len(curves)) for k in range(len(curves))]
    scores = np.column_stack([random.permutation(evenly) for _ in range(_SCORES)])
    for curve, row in zip(curves, scores.tolist(), strict=True):
        drawn = _drawn(learned, curve, scatter, row[1:], random)
        yield _course(drawn, value_at(learned.after_s, row[0]), policy, done)


def curves_of(learned: Learned) -> list[DirtyCurve]:
    """Draw the curves that what was seen leaves open."""
    if "curve" in learned.assumed:
        return _shapes(learned)
    return resampled_curves(
        learned.seen,
        COUNT,
        memory_pages=learned.memory_pages,
        written_pages_s=learned.written_pages_s,
        seed=_SEED,
    )


def _shapes(learned: Learned) -> list[DirtyCurve]:
    """Draw curves of which only the slope at the beginning is known."""
    import numpy as np

    random = np.random.default_rng(_SEED)
    found = []
    for _ in range(COUNT):
        times = 10 ** random.uniform(*TIMES_LOG10_S, 2)
        hot = random.uniform()
        rate = learned.curve.rate_pages_s
        sets = (hot * rate * times[0], (1 - hot) * rate * times[1])
        found.append(
            DirtyCurve(
                sets_pages=tuple(map(float, sets)),
                times_s=tuple(times.tolist()),
                rate_pages_s=0.0,
                memory_pages=learned.memory_pages,
            )
        )
    return found


def _drawn(
    learned: Learned, curve: DirtyCurve, scatter: Scatter, scores: list[float], random: "np.random.Generator"
) -> Drawn:
    of_run, bandwidth, of_pass, collect, suspend, fixed, before = scores
    factor = exp(scatter.shift + scatter.of_run * of_run)

    def dirty_pages(window_s: float) -> int:
        expected = pages_at(curve, window_s) * factor
        off = sqrt(scatter.of_pass**2 + scatter.counting / max(expected, 1.0))
        return min(round(expected * exp(off * random.standard_normal())), learned.memory_pages)

    def wait_s(pages: int) -> float:
        took_s = value_at(learned.wait_s, random.standard_normal())
        return max(0.0, at_size(took_s, learned.wait_pages, pages, learned.growth) - 2 * learned.answer_s)

    def fixed_downtime_s(pages: int) -> float:
        return at_size(value_at(learned.fixed_downtime_s, fixed), learned.fixed_pages, pages, learned.growth)

    return Drawn(
        dirty_pages=dirty_pages,
        wait_s=wait_s,
        fixed_downtime_s=fixed_downtime_s,
        speed=lambda: exp(learned.speed_off * random.standard_normal()),
        memory_pages=learned.memory_pages,
        first_pages=learned.first_pages,
        bytes_s=value_at(learned.bandwidth_bytes_s, bandwidth),
        first_bytes_s=value_at(learned.first_bandwidth_bytes_s, bandwidth),
        page_bytes=learned.page_bytes,
        first_page_bytes=learned.first_page_bytes,
        pass_s=value_at(learned.pass_s, of_pass),
        collect_s=value_at(learned.collect_s, collect),
        answer_s=learned.answer_s,
        suspend_s=value_at(learned.suspend_s, suspend),
        before_s=value_at(learned.before_s, before),
    )


def pages_at(curve: DirtyCurve, window_s: float) -> float:
    """Evaluate a curve at one window, which numpy is slow at."""
    found = curve.rate_pages_s * window_s
    found -= sum(w * expm1(-window_s / t) for w, t in zip(curve.sets_pages, curve.times_s, strict=True))
    found += sum(w * min(window_s / t, 1.0) for w, t in zip(curve.swept_pages, curve.swept_times_s, strict=True))
    return found if curve.memory_pages is None else min(found, curve.memory_pages)


def _course(drawn: Drawn, after_s: float, policy: Policy, done: Sequence[Iteration]) -> Course:
    guest = ImaginedGuest(drawn, done)
    asked = ForecastPolicy(policy, guest, done)
    events = list(precopy(guest, guest, asked, guest.clock, clock_name=CLOCK_NAME))
    passes = [event for event in events if isinstance(event, Iteration)]
    (stop,) = (event for event in events if isinstance(event, RunStop))
    completed = stop.status is Status.COMPLETED
    return Course(
        ended=not asked.endless,
        precopy_s=passes[-1 - completed].ended_s if len(passes) > completed else 0.0,
        total_s=guest.clock() + (after_s if completed else 0.0),
        downtime_s=guest.downtime_s,
        sent_bytes=sum(one.sent_bytes or 0 for one in passes),
        live_passes=len(passes) - completed,
        final_pages=passes[-1].dirty_pages if completed else None,
    )
