"""The textbook's model: one rate of dirtying for every window, one bandwidth, and no cost beside."""

from dataclasses import replace
from statistics import median

from xlkit.curves import DirtyCurve
from xlkit.forecasts._learn import Learned
from xlkit.forecasts._priors import RATE_OFF
from xlkit.forecasts._spread import deviation, next_value
from xlkit.model import Range

_NOTHING = Range(low=0.0, likely=0.0, high=0.0)


def constant_rate(learned: Learned) -> Learned:
    """Keep one rate, that of the first window of each run, and the bandwidth.

    Passes are ``V_0 = V``, ``T_i = V_i / B`` and ``V_(i+1) = D T_i``, so that each is ``D / B`` of the one before.
    """
    rates = _rates(learned)
    rate_pages_s = median(rates) if rates else learned.written_pages_s or 0.0
    return replace(
        learned,
        curve=DirtyCurve(sets_pages=(), times_s=(), rate_pages_s=rate_pages_s, memory_pages=learned.memory_pages),
        speed_off=0.0,
        pass_s=_NOTHING,
        wait_s=_NOTHING,
        collect_s=_NOTHING,
        suspend_s=_NOTHING,
        fixed_downtime_s=_NOTHING,
        before_s=_NOTHING,
        after_s=_NOTHING,
    )


def rate_off(learned: Learned) -> float:
    """Tell the deviation of the logarithm of the rate from run to run."""
    rates = _rates(learned)
    return deviation(next_value(rates, off=RATE_OFF)) if rates else RATE_OFF


def _rates(learned: Learned) -> list[float]:
    rates: dict[str, float] = {}
    for one in learned.seen:
        rates.setdefault(one.run_id, max(one.dirty_pages, 1) / one.window_s)
    return list(rates.values())
