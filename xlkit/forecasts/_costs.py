"""What one recorded run tells of its costs: what passes took beside their pages, and what came around them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from xlkit.model import Decision, Iteration, Phase, Run, Status
from xlkit.units import PAGE_BYTES

_MOST_STEPS_A_MS = 5.0
_PAGES_A_STEP = 11


@dataclass(frozen=True, slots=True)
class Sent:
    """A pass that was timed: its pages, the bytes that went out (or the bytes of its pages), and its time."""

    first: bool
    pages: int
    sent_bytes: int
    took_s: float
    bytes_known: bool


def sent(run: Run) -> Iterator[Sent]:
    """Yield the passes sent while the guest ran, of which pages and time are known."""
    for one in _live(run):
        pages = one.sent_pages if one.sent_pages is not None else run.backed_pages(one)
        took_s = one.ended_s - one.begun_s
        if pages and took_s > 0:
            known = one.sent_bytes is not None
            yield Sent(one.iteration == 0, pages, one.sent_bytes or pages * PAGE_BYTES, took_s, known)


@dataclass(frozen=True, slots=True)
class At:
    """A time, and the size of the set that it was seen at."""

    took_s: float
    pages: int


@dataclass(frozen=True, slots=True)
class Ending:
    """From the last live pass to the collection of the final set, and what of it the guest needed to suspend.

    `answered` tells whether the policy was asked in between, as it is where it did not stop before that pass.
    """

    gap_s: float
    suspend_s: float | None
    answered: bool


def waits(run: Run) -> list[At]:
    """List the times from the end of a pass to the collection of the next set."""
    return [At(max(0.0, now.collected_s - last.ended_s), last.dirty_pages or 0) for last, now in pairwise(_live(run))]


def collects_s(run: Run) -> list[float]:
    """List the times from a collection to the begin of the pass that sends the set."""
    return [one.collect_s for one in _live(run)[1:] if one.collect_s is not None]


def ending(run: Run) -> Ending | None:
    """Tell how a run went from its last live pass to its final set."""
    live, final = _live(run), _final(run)
    if final is None or not live:
        return None
    suspend_s = next((part.duration_s for part in run.stop.downtime if part.name == "suspend"), None)
    answered = live[-1].decision_before is not Decision.STOP_AND_COPY
    return Ending(max(0.0, final.collected_s - live[-1].ended_s), suspend_s, answered)


def answer_s(endings: Sequence[Ending], wait_s: float) -> float | None:
    """Tell how long an answer of the policy takes: two lie between live passes, one or none before the final set."""
    seen = [
        wait_s - (one.gap_s - one.suspend_s) if one.answered else (wait_s - (one.gap_s - one.suspend_s)) / 2
        for one in endings
        if one.suspend_s is not None
    ]
    return min(max(0.0, median(seen)), wait_s / 2) if seen else None


def fixed_downtimes(run: Run, bytes_s: float, bytes_a_page: float) -> list[At]:
    """List, at most one, the downtime beside the transfer of the final set."""
    final, downtime_s = _final(run), run.stop.downtime_s
    if run.stop.status is not Status.COMPLETED or downtime_s is None or final is None:
        return []
    pages = final.dirty_pages if final.sent_pages is None else final.sent_pages
    if pages is None:
        return []
    sent_bytes = pages * bytes_a_page if final.sent_bytes is None else final.sent_bytes
    # A final set that went faster than the passes leaves less than nothing; what it cost besides stays unknown.
    rest_s = downtime_s - sent_bytes / bytes_s
    return [At(rest_s, pages)] if rest_s > 0 else []


def befores_s(run: Run) -> list[float]:
    """List, at most one, the time before pass 0."""
    return [max(0.0, one.begun_s) for one in run.iterations[:1] if one.iteration == 0]


def afters_s(run: Run, wait_s: float, answer_s: float) -> list[float]:
    """List, at most one, what of the run after the last live pass is neither downtime nor a wait for an answer."""
    live, stop, end = _live(run), run.stop, ending(run)
    if stop.status is not Status.COMPLETED or stop.ended_s is None or stop.downtime_s is None or end is None:
        return []
    waited_s = wait_s - (1 if end.answered else 2) * answer_s
    return [max(0.0, stop.ended_s - live[-1].ended_s - stop.downtime_s - waited_s)]


def written_pages_s(run: Run) -> float | None:
    """Tell how many pages a second the guest wrote by its heartbeat, the page of its registers left out.

    The live engine's heartbeat counts that page at each step; a step is a millisecond to a fifth of one long and writes
    ten data pages where it can.
    """
    # During the final pass the guest stands still.
    beats = [one.heartbeat_pages for one in _live(run) if one.heartbeat_pages]
    n_ms = sum(map(len, beats))
    if not n_ms:
        return None
    pages_a_ms = sum(map(sum, beats)) / n_ms
    steps_a_ms = min(_MOST_STEPS_A_MS, max(1.0, pages_a_ms / _PAGES_A_STEP))
    return max(0.0, pages_a_ms - steps_a_ms) * 1000


def _live(run: Run) -> list[Iteration]:
    return [one for one in run.iterations if one.phase is Phase.PRECOPY]


def _final(run: Run) -> Iteration | None:
    return next((one for one in run.iterations if one.phase is Phase.STOP_AND_COPY), None)
