"""SUSE's line at the end of each pass: how much went out, in which time."""

from dataclasses import dataclass, field, replace

from xlkit.model import Iteration, Phase
from xlkit.units import PAGE_BYTES

CLOCK = "durations told by the source; the time between passes is not known"


@dataclass(frozen=True, slots=True)
class Rate:
    """What one line says."""

    pages: int
    overhead_bytes: int
    duration_s: float

    @property
    def sent_bytes(self) -> int:
        """Bytes that went out [B]."""
        return self.pages * PAGE_BYTES + self.overhead_bytes


@dataclass(slots=True)
class Rates:
    """Put passes together from these lines alone, or add them to passes that are known from elsewhere.

    A pass that sends nothing has no line, so alone they number the passes that sent something. The last before the end
    of the save is the one of the blackout; it carries the number of the pass before it, as SUSE's rule stops.
    """

    _held: Rate | None = None
    _now_s: float = 0.0
    _told: int = 0
    _sent_pages: int = 0
    heard: list[Rate] = field(default_factory=list)

    def take(self, rate: Rate, *, alone: bool) -> list[Iteration]:
        """Take a line; where the lines stand alone, the one before it was a live pass."""
        done = self.flush(Phase.PRECOPY) if alone else []
        self._held = rate
        self.heard.append(rate)
        return done

    def flush(self, phase: Phase) -> list[Iteration]:
        """End the pass whose line was held back."""
        rate, self._held = self._held, None
        if rate is None:
            return []
        final = phase is Phase.STOP_AND_COPY
        begun_s, self._now_s = self._now_s, self._now_s + rate.duration_s
        one = Iteration(
            iteration=max(0, self._told - final),
            phase=phase,
            dirty_pages=None,
            total_written_pages=self._sent_pages,
            sent_pages=rate.pages,
            sent_bytes=rate.sent_bytes,
            begun_s=begun_s,
            ended_s=self._now_s,
            decision_before=None,
            decision_after=None,
        )
        self._told += 1
        self._sent_pages += rate.pages
        return [one]

    def added_to(self, done: list[Iteration], *, timed: bool) -> list[Iteration]:
        """Add the line that was held back to the pass that has ended now."""
        rate = self._held
        if rate is None or not done:
            return done
        self._held = None
        *before, last = done
        last = replace(last, sent_pages=rate.pages, sent_bytes=rate.sent_bytes)
        if not timed:
            begun_s, self._now_s = self._now_s, self._now_s + rate.duration_s
            last = replace(last, begun_s=begun_s, ended_s=self._now_s)
        return [*before, last]
