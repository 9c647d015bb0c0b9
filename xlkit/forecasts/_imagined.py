"""A guest and a link made from what was learned, for the precopy loop, on a clock of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from xlkit.model import Decision, Iteration, PrecopyStats
from xlkit.protocols import HandOver, Policy

MOST_PASSES: Final = 1000
CLOCK_NAME: Final = "clock of a forecast"


class Pages(NamedTuple):
    """Pages that have a number, but no content."""

    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One way in which it may go: a value for each of what was learned as a range, seconds and bytes a second.

    `dirty_pages` tells from a window how many pages are dirtied in it [page]; `wait_s` from the size of a pass what is
    done after it, and `fixed_downtime_s` from that of the final set what the downtime is beside the transfer; `speed`
    the share of the bandwidth that the next pass has.
    """

    dirty_pages: Callable[[float], int]
    wait_s: Callable[[int], float]
    fixed_downtime_s: Callable[[int], float]
    speed: Callable[[], float]
    memory_pages: int
    first_pages: int
    bytes_s: float
    first_bytes_s: float
    page_bytes: float
    first_page_bytes: float
    pass_s: float
    collect_s: float
    answer_s: float
    suspend_s: float
    before_s: float


class ImaginedGuest:
    """A guest whose first passes went as they were recorded, and the others as it was drawn.

    Parameters
    ----------
    drawn : Drawn
        What it costs.
    done : sequence of Iteration
        The passes of the run itself that are known, from pass 0 on.
    """

    def __init__(self, drawn: Drawn, done: Sequence[Iteration]) -> None:
        self._drawn, self._done = drawn, done
        self._now_s, self._collected_s, self._number = 0.0, 0.0, 0
        self._last_pages, self._suspended_s = 0, float("inf")
        self.downtime_s: float | None = None

    def clock(self) -> float:
        """Tell the time since the start of the run [s]."""
        return self._now_s

    def answer(self) -> None:
        """Let the time pass that an answer of the policy takes."""
        self._now_s += self._drawn.answer_s

    def all_pages(self) -> Pages:
        """Return the whole memory, as pass 0 counts it."""
        if self._done:
            return self._recorded()
        self._now_s = self._collected_s = self._drawn.before_s
        return Pages(self._drawn.first_pages)

    def collect_dirty(self) -> Pages:
        """Return the pages written since the last call."""
        self._number += 1
        if self._number < len(self._done):
            return self._recorded()
        if self._suspended_s <= self._now_s:
            # The final collection is part of the fixed downtime.
            return Pages(self._drawn.dirty_pages(self._now_s - self._collected_s))
        # The answer before a pass comes after the collection, but a record tells the latter as if it were just before.
        self._wait()
        self.answer()
        found = Pages(self._drawn.dirty_pages(self._now_s - self._collected_s))
        self._collected_s = self._now_s
        self._now_s += self._drawn.collect_s
        return found

    def pause(self) -> None:
        """Suspend the guest, which writes until it stands still."""
        self._wait()
        self._suspended_s = self._now_s
        self._now_s += self._drawn.suspend_s

    def resume(self) -> None:
        """Let the guest run on: nothing to do."""

    def send(self, pages: Pages, *, final: bool) -> int:
        """Deliver pages, in the time that was recorded or drawn."""
        drawn, known, first = self._drawn, self._number < len(self._done) and not final, self._number == 0
        backed, page_bytes, bytes_s = pages.pages, drawn.page_bytes, drawn.bytes_s
        if first:
            backed, page_bytes = min(backed, drawn.memory_pages), drawn.first_page_bytes
            bytes_s = drawn.first_bytes_s
        sent_bytes = round(backed * page_bytes)
        self._last_pages = backed
        if known:
            one = self._done[self._number]
            self._now_s = one.ended_s
            return sent_bytes if one.sent_bytes is None else one.sent_bytes
        self._now_s += sent_bytes / (bytes_s * drawn.speed()) + (0.0 if final else drawn.pass_s)
        return sent_bytes

    def hand_over(self) -> HandOver:
        """Start the guest at the destination."""
        drawn = self._drawn
        self._now_s += max(0.0, drawn.fixed_downtime_s(self._last_pages) - drawn.suspend_s)
        self.downtime_s = self._now_s - self._suspended_s
        return HandOver(started_s=self._now_s, parts=())

    def _wait(self) -> None:
        self._now_s += self._drawn.wait_s(self._last_pages)

    def _recorded(self) -> Pages:
        one = self._done[self._number]
        self._now_s, self._collected_s = one.begun_s, one.collected_s
        pages = one.dirty_pages if one.dirty_pages is not None else one.sent_pages
        return Pages(self._drawn.dirty_pages(one.ended_s - one.begun_s) if pages is None else pages)


class ForecastPolicy:
    """The policy of the run, asked about the passes that are not known yet; it gives up after `MOST_PASSES`.

    Parameters
    ----------
    policy : Policy
        When precopy ends.
    guest : ImaginedGuest
        Whose clock goes on meanwhile.
    done : sequence of Iteration
        The passes that are known, with the answers that were given.
    """

    def __init__(self, policy: Policy, guest: ImaginedGuest, done: Sequence[Iteration]) -> None:
        self._policy, self._guest, self._done = policy, guest, done
        self.endless = False

    def decide(self, stats: PrecopyStats) -> Decision:
        """Answer as it was recorded, or as the policy does."""
        known = self._answered(stats)
        if stats.dirty_pages is None and stats.iteration >= len(self._done):
            self._guest.answer()
        if known is not None:
            return known
        answer = self._policy.decide(stats)
        if answer is Decision.CONTINUE and stats.iteration >= max(MOST_PASSES, len(self._done) + 1):
            self.endless = True
            return Decision.ABORT
        return answer

    def _answered(self, stats: PrecopyStats) -> Decision | None:
        after = stats.dirty_pages is None
        number = stats.iteration - 1 if after else stats.iteration
        if number >= len(self._done):
            return None
        if not after:
            return self._done[number].decision_before or Decision.CONTINUE
        # Where another pass followed the run went on, whatever the record says of the answer.
        return Decision.CONTINUE if number + 1 < len(self._done) else self._done[number].decision_after
