"""advise(): from a pause budget to the two knobs."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil, floor, log10
from typing import Any, Final

from xlkit.advice._account import ABOVE_FLOOR, Account, least_budget_s, least_faster, least_slower
from xlkit.advice._advice import Advice, Help
from xlkit.advice._telling import Verdict
from xlkit.errors import InvalidValueError
from xlkit.forecasts import Learned, forecast, learn
from xlkit.model import Forecast, Migration, Range, Run
from xlkit.policies import ThresholdPolicy
from xlkit.units import UINT32_MAX, format_bytes_s, format_s

_PATIENT: Final = 200
_MARGIN_PASSES: Final = 2
_MARGIN_SHARE: Final = 0.25
_LOWER: Final = (1.0, 0.8, 0.6, 0.4, 0.2)


def advise(
    runs: Any = None,
    migration: Migration | None = None,
    *,
    downtime_s: float = 0.3,
    like: Any = None,
    bandwidth_bytes_s: float | None = None,
    level: float = 0.9,
) -> Advice:
    """Tell which `min_remaining` and `max_iters` keep a pause budget, and what they cost.

    Parameters
    ----------
    runs : Run or iterable of Run, optional
        Earlier runs of the guest: a run, lists of them, or a store. Those of the migration's domain between its two
        hosts count, whichever way they went.
    migration : Migration or None, default None
        Which domain goes where; that of the latest run when not given.
    downtime_s : float, default 0.3
        The budget: how long the guest may stand still [s].
    like : Run or iterable of Run, optional
        Runs of another guest that is taken to behave alike, in the place of `runs`: those of the latest one's guest and
        hosts count.
    bandwidth_bytes_s : float or None, default None
        Bandwidth of the link, where it differs from that of the runs [B/s].
    level : float, default 0.9
        Share of runs for which each range is meant to hold, above 0 and below 1.

    Returns
    -------
    Advice
        The two knobs and the ready command line, what they cost beside Xen's defaults, and how sure that is. Where no
        setting keeps the budget, its `verdict` says why, it has no knobs, and `helps` tells what would do.

    Raises
    ------
    InvalidValueError
        If the budget is no positive time, if there is no run to learn from, or if these tell too little.

    See Also
    --------
    xlkit.forecast : What a run will cost under any policy.

    Notes
    -----
    ``min_remaining = floor(bandwidth x (budget - fixed part) / bytes of a page)``. It bounds the last pass that is sent
    while the guest runs. The blackout sends what the guest dirties during that pass and while it is suspended, which
    the dirty curve of the runs tells; where that set would not fit, or the range of the forecast goes beyond the
    budget, `min_remaining` is lowered as far as the floor of the curve allows. `max_iters` is the last pass of the
    forecast's range, and a quarter more, two at least: a stop by `max_iters` keeps no budget.

    References
    ----------
    .. [1] O. Hering, "[PATCH v20210111 38/39] tools: add --min_remaining to libxl_domain_suspend", xen-devel,
       2021-01-11: pages that fit a pause, by the bandwidth.
    .. [2] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (writable working set).

    Examples
    --------
    >>> import tempfile, xlkit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     demo, store = xlkit.Migration("demo", "hostb"), xlkit.RunStore(folder)
    ...     for max_iters in (2, 3):
    ...         done = xlkit.run(demo, xlkit.ThresholdPolicy(max_iters=max_iters), xlkit.SimBackend(), store=store)
    ...     advice = advise(store, downtime_s=0.1)
    >>> advice.verdict.value, advice.command
    ('sure', 'xl migrate --min_remaining 3026 --max_iters 6 demo hostb')
    """
    budget_s = _positive_s(downtime_s)
    known = _flat(runs if like is None else like)
    if not known:
        raise InvalidValueError("Advice needs earlier runs of this guest, or with like= of one that behaves alike.")
    asked = migration or known[-1].start.migration
    of = asked if like is None else known[-1].start.migration
    _check_known(known, of)
    lessons = _Lessons(known, of, bandwidth_bytes_s, level)
    account = Account(learned=lessons.learned, budget_s=budget_s)
    verdict, least, most, expected = _knobs(lessons, account)
    told = [run for run in known if run.run_id in lessons.learned.runs]
    other = told[-1].start.migration.domain
    return Advice(
        migration=asked,
        downtime_s=budget_s,
        verdict=verdict,
        min_remaining=least,
        max_iters=most,
        fits_pages=max(account.fits_pages, 0),
        bandwidth_bytes_s=lessons.learned.bandwidth_bytes_s,
        page_bytes=lessons.learned.page_bytes,
        fixed_s=lessons.learned.fixed_downtime_s,
        last_pass_s=None if least is None else least * account.page_s + lessons.learned.pass_s.likely,
        dirtied_pages=_dirtied(account, least),
        floor_pages=account.floor_pages,
        expected=expected,
        by_default=lessons.default,
        helps=() if least is not None else _helps(account),
        learned_from=lessons.learned.runs,
        origins=tuple(sorted({str(run.start.origin) for run in told})),
        like="" if like is None or other == asked.domain else other,
        assumed=lessons.learned.assumed,
    )


def _positive_s(downtime_s: object) -> float:
    seconds = float(downtime_s) if isinstance(downtime_s, int | float) and not isinstance(downtime_s, bool) else 0.0
    if not 0 < seconds < float("inf"):
        raise InvalidValueError(f"downtime_s must be a positive time in seconds, not {downtime_s!r}.")
    return seconds


def _check_known(known: list[Run], asked: Migration) -> None:
    """Refuse a guest or hosts of which there is no run, and name those that there are."""
    of_domain = [run.start.migration for run in known if run.start.migration.domain == asked.domain]
    if any({one.source, one.destination} == {asked.source, asked.destination} for one in of_domain):
        return
    if of_domain:
        pairs = sorted({" and ".join(sorted((one.source, one.destination))) for one in of_domain})
        there = f"its runs went between {'; '.join(pairs)}"
    else:
        there = f"there are runs of {', '.join(sorted({run.start.migration.domain for run in known}))}"
    raise InvalidValueError(
        f"No run of {asked.domain} between {asked.source} and {asked.destination} is known; {there}. Name its source, "
        "or runs of a guest that behaves alike."
    )


def _dirtied(account: Account, least: int | None) -> float | None:
    """Tell what the blackout sends after a last pass of the threshold, or of the floor where there is no threshold."""
    if least is not None:
        return account.dirtied_pages(least)
    floor_pages = account.floor_pages
    return None if floor_pages >= account.learned.memory_pages else account.dirtied_pages(ceil(floor_pages))


class _Lessons:
    """What the runs teach, and forecasts from them."""

    def __init__(self, known: list[Run], migration: Migration, bandwidth_bytes_s: float | None, level: float) -> None:
        self._known, self._migration = known, migration
        self._bandwidth_bytes_s, self._level = bandwidth_bytes_s, level
        self.default = self.forecast(ThresholdPolicy())
        learned = learn([run for run in known if run.run_id in self.default.learned_from])
        self.learned = learned if bandwidth_bytes_s is None else _with_bandwidth(learned, bandwidth_bytes_s)

    def forecast(self, policy: ThresholdPolicy) -> Forecast:
        return forecast(
            self._known, self._migration, policy, bandwidth_bytes_s=self._bandwidth_bytes_s, level=self._level
        )


def _knobs(lessons: _Lessons, account: Account) -> tuple[Verdict, int | None, int | None, Forecast | None]:
    least = account.min_remaining
    if account.fits_pages < 1:
        return Verdict.BELOW_FIXED_PART, None, None, None
    if least is None or not account.within_reach:
        return Verdict.OUT_OF_REACH, None, None, None
    first: tuple[Verdict, int, int, Forecast] | None = None
    for share in _LOWER:
        tried = ceil(least * share)
        if tried < max(ABOVE_FLOOR * account.floor_pages, 2):
            break
        told = _try(lessons, tried, account.budget_s)
        first = first or told
        if told is not None and told[0] is Verdict.SURE:
            return told
    return first or (Verdict.OUT_OF_REACH, None, None, None)


def _try(lessons: _Lessons, least: int, budget_s: float) -> tuple[Verdict, int, int, Forecast] | None:
    """Choose `max_iters` for a threshold, and see what the two cost; None where most courses do not get there."""
    patient = lessons.forecast(ThresholdPolicy(least, _PATIENT))
    if patient.live_passes is None or patient.live_passes.likely >= _PATIENT:
        return None
    passes = ceil(patient.live_passes.high)
    endless = passes >= _PATIENT
    # Courses that wander about the floor are helped by no number of passes.
    passes = 2 * ceil(patient.live_passes.likely) if endless else passes
    most = min(passes + max(_MARGIN_PASSES, ceil(_MARGIN_SHARE * passes)), UINT32_MAX)
    told = lessons.forecast(ThresholdPolicy(least, most))
    if told.downtime_s is None or told.downtime_s.likely > budget_s:
        return None
    verdict = Verdict.SURE if told.downtime_s.high <= budget_s and not endless else Verdict.UNSURE
    return verdict, least, most, told


def _helps(account: Account) -> tuple[Help, ...]:
    faster, slower, budget_s = least_faster(account), least_slower(account), least_budget_s(account)
    now_s, now = account.budget_s, account.learned.bandwidth_bytes_s.likely
    # Rounded to the safe side, so that what is read off the sentence does help.
    bandwidth = None if faster is None else _rounded(now * faster, ceil)
    share = None if slower is None else _rounded(1 / slower, floor)
    budget_s = None if budget_s is None else _rounded(budget_s, ceil)
    return (
        Help(
            name="bandwidth_bytes_s",
            value=bandwidth,
            sentence="More bandwidth alone does not help."
            if bandwidth is None
            else f"More bandwidth: {format_bytes_s(bandwidth)} would do, {bandwidth / now:.3g} times the "
            f"{format_bytes_s(now)} measured.",
        ),
        Help(
            name="written_share",
            value=share,
            sentence="Less load alone does not help."
            if share is None
            else f"Less load: it would do if the guest wrote at {100 * share:.3g} % of its pace.",
        ),
        Help(
            name="downtime_s",
            value=budget_s,
            sentence="No budget helps: the guest dirties its whole memory faster than it can be sent."
            if budget_s is None
            else f"A longer pause: {format_s(budget_s)} is the least that can be kept, instead of {format_s(now_s)}.",
        ),
    )


def _rounded(value: float, towards: Callable[[float], int]) -> float:
    """Round to three digits."""
    step = 10.0 ** (floor(log10(value)) - 2)
    return towards(value / step) * step


def _with_bandwidth(learned: Learned, bytes_s: float) -> Learned:
    factor = bytes_s / learned.bandwidth_bytes_s.likely

    def scaled(told: Range) -> Range:
        return Range(low=told.low * factor, likely=told.likely * factor, high=told.high * factor)

    first = scaled(learned.first_bandwidth_bytes_s)
    return replace(learned, bandwidth_bytes_s=scaled(learned.bandwidth_bytes_s), first_bandwidth_bytes_s=first)


def _flat(runs: Any) -> list[Run]:
    """Lay out runs that are given one by one, in lists, or as a store."""
    if runs is None:
        return []
    if isinstance(runs, Run):
        return [runs]
    if hasattr(runs, "__iter__") and not isinstance(runs, str | bytes):
        return [run for one in runs for run in _flat(one)]
    raise InvalidValueError(f"Wanted runs, or lists or a store of them, not {runs!r}.")
