"""Where the downtime went: each part, how well it is known, and by which clock."""

from collections.abc import Iterator, Sequence
from typing import Final

from xlkit.diagnosis._finding import Finding, Kind
from xlkit.diagnosis._outcome import one_line
from xlkit.diagnosis.story import bounded_text
from xlkit.model import DowntimePart, Knowledge, Run, Status
from xlkit.units import format_s

_MEMORY: Final = frozenset({"copy", "collect"})
_SHARE: Final = 0.01


def downtime(run: Run) -> Iterator[Finding]:
    """Tell where the downtime went."""
    parts, total_s, clock = run.stop.downtime, run.stop.downtime_s, run.start.setup.clock
    if total_s is None and not parts:
        if run.stop.status is Status.COMPLETED:
            yield _finding("How long the guest stood still was not recorded.", downtime_s=None)
        return
    own = [one for one in parts if one.clock == clock]
    known = [one for one in own if one.duration_s is not None and one.knowledge is not Knowledge.UNKNOWN]
    knowledge = _together(known) if known else Knowledge.EXACT
    yield _whole(run, known, knowledge)
    if own:
        told = ", ".join(f"{_name(one)} {_part_text(one)}" for one in own)
        yield _finding(f"Its parts: {told}.", parts=[_data(one) for one in own])
    if total_s is not None and known and total_s > 0:
        yield from _shares(total_s, own, knowledge)
    for one in parts:
        if one.clock != clock:
            yield _outside(one)


def _whole(run: Run, known: Sequence[DowntimePart], knowledge: Knowledge) -> Finding:
    total_s, clock = run.stop.downtime_s, one_line(run.start.setup.clock).rstrip(".") or "not named"
    if total_s is not None:
        told = f"The guest stood still for {bounded_text(total_s, knowledge)} (clock: {clock})."
    elif known:
        least_s = sum(one.duration_s or 0.0 for one in known if one.knowledge is not Knowledge.AT_MOST)
        told = (
            f"How long the guest stood still in all is unknown; the parts that are known come to {format_s(least_s)} "
            f"(clock: {clock})."
        )
    else:
        told = "How long the guest stood still is unknown, and so is every part of it."
    return _finding(told, downtime_s=total_s, knowledge=str(knowledge), clock=run.start.setup.clock)


def _shares(total_s: float, own: Sequence[DowntimePart], knowledge: Knowledge) -> Iterator[Finding]:
    if any(one.duration_s is None or one.duration_s < 0 for one in own):
        return
    memory_s = sum(one.duration_s or 0.0 for one in own if one.name in _MEMORY)
    fixed_s = sum(one.duration_s or 0.0 for one in own if one.name not in _MEMORY)
    if memory_s > 0:
        yield _finding(
            f"Memory took {format_s(memory_s)} of it ({_percent(memory_s, total_s)}), which a policy can shorten; the "
            f"rest, {bounded_text(fixed_s, knowledge)} ({_percent(fixed_s, total_s)}), is there whatever the policy.",
            memory_s=memory_s,
            fixed_s=fixed_s,
            knowledge=str(knowledge),
        )
    rest_s = total_s - memory_s - fixed_s
    if abs(rest_s) > _SHARE * total_s:
        more = f"{format_s(rest_s)} of the downtime belong to no part that was recorded"
        less = f"the parts come to {format_s(-rest_s)} more than the downtime"
        yield _finding(f"{(more if rest_s > 0 else less).capitalize()}.", unaccounted_s=rest_s)


def _outside(one: DowntimePart) -> Finding:
    clock = one_line(one.clock).rstrip(".") or "not named"
    return _finding(f"Beside it, {_name(one)}: {_part_text(one)} (clock: {clock}).", parts=[_data(one)])


def _name(one: DowntimePart) -> str:
    return one_line(one.name).rstrip(".") or "a part without a name"


def _part_text(one: DowntimePart) -> str:
    exact = one.knowledge is Knowledge.EXACT and one.duration_s is not None
    return bounded_text(one.duration_s, one.knowledge) + (" (exact)" if exact else "")


def _together(parts: Sequence[DowntimePart]) -> Knowledge:
    known = {one.knowledge for one in parts}
    if known >= {Knowledge.AT_MOST, Knowledge.AT_LEAST}:
        return Knowledge.UNKNOWN
    return next((one for one in (Knowledge.AT_MOST, Knowledge.AT_LEAST) if one in known), Knowledge.EXACT)


def _percent(part_s: float, total_s: float) -> str:
    return f"{100 * part_s / total_s:.0f} %"


def _data(one: DowntimePart) -> dict[str, object]:
    return {"name": one.name, "duration_s": one.duration_s, "knowledge": str(one.knowledge), "clock": one.clock}


def _finding(sentence: str, **facts: object) -> Finding:
    return Finding(kind=Kind.DOWNTIME, sentence=sentence, facts=facts)
