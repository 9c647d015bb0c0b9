"""What happened: each pass, each order of the operator, the end; and the run that they make."""

from dataclasses import dataclass, field
from typing import Any

from xlkit.model._asked import RunStart
from xlkit.model._fields import says
from xlkit.model._showing import run_table
from xlkit.model._words import Action, Decision, Knowledge, Phase, Side, Status, StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """One pass over the dirty set, as it ended."""

    iteration: int = field(
        metadata=says("number of the pass, from 0; the last carries the number at which the policy stopped")
    )
    phase: Phase = field(metadata=says("whether the guest ran meanwhile"))
    dirty_pages: int | None = field(metadata=says("the set that this pass set out to send", "page"))
    total_written_pages: int = field(metadata=says("Xen's counter before the pass", "page"))
    sent_pages: int | None = field(metadata=says("pages that went out", "page"))
    sent_bytes: int | None = field(metadata=says("bytes that went out, headers included", "B"))
    begun_s: float = field(metadata=says("begin of the pass since the start of the run", "s"))
    ended_s: float = field(metadata=says("end of the pass, delivered, since the start of the run", "s"))
    decision_before: Decision | None = field(
        metadata=says("the policy's answer before the pass; None where it was not asked")
    )
    decision_after: Decision | None = field(
        metadata=says("the policy's answer after the pass; None where it was not asked")
    )
    collect_s: float | None = field(
        default=None, metadata=says("time to read and clear the dirty set before the pass", "s")
    )
    heartbeat_begun_s: float | None = field(
        default=None, metadata=says("begin of the heartbeat's first millisecond since the start of the run", "s")
    )
    heartbeat_pages: tuple[int, ...] | None = field(
        default=None, metadata=says("pages the guest wrote, a number for each millisecond by its own clock", "page")
    )
    map_pages: tuple[int, ...] | None = field(
        default=None, metadata=says("pages of the set in each of the guest's equal parts, in order of address", "page")
    )

    @property
    def collected_s(self) -> float:
        """When the set of this pass was read and cleared, since the start of the run [s]."""
        return self.begun_s - (self.collect_s or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What an operator did, and when the loop took it up."""

    action: Action = field(metadata=says("what was asked"))
    iteration: int = field(metadata=says("number shown to the policy at the first call that obeyed"))
    before_pass: bool = field(metadata=says("whether that call came before a pass (dirty count known) or after one"))
    latency_s: float = field(metadata=says("from asking to the call that obeyed, by the asking process's clock", "s"))
    policy: Any = field(default=None, metadata=says("the new stop rule, as data, where it was changed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimePart:
    """One part of the time during which the guest stood still."""

    name: str = field(metadata=says("what happened meanwhile"))
    duration_s: float | None = field(metadata=says("how long it took", "s"))
    knowledge: Knowledge = field(metadata=says("exact, bounded or unknown"))
    clock: str = field(metadata=says("which clock it was read from; never two"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStop:
    """How a run ended: one on every way out."""

    status: Status = field(metadata=says("how the run ended"))
    stop_reason: StopReason = field(metadata=says("which rule ended precopy"))
    ended_s: float | None = field(default=None, metadata=says("end since the start of the run", "s"))
    downtime_s: float | None = field(
        default=None, metadata=says("from asking the guest to suspend until it runs again", "s")
    )
    downtime: tuple[DowntimePart, ...] = field(default=(), metadata=says("the parts of the downtime"))
    runs_at: Side = field(default=Side.UNKNOWN, metadata=says("where the guest runs now"))
    verified: bool | None = field(
        default=None, metadata=says("whether both memories were proved equal; None if not tried")
    )
    message: str = field(default="", metadata=says("for people: what happened, and what to do"))


Event = RunStart | Iteration | Control | RunStop


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happened, whole and finished; measured, simulated and imported runs are one type."""

    start: RunStart
    iterations: tuple[Iteration, ...]
    stop: RunStop
    controls: tuple[Control, ...] = ()

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self.start.run_id

    @property
    def complete(self) -> bool:
        """Whether the run recorded its own end."""
        return self.stop.status not in {Status.RUNNING, Status.INCOMPLETE}

    def backed_pages(self, one: Iteration) -> int | None:
        """Count the pages of a pass's set that have memory behind them [page of 4096 B].

        Xen counts an HVM or PVH guest's table of frames in pass 0, which is far more than its memory. The set of any
        other pass is given as it was recorded.

        Parameters
        ----------
        one : Iteration
            A pass of this run.

        Returns
        -------
        int or None
            The pages; None where they are not known.

        References
        ----------
        .. [1] Xen, ``tools/libs/guest/xg_sr_save.c``, ``send_memory_live()``: pass 0 is of ``p2m_size`` frames.
        """
        memory_pages = self.start.setup.memory_pages
        if one.iteration or one.phase is Phase.STOP_AND_COPY or one.dirty_pages is None or memory_pages is None:
            return one.dirty_pages
        return min(one.dirty_pages, memory_pages)

    def __repr__(self) -> str:
        return (
            f"<Run {self.run_id} {self.start.backend} {self.stop.status}: {len(self.iterations)} iterations, "
            f"stopped by {self.stop.stop_reason}>"
        )

    def _repr_html_(self) -> str:
        return run_table(self)
