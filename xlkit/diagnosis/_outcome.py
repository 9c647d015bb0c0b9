"""Where the guest is, what the record is worth, how precopy ended."""

from collections.abc import Iterator
from typing import Any

from xlkit.diagnosis._finding import Finding, Kind
from xlkit.diagnosis.story import (
    blackout_sentence,
    live_passes,
    live_sentence,
    pages_text,
    policy_in_force,
    stop_sentence,
)
from xlkit.model import Decision, Iteration, Origin, Phase, Run, Side, Status, StopReason
from xlkit.policies import to_settings

_STATUS = {
    Status.RUNNING: "The run was still going on when this was read",
    Status.COMPLETED: "The migration completed",
    Status.ABORTED: "The migration was aborted",
    Status.FAILED: "The migration failed",
    Status.UNDEFINED: "The hand-over ended in doubt",
    Status.INCOMPLETE: "The record breaks off before the run ended",
}
_NO_HOST = "unknown"
"""What a reader of logs calls a host that the log does not name."""
_NEVER_ENDED = frozenset({Status.RUNNING, Status.INCOMPLETE, Status.UNDEFINED})


def outcome(run: Run) -> Iterator[Finding]:
    """Tell where the guest is, and what the record is worth."""
    yield _whereabouts(run)
    if run.stop.verified is not None:
        equal = "were proved equal" if run.stop.verified else "were found different: do not trust this guest"
        yield Finding(kind=Kind.RECORD, sentence=f"Both memories {equal}.", facts={"memories_equal": run.stop.verified})
    if message := one_line(run.stop.message):
        yield Finding(kind=Kind.RECORD, sentence=f"The record says: {message}", facts={"message": message})
    if run.start.origin is not Origin.MEASURED:
        yield _origin(run)


def precopy_ended(run: Run) -> Iterator[Finding]:
    """Tell what went out live, which rule ended it, and what was left."""
    live = live_passes(run)
    if sentence := live_sentence(run):
        facts: dict[str, Any] = {"live_passes": len(live), "precopy_s": live[-1].ended_s if live else None}
        yield Finding(kind=Kind.LIVE, sentence=sentence, facts=facts)
    if not live and run.stop.status in _NEVER_ENDED:
        return
    before_pass = stopped_before_pass(run)
    facts = {"stop_reason": str(run.stop.stop_reason), "pass_after_the_stop": before_pass}
    yield Finding(kind=Kind.STOP, sentence=stop_sentence(run), facts=facts)
    yield from _left(run, live, before_pass=before_pass)


def stopped_before_pass(run: Run) -> bool | None:
    """Tell whether precopy was ended before a pass (which was still sent) or after one; None where nothing says so."""
    live = live_passes(run)
    if not live:
        return None
    last, final = live[-1], _final(run)
    if last.decision_before is Decision.STOP_AND_COPY:
        return True
    if last.decision_after is Decision.STOP_AND_COPY:
        return False
    return None if final is None else final.iteration == last.iteration


def one_line(text: str) -> str:
    """Write a text of unknown origin as a sentence on one line; empty stays empty."""
    # A byte that is no UTF-8 is a lone surrogate in Python, and nothing could write it.
    plain = "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))
    return plain if not plain or plain.endswith(".") else f"{plain}."


def _whereabouts(run: Run) -> Finding:
    stop, asked = run.stop, run.start.migration
    host = {Side.SOURCE: asked.source, Side.DESTINATION: asked.destination}.get(stop.runs_at)
    if host is not None:
        named = "" if host == _NO_HOST else f", {host}"
        where = f"the guest {asked.domain} runs at the {stop.runs_at}{named}"
    elif stop.status is Status.RUNNING:
        where = f"where the guest {asked.domain} runs is decided when it ends"
    else:
        both = f", {asked.source} and {asked.destination}" if _NO_HOST not in {asked.source, asked.destination} else ""
        where = f"where the guest {asked.domain} runs is not recorded: look at both hosts{both}, before anything else"
    facts = {"status": str(stop.status), "runs_at": str(stop.runs_at), "host": host}
    return Finding(kind=Kind.WHEREABOUTS, sentence=f"{_STATUS[stop.status]}; {where}.", facts=facts)


def _origin(run: Run) -> Finding:
    told = {
        Origin.SIMULATED: "The run was simulated: its numbers are computed, and no guest stood still.",
        Origin.IMPORTED: "The run was read from a log: what the log does not tell is unknown here.",
    }[run.start.origin]
    return Finding(kind=Kind.RECORD, sentence=told, facts={"origin": str(run.start.origin)})


def _left(run: Run, live: list[Iteration], *, before_pass: bool | None) -> Iterator[Finding]:
    """Tell of the set that was left when precopy ended, which no rule bounds."""
    final = _final(run)
    pages = None if final is None else final.dirty_pages
    if before_pass is False:
        known = "the record does not tell it either" if pages is None else f"it was {pages_text(pages)} in the end"
        sentence = (
            "The rule was asked after a pass, before the next set was read, so no further pass went out and the policy "
            f"never saw how many pages were left; {known}."
        )
        yield Finding(kind=Kind.STOP, sentence=sentence, facts={"left_pages": pages, "seen_by_policy": False})
    if final is None:
        return
    facts = {"final_pages": pages, "copy_s": final.ended_s - final.begun_s}
    yield Finding(kind=Kind.BLACKOUT, sentence=blackout_sentence(final), facts=facts)
    least = to_settings(policy_in_force(run)).get("min_remaining")
    by_size = run.stop.stop_reason is StopReason.MIN_REMAINING and before_pass
    if by_size and live and live[-1].dirty_pages is not None and pages is not None and isinstance(least, int):
        sentence = (
            f"min_remaining ({least:,}) bounded the last live pass ({pages_text(live[-1].dirty_pages)}), not this set "
            f"({pages_text(pages)}): the guest dirtied it during that pass and while it was suspended."
        )
        facts = {"min_remaining": least, "last_live_pages": live[-1].dirty_pages, "final_pages": pages}
        yield Finding(kind=Kind.BLACKOUT, sentence=sentence, facts=facts)


def _final(run: Run) -> Iteration | None:
    return next((one for one in run.iterations if one.phase is Phase.STOP_AND_COPY), None)
