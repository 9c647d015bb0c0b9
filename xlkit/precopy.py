"""Xen's ``send_memory_live()`` and ``suspend_and_send_dirty()``, call by call, over any memory and any link."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeVar

from xlkit.calls import stats_after
from xlkit.errors import UndefinedOutcomeError
from xlkit.model import (
    Decision,
    DowntimePart,
    Iteration,
    Knowledge,
    Phase,
    PrecopyStats,
    RunStop,
    Side,
    Status,
    StopReason,
)
from xlkit.protocols import Clock, Link, Located, Memory, PageSet, Policy, Reasoned

Pages = TypeVar("Pages", bound=PageSet)

MAP_PARTS: Final = 256
"""Parts of a guest's memory that a page map tells apart; a guest of fewer pages has a part a page."""


def borders(memory_pages: int) -> Sequence[int]:
    """Tell where the parts of a page map begin and end.

    Parameters
    ----------
    memory_pages : int
        Size of the guest [page of 4096 B].

    Returns
    -------
    sequence of int
        Page numbers, one more than there are parts.

    Examples
    --------
    >>> borders(3)
    [0, 1, 2, 3]
    """
    parts = min(memory_pages, MAP_PARTS)
    return [memory_pages * part // parts for part in range(parts + 1)] if parts else [0]


def precopy(
    memory: Memory[Pages], link: Link[Pages], policy: Policy, clock: Clock, *, clock_name: str
) -> Iterator[Iteration | RunStop]:
    """Migrate a guest under Xen's rule.

    The policy is asked twice a pass: before it, with the dirty count, and right after it, with the count unknown. A
    pass is sent even when the answer before it was stop, but not when it was abort. The set of the blackout is never
    shown to the policy.

    Parameters
    ----------
    memory : Memory
        The guest at the source.
    link : Link
        The way to the destination.
    policy : Policy
        When precopy ends.
    clock : callable
        Seconds since the start of the run [s].
    clock_name : str
        Which clock that is, for the record.

    Yields
    ------
    Iteration or RunStop
        Each pass as it ends, then one `RunStop`. When the policy aborts there is no stop-and-copy pass.

    Raises
    ------
    UndefinedOutcomeError
        If the hand-over failed and nobody can tell which side runs the guest.

    Notes
    -----
    Whatever else is raised, by the world, by the policy or by closing the iterator, leaves the guest running at the
    source.

    References
    ----------
    .. [1] Xen, ``tools/libs/guest/xg_sr_save.c``, ``send_memory_live()``, ``suspend_and_send_dirty()``.
    """
    asked_s = clock()
    dirty = memory.all_pages()
    collect_s = clock() - asked_s
    stats = PrecopyStats(
        iteration=0, dirty_pages=dirty.pages, total_written_pages=0, memory_pages=dirty.pages, elapsed_s=0.0
    )
    while True:
        answer = policy.decide(stats)
        if answer is Decision.ABORT:
            break
        done = _send_live(link, dirty, stats, answer, collect_s, clock)
        if answer is Decision.STOP_AND_COPY:
            yield done
            break
        stats = stats_after(done, stats.memory_pages)
        answer = policy.decide(stats)
        yield replace(done, decision_after=answer)
        if answer is not Decision.CONTINUE:
            break
        asked_s = clock()
        dirty = memory.collect_dirty()
        collect_s = clock() - asked_s
        stats = replace(stats, dirty_pages=dirty.pages)
    reason = _reason(policy, stats)
    if answer is Decision.ABORT:
        yield RunStop(status=Status.ABORTED, stop_reason=reason, ended_s=clock(), runs_at=Side.SOURCE)
    else:
        yield from _stop_and_copy(memory, link, clock, clock_name, stats, reason)


def _send_live(
    link: Link[Pages], dirty: Pages, stats: PrecopyStats, answer: Decision, collect_s: float, clock: Clock
) -> Iteration:
    begun_s = clock()
    sent_bytes = link.send(dirty, final=False) if dirty.pages else 0
    return Iteration(
        iteration=stats.iteration,
        phase=Phase.PRECOPY,
        dirty_pages=dirty.pages,
        total_written_pages=stats.total_written_pages,
        sent_pages=dirty.pages,
        sent_bytes=sent_bytes,
        begun_s=begun_s,
        ended_s=clock(),
        decision_before=answer,
        decision_after=None,
        collect_s=collect_s,
        map_pages=_page_map(dirty, stats.memory_pages),
    )


def _page_map(pages: PageSet, memory_pages: int | None) -> tuple[int, ...] | None:
    """Tell where a set lies, as pages in each equal part of the guest."""
    if memory_pages is None or not isinstance(pages, Located):
        return None
    return tuple(behind - before for before, behind in pairwise(pages.below(borders(memory_pages))))


def _reason(policy: Policy, stats: PrecopyStats) -> StopReason:
    return policy.reason(stats) if isinstance(policy, Reasoned) else StopReason.POLICY


def _stop_and_copy(
    memory: Memory[Pages], link: Link[Pages], clock: Clock, clock_name: str, stats: PrecopyStats, reason: StopReason
) -> Iterator[Iteration | RunStop]:
    asked_s = clock()
    try:
        memory.pause()
        paused_s = clock()
        dirty = memory.collect_dirty()
        begun_s = clock()
        sent_bytes = link.send(dirty, final=True)
        ended_s = clock()
        handed = link.hand_over()
    except UndefinedOutcomeError:
        raise
    except BaseException:
        memory.resume()
        raise
    yield Iteration(
        iteration=stats.iteration,
        phase=Phase.STOP_AND_COPY,
        dirty_pages=dirty.pages,
        total_written_pages=stats.total_written_pages,
        sent_pages=dirty.pages,
        sent_bytes=sent_bytes,
        begun_s=begun_s,
        ended_s=ended_s,
        decision_before=None,
        decision_after=None,
        collect_s=begun_s - paused_s,
        map_pages=_page_map(dirty, stats.memory_pages),
    )
    yield RunStop(
        status=Status.COMPLETED,
        stop_reason=reason,
        ended_s=handed.started_s,
        downtime_s=handed.started_s - asked_s,
        downtime=(
            DowntimePart(name="suspend", duration_s=paused_s - asked_s, knowledge=Knowledge.EXACT, clock=clock_name),
            DowntimePart(name="collect", duration_s=begun_s - paused_s, knowledge=Knowledge.EXACT, clock=clock_name),
            DowntimePart(name="copy", duration_s=ended_s - begun_s, knowledge=Knowledge.EXACT, clock=clock_name),
            *handed.parts,
        ),
        runs_at=Side.DESTINATION,
    )
