"""What the runs of one guest on one pair of hosts teach."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, TypeVar

from xlkit.curves import DirtyCurve, Observed, fit_curve, observed
from xlkit.errors import InvalidValueError
from xlkit.forecasts import _costs
from xlkit.forecasts._bandwidth import fit_pass_time
from xlkit.forecasts._priors import prior
from xlkit.forecasts._spread import next_sized, next_value
from xlkit.model import Phase, Range, Run

History = Run | Iterable[Any] | None
"""A run, or whatever yields runs: a list, a store, lists of them; None for no run at all."""

Seen = TypeVar("Seen")
_MOST_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the runs of one guest on one pair of hosts teach, each range for the next run at a level of 90 %.

    Parameters
    ----------
    runs : tuple of str
        Names of the runs it was learned from; the one that is still going on is the last of them.
    backend : str
        What drove the latest of them.
    memory_pages : int
        Size of the guest: the pages with memory behind them that pass 0 sends [page of 4096 B].
    first_pages : int
        What pass 0 counts, and what a policy is shown as the size of the guest: on Xen an HVM or PVH guest's table of
        frames, else the memory [page].
    seen : tuple of Observed
        The sets that were read, and the windows in which they were dirtied.
    curve : DirtyCurve
        Pages dirtied against the window.
    written_pages_s : float or None
        Pages written a second, repeated ones counted again, where a heartbeat told it [page/s].
    bandwidth_bytes_s : Range
        Bytes that a pass sends a second, its fixed part left out [B/s].
    first_bandwidth_bytes_s : Range
        The same of pass 0, which differs where that pass walks through frames without memory [B/s].
    speed_off : float
        Deviation of the logarithm of the bandwidth from pass to pass.
    pass_s : Range
        What a pass takes beside its bytes [s].
    page_bytes : float
        Bytes on the wire for a page of a later pass [B].
    first_page_bytes : float
        The same of pass 0, in which empty pages may go as a mark [B].
    bytes_known : bool
        Whether the runs told how many bytes went out; else 4096 B a page stand for them, and the bandwidth is that of
        pages.
    wait_s : Range
        From the end of a pass of `wait_pages` to the next collection: recording, two answers of the policy [s].
    wait_pages : float
        The size of a set that `wait_s` is told for [page].
    answer_s : float
        How long an answer of the policy takes of that [s].
    collect_s : Range
        From a collection to the pass that sends its set [s].
    suspend_s : Range
        From asking the guest to suspend to the collection of the final set, while it may still write [s].
    fixed_downtime_s : Range
        Downtime beside the transfer of the final set: suspend, collection, device state, resume [s]. Where a run's
        downtime is known as *at most*, so is this.
    fixed_pages : float
        The size of the final set that `fixed_downtime_s` is told for [page].
    growth : float
        By which power of the size of a set these two grow: with caches, tables of runs; 0 for not at all.
    before_s : Range
        From the start of the run to pass 0 [s].
    after_s : Range
        What of the run after the last live pass is not downtime [s].
    assumed : tuple of str
        Which of these nothing was seen of, so that they rest on what such backends cost elsewhere.
    """

    runs: tuple[str, ...]
    backend: str
    memory_pages: int
    first_pages: int
    seen: tuple[Observed, ...]
    curve: DirtyCurve
    written_pages_s: float | None
    bandwidth_bytes_s: Range
    first_bandwidth_bytes_s: Range
    speed_off: float
    pass_s: Range
    page_bytes: float
    first_page_bytes: float
    bytes_known: bool
    wait_s: Range
    wait_pages: float
    answer_s: float
    collect_s: Range
    suspend_s: Range
    fixed_downtime_s: Range
    fixed_pages: float
    growth: float
    before_s: Range
    after_s: Range
    assumed: tuple[str, ...]


