"""What a replay tells, and how it is read off the record."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor
from typing import Any, ClassVar

from xlkit.model import Decision, Iteration, Knowledge, Status, StopReason
from xlkit.replays._record import Record

Bounds = tuple[float, float | None]
"""Lowest and highest value; no highest one where the end was not reached within 1000 modelled passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What may have followed after the record ends: ranges between two modelled courses, never a point.

    Parameters
    ----------
    iteration : tuple of float and float or None
        Number shown to the policy at the call that ends precopy, from and to; None where no end was reached within 1000
        modelled passes.
    precopy_s : tuple of float and float or None
        End of the last live pass since the start of the run, from and to [s].
    precopy_bytes : tuple of float and float or None
        Sent by the live passes, from and to [B].
    final_pages : tuple of float and float or None
        Set that is sent while the guest stands still, from and to [page of 4096 B].
    stop_reasons : tuple of StopReason
        Which rule ends the favourable and the unfavourable course; unknown where it goes on.

    Notes
    -----
    A dirty set grows with the time since it was last read, and a pass takes longer the more it sends, but neither more
    than in proportion: writes hit the same pages again (the writable working set), and a pass has fixed costs. So each
    recorded pass bounds every shorter and every longer one. These bounds are widened to the lowest and highest constant
    rates that were recorded (pages dirtied a second, seconds and bytes a page). The favourable course takes the lower
    bounds throughout, the unfavourable one the upper bounds, and the policy is asked along both. The ranges are meant
    for a guest and a link that go on as recorded: they say nothing about a load that changes after the record ends, and
    a policy that stops *because* the guest does not converge may end outside of them.

    The ranges are no confidence intervals. How often they hold was counted on runs that were cut short
    (``python -m tests.accuracy.ranges``). After one pass they always held, for they then allow nearly anything. Of runs
    of a real process, all quantities held in about six of ten after two passes (33 runs), which say little of how much
    the time of a pass varies: `precopy_s` is then too narrow. After three passes it was about eight of ten (15 runs),
    after five all of 8. Of simulated steady guests at least 95 of 100 lay within, of guests whose load changes 75 of
    100 after two passes. Of recorded Xen runs the final set lay outside in one of six after three passes, and in one of
    four after five.

    References
    ----------
    .. [1] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (writable working set).
    """

    model: ClassVar[str] = "growth in proportion at most, or at the lowest and highest rates recorded"

    iteration: Bounds
    precopy_s: Bounds
    precopy_bytes: Bounds
    final_pages: Bounds
    stop_reasons: tuple[StopReason, StopReason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How a run would have ended under a policy; None is not known.

    Parameters
    ----------
    run_id : str
        Which run it is.
    policy : Policy
        The policy that was tried.
    decision : Decision or None
        ``stop_and_copy`` or ``abort``; None where the record ends first.
    stop_reason : StopReason
        Which rule ended precopy, or what else did: ``operator``, ``aborted``, ``failed``. Where the record ends first
        it is ``failed`` if the run had failed by then, else ``unknown``.
    iteration : int or None
        Number shown to the policy at the call that ended precopy, which the final pass carries; None where censored.
    before_pass : bool or None
        Whether that call came before a pass (which is still sent, unless aborted) or after one; None where censored.
    live_passes : int or None
        Passes sent while the guest runs.
    final_pages : int or None
        Set that is sent while the guest stands still, as far as the record tells [page of 4096 B].
    final_pages_knowledge : Knowledge
        Whether that is exact, at most, at least, or unknown. At least is said of a guest that writes steadily.
    precopy_s : float or None
        End of the last live pass since the start of the run [s].
    precopy_bytes : int or None
        Sent by the live passes [B].
    saved_s : float or None
        By how much precopy ends earlier than the recorded one [s].
    saved_bytes : int or None
        How much less the live passes send than the recorded ones [B].
    censored : bool
        Whether the record ends before the policy does.
    beyond : Beyond or None
        Where censored, the range of what may have followed; None where the record holds no pass to model from.
    """

    run_id: str
    policy: Any
    decision: Decision | None
    stop_reason: StopReason
    iteration: int | None = None
    before_pass: bool | None = None
    live_passes: int | None = None
    final_pages: int | None = None
    final_pages_knowledge: Knowledge = Knowledge.UNKNOWN
    precopy_s: float | None = None
    precopy_bytes: int | None = None
    saved_s: float | None = None
    saved_bytes: int | None = None
    censored: bool = False
    beyond: Beyond | None = None


