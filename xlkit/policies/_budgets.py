"""Policies that go by time: a pause budget, a limit, the end of progress."""

from dataclasses import dataclass
from typing import ClassVar

from xlkit.errors import InvalidValueError
from xlkit.model import Decision, PrecopyStats, StopReason
from xlkit.policies._rule import XEN_MIN_REMAINING, Rule, take_count
from xlkit.units import PAGE_BYTES


@dataclass(frozen=True, slots=True)
class DowntimeBudgetPolicy(Rule):
    """Stop when the dirty pages fit a pause budget at the bandwidth of the last pass.

    Parameters
    ----------
    downtime_s : float
        How long the workload may stand still [s].
    fixed_s : float, default 0.0
        Part of the budget that suspend and resume take whatever the guest does [s].
    max_iters : int, default 30
        Stop when so many passes are done. 0 asks for the default.

    References
    ----------
    .. [1] O. Hering on xen-devel, 2014-03: a limit on suspend time (``--max-suspend-time``) instead of loop internals.
    """

    name: ClassVar[str] = "downtime_budget"
    downtime_s: float
    fixed_s: float = 0.0
    max_iters: int = 30

    def __post_init__(self) -> None:
        if not 0 <= self.fixed_s < self.downtime_s < float("inf"):
            raise InvalidValueError(
                f"downtime_s must be above fixed_s, both in seconds, not {self.downtime_s!r}, {self.fixed_s!r}."
            )
        take_count(self, "max_iters", 30)

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        bandwidth_bytes_s = stats.bandwidth_bytes_s
        if stats.dirty_pages is not None and bandwidth_bytes_s is not None:
            needed_s = stats.dirty_pages * PAGE_BYTES / bandwidth_bytes_s + self.fixed_s
            if needed_s <= self.downtime_s:
                return StopReason.DOWNTIME_BUDGET
        return StopReason.MAX_ITERS if stats.iteration >= self.max_iters else None


@dataclass(frozen=True, slots=True)
class NoProgressPolicy(Rule):
    """Stop when another pass would not pay: the dirty set shrinks no more.

    Parameters
    ----------
    least_shrink : float, default 0.1
        Smallest share by which the dirty set must be smaller than what the last pass sent, from 0 to 1.
    min_remaining : int, default 50
        Stop when strictly fewer pages are dirty before a pass [page of 4096 B]. 0 asks for the default.
    max_iters : int, default 30
        Stop when so many passes are done. 0 asks for the default.
    """

    name: ClassVar[str] = "no_progress"
    least_shrink: float = 0.1
    min_remaining: int = XEN_MIN_REMAINING
    max_iters: int = 30

    def __post_init__(self) -> None:
        if not 0 <= self.least_shrink < 1:
            raise InvalidValueError(f"least_shrink must lie between 0 and 1, not {self.least_shrink!r}.")
        take_count(self, "min_remaining", XEN_MIN_REMAINING)
        take_count(self, "max_iters", 30)

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        if stats.dirty_pages is not None:
            if stats.dirty_pages < self.min_remaining:
                return StopReason.MIN_REMAINING
            if (
                stats.last_sent_pages is not None
                and stats.dirty_pages > (1 - self.least_shrink) * stats.last_sent_pages
            ):
                return StopReason.NO_PROGRESS
        return StopReason.MAX_ITERS if stats.iteration >= self.max_iters else None


@dataclass(frozen=True, slots=True)
class TimeLimitPolicy(Rule):
    """Xen's rule, and a limit on the time that precopy may take.

    Parameters
    ----------
    limit_s : float
        Stop at the first call after so much time [s]. No call happens inside a pass.
    min_remaining : int, default 50
        Stop when strictly fewer pages are dirty before a pass [page of 4096 B]. 0 asks for the default.
    max_iters : int, default 30
        Stop when so many passes are done. 0 asks for the default.
    on_limit : Decision, default Decision.STOP_AND_COPY
        What happens at the limit: `STOP_AND_COPY`, or `ABORT`, which leaves the guest at the source.
    """

    name: ClassVar[str] = "time_limit"
    limit_s: float
    min_remaining: int = XEN_MIN_REMAINING
    max_iters: int = 30
    on_limit: Decision = Decision.STOP_AND_COPY

    def __post_init__(self) -> None:
        if not 0 < self.limit_s < float("inf"):
            raise InvalidValueError(f"limit_s must be above zero, not {self.limit_s!r}.")
        object.__setattr__(self, "on_limit", Decision(self.on_limit))
        take_count(self, "min_remaining", XEN_MIN_REMAINING)
        take_count(self, "max_iters", 30)

    def decide(self, stats: PrecopyStats) -> Decision:
        """Answer as `on_limit` says at the limit, otherwise stop when a rule fires."""
        fired = self.fires(stats)
        if fired is StopReason.TIME_LIMIT:
            return self.on_limit
        return Decision.CONTINUE if fired is None else Decision.STOP_AND_COPY

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        if stats.dirty_pages is not None and stats.dirty_pages < self.min_remaining:
            return StopReason.MIN_REMAINING
        if stats.iteration >= self.max_iters:
            return StopReason.MAX_ITERS
        return StopReason.TIME_LIMIT if stats.elapsed_s is not None and stats.elapsed_s >= self.limit_s else None