def learn(history: History, *, begun: Run | None = None, memory_pages: int | None = None) -> Learned:
    """Learn from the runs of one guest on one pair of hosts.

    Parameters
    ----------
    history : Run or iterable of Run or None
        Runs, lists of them, or a store: of one guest under one load between the same hosts. The latest twenty count.
    begun : Run or None, default None
        A run that is still going on, as a store shows it: its passes so far count, too.
    memory_pages : int or None, default None
        Size of the guest, where the runs do not tell it [page of 4096 B].

    Returns
    -------
    Learned
        What they teach. A run that failed teaches what its passes tell.

    Raises
    ------
    InvalidValueError
        If there is no run with a timed pass, if none tells the size of the guest, or if no set was read after pass 0
        and no heartbeat tells how fast the guest writes.

    References
    ----------
    .. [1] S. Akoush et al., "Predicting the Performance of Virtual Machine Migration", MASCOTS 2010: fixed parts before
       pass 0, in the downtime and after it, and a recorded curve of unique pages in the place of a rate.

    Examples
    --------
    >>> import tempfile, xlkit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = xlkit.run(
    ...         xlkit.Migration("demo"), xlkit.ThresholdPolicy(), xlkit.SimBackend(), store=xlkit.RunStore(folder)
    ...     )
    >>> round(learn(done).bandwidth_bytes_s.likely / 1e6)
    125
    """
    runs = flat(history)[-_MOST_RUNS:]
    if begun is not None:
        runs = [*(run for run in runs if run.run_id != begun.run_id), begun]
    timed = [(run, passes) for run in runs if (passes := list(_costs.sent(run)))]
    if not timed:
        raise InvalidValueError(
            "There is nothing to learn from: give runs of this guest that recorded at least one timed pass, or a run "
            "that is going on and has sent one."
        )
    return _Lesson([run for run, _ in timed], [passes for _, passes in timed], memory_pages).learned()


def flat(runs: Any) -> list[Run]:
    """Lay out runs that are given one by one, in lists, or as a store."""
    if runs is None:
        return []
    if isinstance(runs, Run):
        return [runs]
    if isinstance(runs, Iterable) and not isinstance(runs, str | bytes):
        return [run for one in runs for run in flat(one)]
    raise InvalidValueError(f"Wanted runs, or lists or a store of them, not {runs!r}.")


def _seen(run: Run) -> list[Observed]:
    """List the sets that were read; where a record does not tell one, what its pass sent stands for it.

    Where passes are missing, the window of the next set is not known.
    """
    found = observed(run)
    live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
    whole = [now.iteration == last.iteration + 1 for last, now in pairwise(live)]
    for last, now, here, before in zip(live, live[1:], whole, [True, *whole], strict=False):
        if here and before and now.dirty_pages is None and now.sent_pages and now.collected_s > last.collected_s:
            found.append(
                Observed(
                    run_id=run.run_id,
                    iteration=now.iteration,
                    phase=now.phase,
                    window_s=now.collected_s - last.collected_s,
                    dirty_pages=now.sent_pages,
                    ended_s=now.collected_s,
                )
            )
    return sorted(found, key=lambda one: one.ended_s)


