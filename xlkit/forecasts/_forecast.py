"""forecast(): what a run will cost."""

from collections.abc import Sequence
from dataclasses import replace

from xlkit.errors import InvalidValueError
from xlkit.forecasts._baseline import constant_rate, rate_off
from xlkit.forecasts._hindcast import corrected
from xlkit.forecasts._learn import History, Learned, flat, learn
from xlkit.forecasts._replicates import COUNT, Course, courses, curves_of
from xlkit.forecasts._scatter import Scatter, scatter_of
from xlkit.model import Forecast, Iteration, Migration, Phase, Range, Run
from xlkit.protocols import Policy

MODELS = ("curve", "constant_rate")
_SURELY = 9


def forecast(
    history: History,
    migration: Migration,
    policy: Policy,
    *,
    begun: Run | None = None,
    memory_pages: int | None = None,
    bandwidth_bytes_s: float | None = None,
    model: str = "curve",
    level: float = 0.9,
) -> Forecast:
    """Tell what a run will cost, before it begins or while it goes on.

    Parameters
    ----------
    history : Run or iterable of Run or None
        Runs, lists of them, or a store. Those of the same domain between the same two hosts count, whichever way it
        went; of these the ones of the latest backend, origin and size. None for no history, where `begun` is given.
    migration : Migration
        Which domain goes where.
    policy : Policy
        When precopy will end.
    begun : Run or None, default None
        The run itself while it goes on, as ``store[run_id]`` gives it: its passes so far are taken as they were.
    memory_pages : int or None, default None
        Size of the guest, where it differs from that of the history [page of 4096 B].
    bandwidth_bytes_s : float or None, default None
        Bandwidth of the link, where it differs from that of the history [B/s].
    model : {"curve", "constant_rate"}, default "curve"
        The curve of dirty pages against the window, with the fixed costs of this pair of hosts; or one rate for every
        window and nothing else, which is the textbook's.
    level : float, default 0.9
        Share of runs for which each range is meant to hold, above 0 and below 1.

    Returns
    -------
    Forecast
        Total time, downtime, bytes, live passes and pages of the final set as ranges, whose likely value is the median
        of 200 courses. What cannot be told is None: bytes where no run told them; downtime and final pages where the
        policy will rather abort; and all but the passes, which then are at least 1000, where it does not stop.

    Raises
    ------
    InvalidValueError
        If there is nothing to learn from, if an argument is out of range, or if `begun` has ended precopy already.

    See Also
    --------
    learn : What the courses are drawn from.
    calibration : How often ranges held.

    Notes
    -----
    Each course is Xen's loop (`xlkit.precopy.precopy`) over an imagined guest and link, under the policy itself. The
    courses differ by what the runs leave open: the curve between and beyond the windows that were seen, by how much
    runs and passes scatter about it, the bandwidth, the fixed costs. A load that changes is not foreseen. A course that
    does not stop is followed for 1000 passes, so that where some do not, the high end is at least so much.

    References
    ----------
    .. [1] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (writable working set).
    .. [2] S. Akoush et al., "Predicting the Performance of Virtual Machine Migration", MASCOTS 2010 (fixed parts; a
       recorded curve in the place of one rate).
    .. [3] H. Liu et al., "Performance and energy modeling for live migration of virtual machines", HPDC 2011.

    Examples
    --------
    >>> import tempfile, xlkit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     demo, store = xlkit.Migration("demo"), xlkit.RunStore(folder)
    ...     for max_iters in (2, 3):
    ...         done = xlkit.run(demo, xlkit.ThresholdPolicy(max_iters=max_iters), xlkit.SimBackend(), store=store)
    ...     told = forecast(store, demo, xlkit.ThresholdPolicy(max_iters=5))
    >>> round(told.total_s.likely, 1), told.live_passes.likely
    (3.0, 5.0)
    """
    if model not in MODELS:
        raise InvalidValueError(f"model must be one of {', '.join(MODELS)}, not {model!r}.")
    if not 0 < level < 1:
        raise InvalidValueError(f"level must lie between 0 and 1, not {level!r}.")
    if bandwidth_bytes_s is not None and not bandwidth_bytes_s > 0:
        raise InvalidValueError(f"bandwidth_bytes_s must be positive, not {bandwidth_bytes_s!r}.")
    done = _passes(begun)
    runs = _comparable(_alike(flat(history), migration), begun)
    learned = learn(runs, begun=begun, memory_pages=memory_pages)
    if bandwidth_bytes_s is not None:
        learned = _with_bandwidth(learned, bandwidth_bytes_s)
    if model == "constant_rate":
        learned = constant_rate(learned)
        curves, scatter = [learned.curve] * COUNT, Scatter(rate_off(learned), 0.0)
    else:
        curves = curves_of(learned)
        scatter = corrected(learned, done, curves, scatter_of(learned, begun.run_id if begun else None))
    found: list[Course] = []
    for course in courses(learned, policy, done, curves, scatter):
        found.append(course)
        if len(found) == _SURELY and not any(one.ended for one in found):
            break
    return Forecast(
        model=model, level=level, passes_known=len(done), learned_from=learned.runs, **_ranges(found, learned, level)
    )