def ended(
    record: Record, policy: Any, number: int, decision: Decision, reason: StopReason, *, operator: bool
) -> Replay:
    """Tell how a run ends whose precopy ends at a call, by the number of the call."""
    k, after = divmod(number, 2)
    sent = k if decision is Decision.ABORT and not after else k + 1
    done, spared = record.live[:sent], record.live[sent:]
    known = len(done) == sent
    pages, knowledge = _final_pages(record, number) if decision is Decision.STOP_AND_COPY else (None, Knowledge.UNKNOWN)
    precopy_s = (done[-1].ended_s if done else 0.0) if known else None
    return Replay(
        run_id=record.run.run_id,
        policy=policy,
        decision=decision,
        stop_reason=_reason(record, number, decision, reason, operator=operator),
        iteration=record.live[k].iteration + after if k < len(record.live) else record.next_number,
        before_pass=not after,
        live_passes=sent,
        final_pages=pages,
        final_pages_knowledge=knowledge,
        precopy_s=precopy_s,
        precopy_bytes=_total(done) if known else None,
        saved_s=None if precopy_s is None else record.live[-1].ended_s - precopy_s if record.live else 0.0,
        saved_bytes=_total(spared) if known else None,
    )


def censored(record: Record, policy: Any, beyond: Beyond | None) -> Replay:
    """Tell that the record ends before the policy does."""
    reason = StopReason.FAILED if record.broke_off else StopReason.UNKNOWN
    return Replay(
        run_id=record.run.run_id, policy=policy, decision=None, stop_reason=reason, censored=True, beyond=beyond
    )


def _reason(record: Record, number: int, decision: Decision, reason: StopReason, *, operator: bool) -> StopReason:
    """Name the recorded reason where the same stop was followed by a failure or by the operator's abort."""
    stop = record.run.stop
    unseen = 2 * len(record.live) if record.end is None else record.end
    same = number == unseen and decision is Decision.STOP_AND_COPY
    failed = stop.status in {Status.FAILED, Status.UNDEFINED}
    return stop.stop_reason if same and (failed or (operator and record.given_up)) else reason


def _final_pages(record: Record, number: int) -> tuple[int | None, Knowledge]:
    k, after = divmod(number, 2)
    if k + 1 < len(record.live):
        return _at_least(record.live[k], record.live[k + 1], after=bool(after))
    pages = None if record.final is None else record.final.dirty_pages
    if pages is None or k >= len(record.live) or record.end is None:
        return None, Knowledge.UNKNOWN
    if number == record.end:
        return pages, Knowledge.EXACT
    # Whoever stops before the pass is not asked after it, and suspends the guest that much earlier.
    return pages, Knowledge.AT_MOST if number < record.end else Knowledge.AT_LEAST


def _at_least(now: Iteration, following: Iteration, *, after: bool) -> tuple[int | None, Knowledge]:
    """Read what is dirty at the end of a pass off the set that was read next."""
    pages = following.dirty_pages
    if pages is None:
        return None, Knowledge.UNKNOWN
    if after:
        return pages, Knowledge.AT_LEAST
    # The answer after the pass took time, in which the set grew on, no faster than in proportion.
    until_read_s = following.begun_s - now.begun_s
    share = (now.ended_s - now.begun_s) / until_read_s if until_read_s > 0 else 0.0
    return max(0, floor(pages * min(1.0, share))), Knowledge.AT_LEAST


def _total(passes: Iterable[Iteration]) -> int | None:
    known = [one.sent_bytes for one in passes]
    return None if None in known else sum(one for one in known if one is not None)