class _Lesson:
    """The runs of a lesson, with the passes of each that were timed."""

    def __init__(self, runs: list[Run], passes: list[list[_costs.Sent]], memory_pages: int | None) -> None:
        self._runs, self._passes = runs, passes
        self._prior = prior(runs[-1].start.backend)
        self._assumed: list[str] = []
        self._memory_pages = memory_pages or self._memory_told()
        shown = [run.iterations[0].dirty_pages for run in runs if run.iterations[0].iteration == 0]
        self._first_pages = max(next((n for n in reversed(shown) if n is not None), 0), self._memory_pages)

    def learned(self) -> Learned:
        known = self._prior
        seen = tuple(one for run in self._runs for one in _seen(run))
        rates = [rate for run in self._runs if (rate := _costs.written_pages_s(run)) is not None]
        written_pages_s = median(rates) if rates else None
        first_apart = self._first_pages > self._memory_pages
        time = fit_pass_time(self._passes, first_apart=first_apart, prior=self._prior)
        page_bytes = self._page_bytes(first=False)
        bytes_s = time.bandwidth_bytes_s.likely
        wait_s, wait_pages = self._sized("wait_s", self._each(_costs.waits), known.wait_s, known.wait_off)
        endings = [end for run in self._runs if (end := _costs.ending(run)) is not None]
        answer_s = _costs.answer_s(endings, wait_s.likely)
        if answer_s is None:
            answer_s = min(known.answer_s, wait_s.likely / 2)
        suspends = [max(0.0, end.gap_s - wait_s.likely) if end.suspend_s is None else end.suspend_s for end in endings]
        fixed = [one for run in self._runs for one in _costs.fixed_downtimes(run, bytes_s, page_bytes)]
        fixed_s, fixed_pages = self._sized("fixed_downtime_s", fixed, known.fixed_s, known.fixed_off)
        afters = [one for run in self._runs for one in _costs.afters_s(run, wait_s.likely, answer_s)]
        return Learned(
            runs=tuple(run.run_id for run in self._runs),
            backend=self._runs[-1].start.backend,
            memory_pages=self._memory_pages,
            first_pages=self._first_pages,
            seen=seen,
            curve=self._curve(seen, written_pages_s),
            written_pages_s=written_pages_s,
            bandwidth_bytes_s=time.bandwidth_bytes_s,
            first_bandwidth_bytes_s=time.first_bandwidth_bytes_s,
            speed_off=time.speed_off,
            pass_s=time.pass_s,
            page_bytes=page_bytes,
            first_page_bytes=self._page_bytes(first=True),
            bytes_known=all(one.bytes_known for run in self._passes for one in run),
            wait_s=wait_s,
            wait_pages=wait_pages,
            answer_s=answer_s,
            collect_s=self._range("collect_s", self._each(_costs.collects_s), known.collect_s, known.wait_off),
            suspend_s=self._range("suspend_s", suspends, known.suspend_s, known.wait_off),
            fixed_downtime_s=fixed_s,
            fixed_pages=fixed_pages,
            growth=known.growth,
            before_s=self._range("before_s", self._each(_costs.befores_s), 0.0, known.around_off),
            after_s=self._range("after_s", afters, 0.0, known.around_off),
            assumed=tuple(self._assumed),
        )

    def _each(self, read: Callable[[Run], list[Seen]]) -> list[Seen]:
        return [one for run in self._runs for one in read(run)]

    def _sized(self, name: str, seen: list[_costs.At], assumed_s: float, off: float) -> tuple[Range, float]:
        if seen:
            return next_sized(seen, off=off, growth=self._prior.growth)
        self._assumed.append(name)
        return next_value([assumed_s], off=self._prior.unseen_off), self._prior.sized_pages

    def _range(self, name: str, seen: list[float], assumed: float, off: float) -> Range:
        if seen:
            return next_value(seen, off=off)
        self._assumed.append(name)
        return next_value([assumed], off=self._prior.unseen_off)

    def _page_bytes(self, *, first: bool) -> float:
        passes = [one for run in self._passes for one in run if one.first is first]
        passes = passes or [one for run in self._passes for one in run]
        return sum(one.sent_bytes for one in passes) / sum(one.pages for one in passes)

    def _memory_told(self) -> int:
        for run in reversed(self._runs):
            told = run.start.setup.memory_pages
            if told is not None:
                return told
        for run in reversed(self._runs):
            one = run.iterations[0]
            if one.iteration == 0 and one.dirty_pages is not None:
                return one.dirty_pages
        raise InvalidValueError("These runs do not tell the size of the guest: give memory_pages.")

    def _curve(self, seen: tuple[Observed, ...], written_pages_s: float | None) -> DirtyCurve:
        if seen:
            return fit_curve(seen, memory_pages=self._memory_pages, written_pages_s=written_pages_s)
        if written_pages_s is None:
            raise InvalidValueError(
                "These runs recorded no set that was read after pass 0, and no heartbeat: nothing tells how fast the "
                "guest writes. Give a run with two passes, or wait for the next pass of this one."
            )
        self._assumed.append("curve")
        return DirtyCurve(sets_pages=(), times_s=(), rate_pages_s=written_pages_s, memory_pages=self._memory_pages)
