"""How long a pass takes: a fixed part, and its bytes over the bandwidth."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median

from xlkit.forecasts._costs import Sent
from xlkit.forecasts._priors import WEIGHT, Prior
from xlkit.forecasts._spread import next_value
from xlkit.model import Range

_ROUNDS = 8
_LEAST_RATIO = 1e-3
_FEWEST = 2
_LONG = 20.0


@dataclass(frozen=True, slots=True)
class PassTime:
    """Bandwidth and fixed part of a pass, and the deviation of the logarithm of the bandwidth from pass to pass.

    Pass 0 has a bandwidth of its own where it counts frames that have no memory.
    """

    bandwidth_bytes_s: Range
    first_bandwidth_bytes_s: Range
    pass_s: Range
    speed_off: float


def fit_pass_time(runs: Sequence[Sequence[Sent]], *, first_apart: bool, prior: Prior) -> PassTime:
    """Fit the passes of some runs, at least one pass.

    The bandwidth may differ from run to run (that is its range); the fixed part is one for all, and the prior one where
    there was but one size of a pass.
    """
    firsts = [one.sent_bytes / one.took_s for run in runs for one in run if one.first]
    later = [[one for one in run if not one.first] for run in runs]
    apart = first_apart and any(later)
    used = [run for run in (later if apart else runs) if run]
    pass_s = _fixed_s([one for run in used for one in run], prior.pass_s)
    all_used = [one for run in used for one in run]
    speeds = [_bytes_s(run, pass_s) for run in used]
    speed_off = _speed_off(all_used, median(speeds), pass_s, prior.speed_off)
    # What a run tells of its bandwidth is off by the mean of its passes' deviations, of which the long ones weigh most.
    bandwidth = next_value(speeds, off=prior.bandwidth_off, blur=speed_off * _evenness(all_used))
    first = next_value(firsts, off=prior.bandwidth_off) if apart and firsts else bandwidth
    return PassTime(
        bandwidth_bytes_s=bandwidth,
        first_bandwidth_bytes_s=first,
        pass_s=next_value([pass_s], off=prior.pass_off),
        speed_off=speed_off,
    )


def _bytes_s(run: Sequence[Sent], pass_s: float) -> float:
    took_s = sum(one.took_s for one in run)
    return sum(one.sent_bytes for one in run) / max(took_s - len(run) * pass_s, _LEAST_RATIO * took_s)


def _evenness(passes: Sequence[Sent]) -> float:
    return sqrt(sum(one.sent_bytes**2 for one in passes)) / sum(one.sent_bytes for one in passes)


def _speed_off(passes: Sequence[Sent], bytes_s: float, pass_s: float, prior_off: float) -> float:
    """Take it from passes that are long enough for the fixed part not to matter."""
    flights = [(one.sent_bytes / bytes_s, one.took_s - pass_s) for one in passes]
    squares = [log(took_s / flight_s) ** 2 for flight_s, took_s in flights if took_s > 0 and flight_s > _LONG * pass_s]
    return sqrt((sum(squares) + WEIGHT * prior_off**2) / (max(len(squares) - 1, 0) + WEIGHT))


def _fixed_s(passes: Sequence[Sent], assumed_s: float) -> float:
    """Find the fixed part by the least error of the logarithm."""
    import numpy as np
    from scipy.optimize import nnls

    took_s = np.array([one.took_s for one in passes])
    sent_bytes = np.array([float(one.sent_bytes) for one in passes])
    if len(passes) < _FEWEST or sent_bytes.max() < 2 * sent_bytes.min():
        return min(assumed_s, float(took_s.min()) / 2)
    at = np.column_stack([np.ones(len(passes)), sent_bytes])
    fit, found = took_s, np.zeros(2)
    for _ in range(_ROUNDS):
        off = np.log(took_s / fit)
        weight = np.minimum(1.0, 0.05 / np.maximum(np.abs(off), 1e-9)) ** 0.5
        rows = at * (weight / fit)[:, None]
        size = np.linalg.norm(rows, axis=0)
        found = nnls(rows / size, weight * (1 + off))[0] / size
        fit = np.sqrt(fit * np.maximum(at @ found, _LEAST_RATIO * took_s))
    return float(found[0])