def _passes(begun: Run | None) -> tuple[Iteration, ...]:
    if begun is None:
        return ()
    if begun.iterations and begun.iterations[-1].phase is Phase.STOP_AND_COPY:
        raise InvalidValueError(
            f"The run {begun.run_id} has ended precopy, so nothing is left to forecast: give only its passes so far."
        )
    if [one.iteration for one in begun.iterations] != list(range(len(begun.iterations))):
        raise InvalidValueError(f"The passes of {begun.run_id} do not begin at pass 0, or some are missing.")
    return begun.iterations


def _alike(runs: list[Run], migration: Migration) -> list[Run]:
    hosts = {migration.source, migration.destination}
    return [
        run
        for run in runs
        if run.start.migration.domain == migration.domain
        and {run.start.migration.source, run.start.migration.destination} == hosts
    ]


def _comparable(runs: list[Run], begun: Run | None) -> list[Run]:
    """Keep the runs of the backend, origin and size of the latest: costs of others would say nothing."""
    if begun is None and not runs:
        return []
    like = _kind(begun or runs[-1])
    return [run for run in runs if _kind(run) == like]


def _kind(run: Run) -> tuple[object, ...]:
    setup = run.start.setup
    return run.start.backend, setup.origin, setup.memory_pages


def _with_bandwidth(learned: Learned, bytes_s: float) -> Learned:
    def scaled(told: Range) -> Range:
        factor = bytes_s / learned.bandwidth_bytes_s.likely
        return Range(low=told.low * factor, likely=told.likely * factor, high=told.high * factor)

    return replace(
        learned,
        bandwidth_bytes_s=scaled(learned.bandwidth_bytes_s),
        first_bandwidth_bytes_s=scaled(learned.first_bandwidth_bytes_s),
    )


def _ranges(found: Sequence[Course], learned: Learned, level: float) -> dict[str, Range | None]:
    passes = _range([one.live_passes for one in found], level)
    if 2 * sum(one.ended for one in found) <= len(found):
        return {"live_passes": passes}
    done = [one for one in found if one.downtime_s is not None]
    aborts = 2 * len(done) <= len(found)
    return {
        "total_s": _range([one.total_s for one in found], level),
        "downtime_s": None if aborts else _range([one.downtime_s or 0.0 for one in done], level),
        "sent_bytes": _range([one.sent_bytes for one in found], level) if learned.bytes_known else None,
        "live_passes": passes,
        "final_pages": None if aborts else _range([one.final_pages or 0 for one in done], level),
    }


def _range(values: Sequence[float], level: float) -> Range:
    import numpy as np

    low, likely, high = np.quantile(values, [(1 - level) / 2, 0.5, (1 + level) / 2])
    return Range(low=float(low), likely=float(likely), high=float(high))
