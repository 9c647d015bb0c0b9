"""Policy calls in, iterations out: what a helper's events and the text of a patched xl have in common."""

from dataclasses import dataclass

from xlkit.model import Decision, Iteration, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCall:
    """One call of the precopy policy, as a log tells it.

    Parameters
    ----------
    iteration : int
        Pass that is about to begin, from 0.
    dirty_pages : int or None
        Pages dirty now [page of 4096 B]; None right after a pass (Xen's -1).
    total_written_pages : int
        Xen's counter [page of 4096 B].
    decision : Decision or None, default None
        The policy's answer, None where the log does not tell it.
    at_s : float or None, default None
        Time of the call since the start of the run [s], None where the log does not tell it.
    """

    iteration: int
    dirty_pages: int | None
    total_written_pages: int
    decision: Decision | None = None
    at_s: float | None = None

    @property
    def facts(self) -> dict[str, int | str]:
        """What the first call tells of the guest: its table of frames, whose holes a PVH guest's RAM is far below."""
        if self.iteration > 0 or not self.dirty_pages:
            return {}
        return {"p2m_pages": self.dirty_pages, "dirty_pages_of_iteration_0": "p2m, holes included"}


class PassLedger:
    """Put passes together from the policy's calls, which come in pairs: after pass k - 1, before pass k.

    Lines get lost where two writers share one file. Of a pass whose call is lost, the dirty pages still follow from
    Xen's counter when the calls around it are known; of two or more in a row nothing is told.

    Attributes
    ----------
    last_call : PolicyCall or None
        The latest call.
    now_s : float
        The latest time that was heard, 0 before the first [s].
    timed : bool
        Whether any time was heard; without one, all times are 0.

    References
    ----------
    .. [1] Xen, ``tools/libs/guest/xg_sr_save.c``, ``send_memory_live()``: the order of the calls.

    Examples
    --------
    >>> ledger = PassLedger()
    >>> ledger.heard(PolicyCall(iteration=0, dirty_pages=4096, total_written_pages=0, at_s=0.5))
    []
    >>> [done] = ledger.heard(PolicyCall(iteration=1, dirty_pages=None, total_written_pages=4096, at_s=2.0))
    >>> done.dirty_pages, done.begun_s, done.ended_s
    (4096, 0.5, 2.0)
    """

    def __init__(self) -> None:
        self.last_call: PolicyCall | None = None
        self.now_s = 0.0
        self.timed = False
        self._open: tuple[PolicyCall, float, float | None] | None = None
        self._next_iteration, self._next_total_pages = 0, 0
        self._pass_ended_s: float | None = None
        self._saved = False
        self._paused_s: float | None = None
        self._final_pages: int | None = None

    @property
    def suspended(self) -> bool:
        """Whether the guest stands still."""
        return self._paused_s is not None

    def heard(self, call: PolicyCall) -> list[Iteration]:
        """Take a call of the policy.

        Parameters
        ----------
        call : PolicyCall
            The call.

        Returns
        -------
        list of Iteration
            The passes that are known to have ended now.
        """
        self.hear_time(call.at_s)
        if call.iteration < self._next_iteration:
            return []
        ends_open_pass = call.dirty_pages is None and call.iteration == self._next_iteration
        done = self._close(call.decision if ends_open_pass else None) + self._lost(call)
        if call.dirty_pages is None:
            self._pass_ended_s = self.now_s
        else:
            self._begin(call)
        self.last_call = call
        return done

    def hear_time(self, at_s: float | None) -> None:
        """Take note of the time, which never runs back.

        Parameters
        ----------
        at_s : float or None
            Time since the start of the run [s]; None where the log tells none.
        """
        if at_s is not None:
            self.timed = True
            self.now_s = max(self.now_s, at_s)

    def suspend_asked(self) -> list[Iteration]:
        """End precopy: the pass that a stop lets go out has been sent.

        Returns
        -------
        list of Iteration
            That pass, unless precopy ended after a pass.
        """
        return self._close(None)

    def guest_suspended(self) -> list[Iteration]:
        """Begin the final pass.

        Returns
        -------
        list of Iteration
            What `suspend_asked` had not told yet.
        """
        done = self.suspend_asked()
        self._paused_s = self.now_s
        return done

    def frames(self, iteration: int, total_pages: int) -> list[Iteration]:
        """Take a progress message: its total is the set that the pass set out to send.

        Parameters
        ----------
        iteration : int
            Number of the pass.
        total_pages : int
            Size of the set [page of 4096 B].

        Returns
        -------
        list of Iteration
            The passes that are known to have ended now.
        """
        if self.suspended:
            self._final_pages = total_pages
            return []
        if iteration != self._next_iteration:
            return []
        total_written_pages = self._next_total_pages
        return self.heard(
            PolicyCall(iteration=iteration, dirty_pages=total_pages, total_written_pages=total_written_pages)
        )

    def save_ended(self) -> list[Iteration]:
        """End the final pass.

        Returns
        -------
        list of Iteration
            The final pass; none where no pass before it is known, or when it was told already.
        """
        done = self._close(None)
        call = self.last_call
        if call is None or self._saved:
            return done
        self._saved = True
        return [
            *done,
            Iteration(
                iteration=call.iteration,
                phase=Phase.STOP_AND_COPY,
                dirty_pages=self._final_pages,
                total_written_pages=call.total_written_pages,
                sent_pages=None,
                sent_bytes=None,
                begun_s=self.now_s if self._paused_s is None else self._paused_s,
                ended_s=self.now_s,
                decision_before=None,
                decision_after=None,
            ),
        ]

    def _begin(self, call: PolicyCall) -> None:
        if call.decision is Decision.ABORT or call.dirty_pages is None:
            return
        ended_s, self._pass_ended_s = self._pass_ended_s, None
        collect_s = None if ended_s is None or call.at_s is None else self.now_s - ended_s
        self._open = (call, self.now_s, collect_s)
        self._next_iteration = call.iteration + 1
        self._next_total_pages = call.total_written_pages + call.dirty_pages

    def _close(self, decision_after: Decision | None) -> list[Iteration]:
        if self._open is None:
            return []
        (call, begun_s, collect_s), self._open = self._open, None
        return [_live(call, begun_s, self.now_s, decision_after, collect_s)]

    def _lost(self, call: PolicyCall) -> list[Iteration]:
        pages = call.total_written_pages - self._next_total_pages
        if call.iteration != self._next_iteration + 1 or pages < 0:
            return []
        missed = PolicyCall(
            iteration=self._next_iteration, dirty_pages=pages, total_written_pages=self._next_total_pages
        )
        self._next_iteration, self._next_total_pages = call.iteration, call.total_written_pages
        after = call.decision if call.dirty_pages is None else None
        return [_live(missed, self.now_s, self.now_s, after, None)]


def _live(
    call: PolicyCall, begun_s: float, ended_s: float, decision_after: Decision | None, collect_s: float | None
) -> Iteration:
    return Iteration(
        iteration=call.iteration,
        phase=Phase.PRECOPY,
        dirty_pages=call.dirty_pages,
        total_written_pages=call.total_written_pages,
        sent_pages=None,
        sent_bytes=None,
        begun_s=begun_s,
        ended_s=ended_s,
        decision_before=call.decision,
        decision_after=decision_after,
        collect_s=collect_s,
    )
