"""What cannot be, or stands out: counters, numbers of passes, times, a slow pass, two accounts that contradict."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import isfinite
from statistics import median
from typing import Any, Final

from xlkit.diagnosis._finding import Finding, Kind
from xlkit.diagnosis._outcome import one_line, stopped_before_pass
from xlkit.diagnosis.story import live_passes, pages_text
from xlkit.model import DowntimePart, Iteration, Knowledge, Phase, Run
from xlkit.units import PAGE_BYTES, format_s

_SIGNED_END: Final = 2**63
_WORD_32: Final = 2**32
_WORD_64: Final = 2**64
_MOST_PAGES: Final = 2**52
_LONGEST_S: Final = 1e9
_TIMES_SLOWER: Final = 3.0
_NEIGHBOURS: Final = 2
_FEWEST_NEIGHBOURS: Final = 2
_SLACK_S: Final = 1e-6
_SHARE_OFF: Final = 0.02
_MOST_NAMED: Final = 5

_PAGE_COUNTERS: Final = ("dirty_pages", "sent_pages")
_MODELLED: Final = frozenset({"wrapped_counter", "time_backwards", "iteration_gap"})


def anomalies(run: Run) -> Iterator[Finding]:
    """List what stands out in the record of a run, or say that nothing does."""
    found = [one for rule in _RULES for one in rule(run)]
    yield from found or [_nothing(run)]


def sound(run: Run) -> bool:
    """Tell whether the numbers of a run can be calculated with."""
    contradicts = any(one.facts["anomaly"] in _MODELLED for rule in _RULES[:3] for one in rule(run))
    return not contradicts and all(
        isfinite(time_s) and 0 <= time_s <= _LONGEST_S
        for one in run.iterations
        for time_s in (one.begun_s, one.ended_s, one.collected_s)
    )


def _wrapped(run: Run) -> Iterator[Finding]:
    for one in run.iterations:
        for name in (*_PAGE_COUNTERS, "total_written_pages", "sent_bytes"):
            value = getattr(one, name)
            if value is not None and (why := _impossible(run, one, name, value)):
                yield _anomaly(
                    "wrapped_counter",
                    f"{name} of {pass_name(one)} reads {value:,}, which {why}; it is left out of all that follows.",
                    iteration=one.iteration,
                    counter=name,
                    value=value,
                )


def _impossible(run: Run, one: Iteration, name: str, value: int) -> str:
    if value < 0:
        return "is less than nothing"
    if value >= _SIGNED_END:
        return f"is {value - _WORD_64:,} in a counter of 64 bits that wrapped"
    most = _MOST_PAGES * (PAGE_BYTES if name == "sent_bytes" else 1)
    if value > most:
        return "is more than any guest has"
    memory_pages = run.start.setup.memory_pages
    # Pass 0 of an HVM or PVH guest counts the table of its frames.
    if name in _PAGE_COUNTERS and memory_pages is not None and one.iteration and value > memory_pages:
        return f"is more than the guest's {pages_text(memory_pages)}"
    return ""


def _gaps(run: Run) -> Iterator[Finding]:
    live = live_passes(run)
    if live and live[0].iteration:
        first = live[0].iteration
        told = f"The record begins with pass {first:,}; what went before is not known."
        yield _anomaly("iteration_gap", told, iteration=first, expected=0)
    for last, now in pairwise(live):
        if now.iteration != last.iteration + 1:
            told = f"Pass {last.iteration:,} is followed by pass {now.iteration:,}: the record is not whole."
            yield _anomaly("iteration_gap", told, iteration=now.iteration, expected=last.iteration + 1)
    finals = [one for one in run.iterations if one.phase is Phase.STOP_AND_COPY]
    if len(finals) > 1 or (finals and run.iterations[-1] is not finals[0]):
        told = f"The record holds {len(finals)} passes of a blackout, or passes after one: a run has one, at its end."
        yield _anomaly("iteration_gap", told, final_passes=len(finals))


def _backwards(run: Run) -> Iterator[Finding]:
    ended_s, after = 0.0, "the run began"
    for one in run.iterations:
        if one.collected_s < ended_s - _SLACK_S or (one.collect_s or 0.0) < 0:
            told = (
                f"{pass_name(one).capitalize()} begins {format_s(one.collected_s)} into the run, before {after} "
                f"({format_s(ended_s)}): its clock ran backwards, or two were mixed."
            )
            yield _anomaly("time_backwards", told, iteration=one.iteration, begun_s=one.collected_s, expected_s=ended_s)
        if one.ended_s < one.begun_s:
            told = f"{pass_name(one).capitalize()} ends {format_s(one.begun_s - one.ended_s)} before it begins."
            yield _anomaly("time_backwards", told, iteration=one.iteration, begun_s=one.begun_s, ended_s=one.ended_s)
        ended_s, after = one.ended_s, f"the end of {pass_name(one)}"
    if run.iterations and run.stop.ended_s is not None and run.stop.ended_s < ended_s - _SLACK_S:
        told = f"The run ends at {format_s(run.stop.ended_s)}, before {after} ({format_s(ended_s)})."
        yield _anomaly("time_backwards", told, ended_s=run.stop.ended_s, expected_s=ended_s)


def _written(run: Run) -> Iterator[Finding]:
    for last, now in pairwise(run.iterations):
        if last.dirty_pages is None:
            continue
        advanced = now.total_written_pages - last.total_written_pages
        # The pass of a stop before it is sent, and Xen does not count it.
        counted = 0 if now.phase is Phase.STOP_AND_COPY and stopped_before_pass(run) else last.dirty_pages
        if advanced == counted:
            continue
        wrapped = (counted - advanced) % _WORD_32 == 0
        why = "a counter of 32 bits wrapped" if wrapped else "passes are missing, or a count is wrong"
        told = (
            f"total_written goes on by {advanced:,} from {pass_name(last)} to {pass_name(now)}, where {counted:,} "
            f"pages were due: {why}."
        )
        yield _anomaly("total_written", told, iteration=now.iteration, advanced_pages=advanced, expected_pages=counted)


def _slow(run: Run) -> Iterator[Finding]:
    if not sound(run):
        return
    timed = [(one, pages) for one in live_passes(run) if (pages := one.sent_pages or one.dirty_pages)]
    passes = [(one, pages, one.ended_s - one.begun_s) for one, pages in timed if one.iteration]
    for at, (one, pages, took_s) in enumerate(passes):
        near = passes[max(0, at - _NEIGHBOURS) : at] + passes[at + 1 : at + 1 + _NEIGHBOURS]
        if len(near) < _FEWEST_NEIGHBOURS:
            continue
        # A larger set takes longer, in proportion at most; a smaller one no longer than its neighbour.
        expected_s = median(other_s * max(1.0, pages / other) for _, other, other_s in near)
        if 0 < expected_s * _TIMES_SLOWER < took_s:
            told = (
                f"Pass {one.iteration} took {format_s(took_s)} for {pages_text(pages)}, {took_s / expected_s:.1f} "
                f"times as long as the passes beside it let one expect ({format_s(expected_s)})."
            )
            yield _anomaly("slow_pass", told, iteration=one.iteration, took_s=took_s, expected_s=expected_s)


def _heartbeat(run: Run) -> Iterator[Finding]:
    own = [one for one in run.stop.downtime if one.clock == run.start.setup.clock]
    gaps = [one for one in run.stop.downtime if one.clock != run.start.setup.clock and one.duration_s is not None]
    # While it is asked to suspend the guest may still write.
    exact = [one for one in own if one.knowledge is Knowledge.EXACT and one.name != "suspend"]
    least_s = sum(one.duration_s or 0.0 for one in exact)
    for gap in gaps:
        if _contradicts(gap, least_s):
            name = one_line(gap.name).rstrip(".") or "gap"
            told = (
                f"The parts of the downtime after the suspend come to {format_s(least_s)}, and yet the {name} seen "
                f"from outside is no longer than {format_s(gap.duration_s)}: one of the two accounts is wrong."
            )
            yield _anomaly("heartbeat_gap", told, parts_s=least_s, gap_s=gap.duration_s)


def _contradicts(gap: DowntimePart, least_s: float) -> bool:
    known = gap.knowledge in {Knowledge.EXACT, Knowledge.AT_MOST}
    return known and gap.duration_s is not None and least_s > 0 and gap.duration_s < least_s * (1 - _SHARE_OFF)


def _frames(run: Run) -> Iterator[Finding]:
    first = next((one for one in live_passes(run) if one.iteration == 0), None)
    if first is None or first.dirty_pages is None:
        return
    backed, told_so = run.backed_pages(first), "dirty_pages_of_iteration_0" in run.start.setup.settings
    hvm = run.start.setup.settings.get("guest_type") != "PV"
    if backed != first.dirty_pages:
        told = f"of which {pages_text(backed or 0)} have memory behind them"
    elif told_so and hvm and run.start.setup.memory_pages is None:
        told = "holes included; how many have memory behind them is not recorded"
    else:
        return
    yield _anomaly(
        "p2m_in_pass_0",
        f"Pass 0 counts the {first.dirty_pages:,} frames of the guest's table, {told}: no size or bandwidth can be "
        "read off that count.",
        p2m_pages=first.dirty_pages,
        memory_pages=run.start.setup.memory_pages,
    )


def _nothing(run: Run) -> Finding:
    count = len(run.iterations)
    passes = "one pass" if count == 1 else f"{count:,} passes"
    if not count:
        return _anomaly("none", "No pass is recorded whose numbers could stand out.")
    return _anomaly("none", f"Nothing stands out: counters, numbers and times of {passes} were looked at.")


def pass_name(one: Iteration) -> str:
    """Name a pass for a reader."""
    return "the blackout's pass" if one.phase is Phase.STOP_AND_COPY else f"pass {one.iteration:,}"


def _anomaly(name: str, sentence: str, **facts: Any) -> Finding:
    return Finding(kind=Kind.ANOMALY, sentence=sentence, facts={"anomaly": name, **facts})


_RULES: Final[tuple[Callable[[Run], Iterator[Finding]], ...]] = (
    _wrapped,
    _gaps,
    _backwards,
    _written,
    _slow,
    _heartbeat,
    _frames,
)
