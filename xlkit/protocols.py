"""The seams: what a backend, a policy and a watcher are, and what a world must supply to the precopy loop.

A migration is driven by a *backend* under a *policy*; the run is a stream of events that *watchers* hear. The precopy
loop (`xlkit.precopy`) serves every world that brings a *memory* and a *link*: the simulator and the live engine alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from xlkit.model import (
    Control,
    Decision,
    DowntimePart,
    Event,
    Iteration,
    Migration,
    PrecopyStats,
    Run,
    RunStop,
    Setup,
    StopReason,
)


@runtime_checkable
class Policy(Protocol):
    """Decides when precopy ends.

    A policy is data: a frozen dataclass, stored with the run and replayed afterwards. It is asked twice a pass and must
    answer from `stats` alone, so that the same numbers give the same answer again.
    """

    def decide(self, stats: PrecopyStats) -> Decision:
        """Answer for the moment that `stats` describes."""


@runtime_checkable
class Reasoned(Protocol):
    """A policy that can also tell which of its rules ended precopy; one that cannot is recorded as ``policy``."""

    def reason(self, stats: PrecopyStats) -> StopReason:
        """Name the rule that fired at `stats`."""


@runtime_checkable
class Interruptible(Protocol):
    """A policy that can be told to abort in the middle of a pass; the runner's switch is one."""

    def abort_requested(self) -> bool:
        """Tell whether the pass should be given up now."""


class Backend(Protocol):
    """Drives a migration."""

    name: str

    def preflight(self, migration: Migration) -> Setup:
        """Find out what would fail, change nothing, and return what is recorded of the set-up.

        Raises
        ------
        PreflightError
            If the migration would fail; nothing was started.
        """

    def migrate(self, migration: Migration, policy: Policy) -> Iterator[Iteration | RunStop]:
        """Yield each pass as it ends, then one `RunStop`; closing the iterator aborts.

        Raises
        ------
        MigrationError
            If the migration failed. Before the hand-over the guest runs on at the source, afterwards at the
            destination; where nobody can tell, it is an `UndefinedOutcomeError`.
        """


class Attachable(Backend, Protocol):
    """A backend whose migrations outlive their watcher."""

    def attach(self, run: Run, policy: Policy) -> Iterator[Iteration | Control | RunStop]:
        """Find the migration of a run that lost its watcher; the iterator tells it from its first pass on.

        Before each pass come the orders that an earlier watcher gave and that it obeyed; those given from now on are
        `policy`'s to tell. Closing the iterator gives the migration up.

        Raises
        ------
        PreflightError
            If there is no such migration any more; raised at once, not when the iterator begins.
        """


Watcher = Callable[[Event], None]
"""Hears every event, in order, after the journal has it. It may be slow or fail: the migration goes on."""


class PageSet(Protocol):
    """Pages to be sent; only the world that made it looks inside."""

    @property
    def pages(self) -> int:
        """How many there are [page of 4096 B]."""


@runtime_checkable
class Located(Protocol):
    """Pages to be sent that can tell where in the guest they lie; of others, no map is recorded."""

    def below(self, borders: Sequence[int]) -> Sequence[int]:
        """Count, for each border, the pages of lower number [page of 4096 B]."""


Pages = TypeVar("Pages", bound=PageSet, covariant=True)
PagesIn = TypeVar("PagesIn", bound=PageSet, contravariant=True)


class Memory(Protocol[Pages]):
    """The guest's memory at the source, and the guest itself as far as it can be paused."""

    def all_pages(self) -> Pages:
        """Begin to track writes, and return the whole memory."""

    def collect_dirty(self) -> Pages:
        """Return the pages written since the last call (or since `all_pages`), and clear them."""

    def pause(self) -> None:
        """Suspend the guest; nothing is written afterwards."""

    def resume(self) -> None:
        """Let the guest run on at the source; harmless when it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """What a link knows once the destination runs the guest.

    Parameters
    ----------
    started_s : float
        When the guest ran again, by the clock of the run [s].
    parts : tuple of DowntimePart
        What the link measured of the downtime.
    """

    started_s: float
    parts: tuple[DowntimePart, ...]


class Link(Protocol[PagesIn]):
    """The way to the destination."""

    def send(self, pages: PagesIn, *, final: bool) -> int:
        """Deliver pages and return the bytes that went out; `final` when the guest is paused."""

    def hand_over(self) -> HandOver:
        """Start the guest at the destination.

        When this raises, the destination does not run the guest; where that cannot be told, it raises
        `UndefinedOutcomeError`.
        """


Clock = Callable[[], float]
"""Seconds since the start of the run."""

__all__ = [
    "Backend",
    "Clock",
    "HandOver",
    "Interruptible",
    "Link",
    "Memory",
    "PageSet",
    "Policy",
    "Reasoned",
    "Watcher",
]
