"""Xen's rule with its knobs, and the rules of Xen's relatives."""

from dataclasses import dataclass
from typing import ClassVar

from xlkit.model import PrecopyStats, StopReason
from xlkit.policies._rule import XEN_MAX_ITERS, XEN_MIN_REMAINING, Rule, take_count

_EMU_MIN_REMAINING = 50
_EMU_MAX_ITERS = 4
_EMU_EVENT_S = 0.5


@dataclass(frozen=True, slots=True)
class ThresholdPolicy(Rule):
    """Xen's rule with its two constants as knobs: few dirty pages left, or enough passes.

    Parameters
    ----------
    min_remaining : int, default 50
        Stop when strictly fewer pages are dirty before a pass [page of 4096 B]; that pass is still sent while the guest
        runs, so this bounds the last live pass, not the pages of the blackout. 0 asks for the default.
    max_iters : int, default 5
        Stop when so many passes are done. 0 asks for the default.

    Raises
    ------
    InvalidValueError
        If one is text, a fraction, negative or over 2**32 - 1 (``atoi`` in the C code takes them all silently).

    References
    ----------
    .. [1] Xen, ``tools/libs/guest/xg_sr_save.c``, ``simple_precopy_policy()``.
    .. [2] O. Hering, "[PATCH v20210111 38/39] tools: add --min_remaining to libxl_domain_suspend", xen-devel,
           2021-01-11.

    Examples
    --------
    >>> policy = ThresholdPolicy(min_remaining=50, max_iters=5)
    >>> policy.decide(PrecopyStats(iteration=1, dirty_pages=50, total_written_pages=262144))
    <Decision.CONTINUE: 'continue'>
    >>> policy.decide(PrecopyStats(iteration=5, dirty_pages=None, total_written_pages=262144))
    <Decision.STOP_AND_COPY: 'stop_and_copy'>
    """

    name: ClassVar[str] = "threshold"
    min_remaining: int = XEN_MIN_REMAINING
    max_iters: int = XEN_MAX_ITERS

    def __post_init__(self) -> None:
        take_count(self, "min_remaining", XEN_MIN_REMAINING)
        take_count(self, "max_iters", XEN_MAX_ITERS)

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        if stats.dirty_pages is not None and stats.dirty_pages < self.min_remaining:
            return StopReason.MIN_REMAINING
        return StopReason.MAX_ITERS if stats.iteration >= self.max_iters else None


@dataclass(frozen=True, slots=True)
class SusePolicy(Rule):
    """SUSE's rule of Xen 4.15 to 4.19: the passes are only counted where the dirty count is known.

    So `max_iters` gives ``max_iters + 1`` live passes.

    Parameters
    ----------
    min_remaining : int, default 50
        Stop when strictly fewer pages are dirty before a pass [page of 4096 B]. 0 asks for the default.
    max_iters : int, default 1
        Stop before the pass of this number, counted from 0; that pass is still sent. 0 asks for the default of those
        packages.

    References
    ----------
    .. [1] O. Hering, "[PATCH v20210111 39/39] tools: add --abort_if_busy to libxl_domain_suspend", xen-devel,
           2021-01-11.
    .. [2] openSUSE, package ``xen``, ``libxc-sr-number-of-iterations.patch`` (default 1).
    """

    name: ClassVar[str] = "suse"
    min_remaining: int = XEN_MIN_REMAINING
    max_iters: int = 1

    def __post_init__(self) -> None:
        take_count(self, "min_remaining", XEN_MIN_REMAINING)
        take_count(self, "max_iters", 1)

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        if stats.dirty_pages is None:
            return None
        if stats.dirty_pages < self.min_remaining:
            return StopReason.MIN_REMAINING
        return StopReason.MAX_ITERS if stats.iteration >= self.max_iters else None


@dataclass(frozen=True, slots=True)
class LegacyXenPolicy(Rule):
    """Xen's rule up to 4.5: it looks at what a pass has sent, not at what is dirty next.

    Parameters
    ----------
    min_remaining : int, default 50
        Stop after a pass that sent strictly fewer pages [page of 4096 B]. 0 asks for the default.
    max_iters : int, default 29
        Stop when so many passes are done. 0 asks for the default.
    max_factor : int, default 3
        Stop when more than so many times the guest's memory went out. 0 asks for the default.

    References
    ----------
    .. [1] Xen 4.5, ``tools/libxc/xc_domain_save.c``, ``xc_domain_save()``, ``DEF_MAX_ITERS``, ``DEF_MAX_FACTOR``.
    """

    name: ClassVar[str] = "legacy_xen"
    min_remaining: int = XEN_MIN_REMAINING
    max_iters: int = 29
    max_factor: int = 3

    def __post_init__(self) -> None:
        take_count(self, "min_remaining", XEN_MIN_REMAINING)
        take_count(self, "max_iters", 29)
        take_count(self, "max_factor", 3)

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        if stats.dirty_pages is not None:
            return None
        if stats.iteration >= self.max_iters:
            return StopReason.MAX_ITERS
        if stats.last_sent_pages is not None and stats.last_sent_pages < self.min_remaining:
            return StopReason.MIN_REMAINING
        too_much = stats.memory_pages is not None and stats.total_written_pages > self.max_factor * stats.memory_pages
        return StopReason.MAX_FACTOR if too_much else None


@dataclass(frozen=True, slots=True)
class XenServerPolicy(Rule):
    """XenServer's rule, decided by its emu-manager: the stop lands one call late, after the pass it was meant for.

    References
    ----------
    .. [1] xenserver/emu-manager, ``emum.c`` (constants 50 and 4); ``xenguest``'s callback returns the last command it
           was given.
    """

    name: ClassVar[str] = "xenserver"

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        done = stats.iteration - 1
        if stats.dirty_pages is not None or done < 1:
            return None
        if stats.last_sent_pages is not None and stats.last_sent_pages < _EMU_MIN_REMAINING:
            return StopReason.MIN_REMAINING
        return StopReason.MAX_ITERS if done >= _EMU_MAX_ITERS else None


@dataclass(frozen=True, slots=True)
class XcpNgPolicy(Rule):
    """XCP-ng's rule: like XenServer's, but 50 pages are few enough, and a long pass ends it.

    Any pass after 0 that lasts over half a second is long: the events that come twice a second within a pass carry a
    remainder of -1, which is under the limit, too.

    References
    ----------
    .. [1] xcp-ng/xcp-emu-manager, ``src/emu.c``.
    """

    name: ClassVar[str] = "xcp_ng"

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        done = stats.iteration - 1
        if stats.dirty_pages is not None or done < 1:
            return None
        slow = stats.last_pass_s is not None and stats.last_pass_s > _EMU_EVENT_S
        if slow or (stats.last_sent_pages is not None and stats.last_sent_pages <= _EMU_MIN_REMAINING):
            return StopReason.MIN_REMAINING
        return StopReason.MAX_ITERS if done >= _EMU_MAX_ITERS else None
