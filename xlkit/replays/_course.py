"""What may follow after a record ends: a favourable and an unfavourable course, pass by pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import ceil, floor, inf

from xlkit.model import Decision, PrecopyStats, StopReason
from xlkit.protocols import Policy
from xlkit.replays._outcome import Beyond, Bounds
from xlkit.replays._record import Record, ask
from xlkit.units import PAGE_BYTES

MOST_PASSES = 1000

_Observed = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Step:
    """A modelled pass: its set, how it stands after it, and what a blackout after it would send."""

    dirty_pages: int
    iteration: int
    ended_s: float
    pass_s: float
    precopy_bytes: float
    final_pages: int


class Courses:
    """The two courses after the passes of a record, of which there must be at least one.

    Parameters
    ----------
    record : Record
        Where they begin.
    """

    def __init__(self, record: Record) -> None:
        done = record.answerable
        self._record, self._last, self.first_number = record, done[-1], record.next_number
        reads = [*done, record.final] if record.final and record.whole else done
        self._waits_s = [max(0.0, now.collected_s - last.ended_s) for last, now in pairwise(reads)] or [0.0]
        self._reads_s = [max(0.0, one.begun_s - one.collected_s) for one in done]
        self._sets = [
            (now.collected_s - last.collected_s, now.dirty_pages)
            for last, now in pairwise(reads)
            if now.dirty_pages is not None and now.collected_s > last.collected_s
        ]
        sent = [(one.dirty_pages if one.sent_pages is None else one.sent_pages, one) for one in done]
        self._passes = [(pages, max(0.0, one.ended_s - one.begun_s)) for pages, one in sent if pages]
        known = [(float(pages), float(one.sent_bytes)) for pages, one in sent if pages and one.sent_bytes is not None]
        self._bytes = known or [(1.0, float(PAGE_BYTES))]
        self._sent_bytes = sum(
            one.sent_bytes if one.sent_bytes is not None else (one.dirty_pages or 0) * PAGE_BYTES for one in done
        )
        self._memory_pages = record.memory_pages or max(one.dirty_pages or 0 for one in done)

    def steps(self, *, favourable: bool) -> Iterator[Step]:
        """Go on for `MOST_PASSES` passes."""
        pick = min if favourable else max
        wait_s, read_s = pick(self._waits_s), pick(self._reads_s)
        read_at_s, ended_s, sent_bytes = self._last.collected_s, self._last.ended_s, float(self._sent_bytes)
        dirty = self._dirty_pages(ended_s + wait_s - read_at_s, favourable=favourable)
        for number in range(self.first_number, self.first_number + MOST_PASSES):
            read_at_s = ended_s + wait_s
            pass_s = bound(self._passes, dirty, favourable=favourable) if self._passes else 0.0
            ended_s = read_at_s + read_s + pass_s
            sent_bytes += bound(self._bytes, dirty, favourable=favourable)
            # What a blackout after this pass would find is what the next pass finds.
            left = self._dirty_pages(ended_s + wait_s - read_at_s, favourable=favourable)
            yield Step(dirty, number, ended_s, pass_s, sent_bytes, left)
            dirty = left

    def end(self, policy: Policy, *, favourable: bool) -> tuple[Step, int, StopReason] | None:
        """Follow a policy along a course: the last pass, the number at which it ended and why; None if it did not."""
        last = self._start()
        written_pages = self._last.total_written_pages + (self._last.dirty_pages or 0)
        for step in self.steps(favourable=favourable):
            answer, reason = ask(policy, self._stats(last, step.iteration, step.dirty_pages, written_pages))
            if answer is not Decision.CONTINUE:
                return last if answer is Decision.ABORT else step, step.iteration, reason
            written_pages += step.dirty_pages
            answer, reason = ask(policy, self._stats(step, step.iteration + 1, None, written_pages))
            if answer is not Decision.CONTINUE:
                return step, step.iteration + 1, reason
            last = step
        return None

    def beyond(self, policy: Policy) -> Beyond:
        """Range over both courses."""
        ends = [self.end(policy, favourable=favourable) for favourable in (True, False)]
        steps = [
            end[0] if end else self.last(favourable=favourable)
            for end, favourable in zip(ends, (True, False), strict=True)
        ]
        numbers = [end[1] if end else step.iteration + 1 for end, step in zip(ends, steps, strict=True)]
        endless = None in ends
        reasons = [end[2] if end else StopReason.UNKNOWN for end in ends]
        return Beyond(
            iteration=_bounds(numbers, endless=endless),
            precopy_s=_bounds([step.ended_s for step in steps], endless=endless),
            precopy_bytes=_bounds([step.precopy_bytes for step in steps], endless=endless),
            final_pages=_bounds([step.final_pages for step in steps], endless=False),
            stop_reasons=(reasons[0], reasons[1]),
        )

    def last(self, *, favourable: bool) -> Step:
        """Give the last pass that is modelled."""
        return next(islice(self.steps(favourable=favourable), MOST_PASSES - 1, None))

    def _start(self) -> Step:
        last = self._last
        return Step(
            dirty_pages=last.dirty_pages or 0,
            iteration=last.iteration,
            ended_s=last.ended_s,
            pass_s=last.ended_s - last.begun_s,
            precopy_bytes=float(self._sent_bytes),
            final_pages=0,
        )

    def _stats(self, last: Step, iteration: int, dirty_pages: int | None, written_pages: int) -> PrecopyStats:
        return PrecopyStats(
            iteration=iteration,
            dirty_pages=dirty_pages,
            total_written_pages=written_pages,
            memory_pages=self._record.memory_pages,
            elapsed_s=last.ended_s,
            last_sent_pages=last.dirty_pages,
            last_pass_s=last.pass_s,
        )

    def _dirty_pages(self, window_s: float, *, favourable: bool) -> int:
        if not self._sets:
            return 0 if favourable else self._memory_pages
        pages = bound(self._sets, window_s, favourable=favourable)
        return min(floor(pages) if favourable else ceil(pages), self._memory_pages)


def bound(observed: _Observed, at: float, *, favourable: bool) -> float:
    """Bound what grows with `at`, but no more than in proportion, or at one of the rates that were observed."""
    low, high, slowest, fastest = 0.0, inf, inf, 0.0
    for place, value in observed:
        rate = value / place
        there = rate * at
        least, most = (value, there) if value < there else (there, value)
        # Compared by hand: this is where a grid over many runs spends its time, and calls of min and max are dear.
        low = least if least > low else low  # noqa: FURB136
        high = most if most < high else high  # noqa: FURB136
        slowest = rate if rate < slowest else slowest  # noqa: FURB136
        fastest = rate if rate > fastest else fastest  # noqa: FURB136
    # Observations that contradict each other (noise, a load that changed) leave the two the other way round.
    return min(low, high, slowest * at) if favourable else max(low, high, fastest * at)


def _bounds(values: Sequence[float], *, endless: bool) -> Bounds:
    return min(values), None if endless else max(values)
