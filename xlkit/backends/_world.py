"""The simulator's world: a guest, its memory and a link, all imagined, on a virtual clock of whole nanoseconds."""

import copy
import random
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self

from xlkit.backends._dirtying import DirtyingLaw, ImaginedPages
from xlkit.model import DowntimePart, Knowledge, Side
from xlkit.protocols import HandOver
from xlkit.units import PAGE_BYTES

CLOCK_NAME: Final = "virtual clock"
_NS_A_SECOND: Final = 10**9
_HEADER_BYTES: Final = 16
_RUN_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Costs:
    """What the link and the fixed work of a migration take, in whole nanoseconds but for the bandwidth [B/s]."""

    bandwidth_bytes_s: Fraction
    arm_ns: int
    collect_ns: int
    decide_ns: int
    pass_ns: int
    suspend_ns: int
    resume_ns: int
    warm_up_ns: int


class Jitter:
    """By how much the bandwidth of each pass is off, the same for the same seed.

    Parameters
    ----------
    seed : int
        Chooses the sequence.
    noise : float
        Largest relative deviation, 0 to less than 1.
    """

    def __init__(self, seed: int, noise: float) -> None:
        self._random, self._noise = random.Random(seed), Fraction(noise)  # noqa: S311 - a simulation, no secret
        self._factors: list[Fraction] = []

    def factor(self, number: int) -> Fraction:
        """Tell the factor on the bandwidth of a pass.

        Parameters
        ----------
        number : int
            Number of the pass, from 0.

        Returns
        -------
        fractions.Fraction
            ``1 - noise`` to ``1 + noise``.
        """
        while len(self._factors) <= number:
            self._factors.append(1 + self._noise * (2 * Fraction(self._random.random()) - 1))
        return self._factors[number]


class World:
    """A guest at the source and a link to the destination; `xlkit.precopy` moves it.

    Parameters
    ----------
    memory_pages : int
        Size of the guest [page of 4096 B].
    law : DirtyingLaw
        What the guest dirties.
    costs : Costs
        What takes time.
    jitter : Jitter, optional
        Deviation of the bandwidth; none when not given.
    """

    def __init__(self, memory_pages: int, law: DirtyingLaw, costs: Costs, jitter: Jitter | None) -> None:
        self._memory_pages, self._law, self._costs, self._jitter = memory_pages, law, costs, jitter
        self._now_ns, self._guest_ns = 0, costs.warm_up_ns
        self._collected_step = 0
        self._collections = 0
        self.paused = False
        self.runs_at = Side.SOURCE

    def clock(self) -> float:
        """Tell the time since the start of the run [s]."""
        return self._now_ns / _NS_A_SECOND

    def fork(self) -> Self:
        """Return a world in the same state that goes its own way from here."""
        return copy.copy(self)

    def ask(self) -> None:
        """Let the time pass that asking a policy takes."""
        self._spend(self._costs.decide_ns)

    def all_pages(self) -> ImaginedPages:
        self._clear()
        self._spend(self._costs.arm_ns)
        return ImaginedPages(self._memory_pages, 1, ((0, self._memory_pages, 1.0),))

    def collect_dirty(self) -> ImaginedPages:
        begin_step = self._collected_step
        dirty = self._law.dirty(begin_step, self._clear())
        self._spend(self._costs.collect_ns)
        self._collections += 1
        return dirty

    def pause(self) -> None:
        # The guest works on until it has heard of it: the handshake dirties pages, too.
        self._spend(self._costs.suspend_ns)
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def send(self, pages: ImaginedPages, *, final: bool) -> int:  # noqa: ARG002 - the protocol's signature
        sent_bytes = _HEADER_BYTES + pages.runs * _RUN_BYTES + pages.pages * PAGE_BYTES
        bytes_s = self._costs.bandwidth_bytes_s
        if self._jitter is not None:
            bytes_s *= self._jitter.factor(self._collections)
        # Whole numbers all the way: no platform's floating point has a say in how long a pass takes.
        self._spend(self._costs.pass_ns + sent_bytes * _NS_A_SECOND * bytes_s.denominator // bytes_s.numerator)
        return sent_bytes

    def hand_over(self) -> HandOver:
        begun_s = self.clock()
        self._spend(self._costs.resume_ns)
        self.paused, self.runs_at = False, Side.DESTINATION
        started_s = self.clock()
        resume = DowntimePart(
            name="resume", duration_s=started_s - begun_s, knowledge=Knowledge.EXACT, clock=CLOCK_NAME
        )
        return HandOver(started_s=started_s, parts=(resume,))

    def _clear(self) -> int:
        self._collected_step = self._guest_ns // self._law.period_ns
        return self._collected_step

    def _spend(self, duration_ns: int) -> None:
        self._now_ns += duration_ns
        if not self.paused:
            self._guest_ns += duration_ns
