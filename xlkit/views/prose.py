"""What happened in a run, in sentences with numbers and units."""

from collections.abc import Callable, Sequence

from xlkit import units
from xlkit.model import Iteration, Phase, Run, Side, Status, StopReason
from xlkit.policies import to_settings
from xlkit.views.facts import downtime_text

THRESHOLD_NOTE = (
    "min_remaining bounds the last pass that is sent while the guest runs, not the pages that are sent while it stands "
    "still: that last set is read after the guest is suspended, and the policy never sees it."
)

_REASONS = {
    StopReason.MAX_ITERS: "as many passes were done as max_iters allows ({max_iters})",
    StopReason.DOWNTIME_BUDGET: "the dirty pages fitted the downtime budget",
    StopReason.NO_PROGRESS: "the dirty set shrank no more",
    StopReason.TIME_LIMIT: "its time was up",
    StopReason.MAX_FACTOR: "it had sent as many times the guest's memory as its limit allows",
    StopReason.OPERATOR: "the operator asked for it",
    StopReason.ABORTED: "the operator gave the migration up",
    StopReason.FAILED: "the migration failed",
    StopReason.POLICY: "the policy said so",
    StopReason.UNKNOWN: "of a reason that was not recorded",
}


def happened(run: Run) -> str:
    """Tell what happened in a run.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        A few sentences: the live passes, why precopy ended, the last set, the downtime, where the guest runs.
    """
    live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
    paused = [one for one in run.iterations if one.phase is Phase.STOP_AND_COPY]
    sentences = [_live(run, live), _reason(run, live), *(_paused(one) for one in paused), _end(run), run.stop.message]
    return " ".join(sentence for sentence in sentences if sentence)


def difference(runs: Sequence[Run]) -> str:
    """Tell what the second of two runs cost beside the first.

    Parameters
    ----------
    runs : sequence of Run
        The runs of a page.

    Returns
    -------
    str
        One sentence, empty unless there are two runs and both were completed.
    """
    match [run for run in runs if run.stop.status is Status.COMPLETED]:
        case [first, second] if len(runs) == len((first, second)):
            pass
        case _:
            return ""
    changes = [
        _change(_total_s(first), _total_s(second), "took {} in total", units.format_s),
        _change(_sent_bytes(first), _sent_bytes(second), "sent {}", units.format_bytes),
        _change(first.stop.downtime_s, second.stop.downtime_s, "let the guest stand still for {}", units.format_s),
    ]
    return "The second run " + ", ".join(changes[:2]) + ", and " + changes[2] + "."


def _live(run: Run, live: Sequence[Iteration]) -> str:
    if not live:
        return "" if run.start.setup.settings.get("iterations") == "unknown" else "No live pass had ended."
    sent_bytes = _sum_known([one.sent_bytes for one in live])
    sent = "" if sent_bytes is None else f"{units.format_bytes(sent_bytes)} "
    passes = "One pass" if len(live) == 1 else f"{len(live)} passes"
    return f"{passes} went out while the guest ran, {sent}in {units.format_s(live[-1].ended_s)}."


def _reason(run: Run, live: Sequence[Iteration]) -> str:
    in_force = [run.start.policy, *(one.policy for one in run.controls if one.policy is not None)][-1]
    reason, settings = run.stop.stop_reason, to_settings(in_force)
    if run.stop.status is Status.RUNNING:
        return "The run is still going on."
    if reason is StopReason.MIN_REMAINING and "min_remaining" in settings and live and live[-1].dirty_pages is not None:
        return (
            f"Precopy ended because {_pages(live[-1].dirty_pages)} were dirty before pass {live[-1].iteration}, fewer "
            f"than min_remaining ({settings['min_remaining']:,}); that pass was still sent live."
        )
    why = _REASONS.get(reason, f"the rule {reason} fired").format(max_iters=settings.get("max_iters", "not recorded"))
    return f"Precopy ended because {why}."


def _paused(one: Iteration) -> str:
    sent = "an unknown number of pages" if one.dirty_pages is None else _pages(one.dirty_pages)
    took = units.format_s(one.ended_s - one.begun_s)
    return f"Then the guest was suspended, and the last set of {sent} went out in {took}."


def _end(run: Run) -> str:
    where = {
        Side.SOURCE: "It runs on at the source.",
        Side.DESTINATION: "It runs on at the destination.",
        Side.UNKNOWN: "Where the guest runs was not recorded.",
    }[run.stop.runs_at]
    still = "" if run.stop.downtime_s is None else f"The guest stood still for {downtime_text(run)}. "
    equal = {
        True: " Both memories were proved equal.",
        False: " The two memories were found different.",
        None: "",
    }[run.stop.verified]
    return still + where.replace("It", "It" if still else "The guest") + equal


def _change(before: float | None, after: float | None, verb: str, write: Callable[[float], str]) -> str:
    if before is None or after is None:
        return verb.format("an unknown amount")
    if before == after:
        return verb.format(f"the same, {write(after)}")
    return verb.format(f"{write(after)} instead of {write(before)}")


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _total_s(run: Run) -> float | None:
    return run.stop.ended_s


def _sent_bytes(run: Run) -> int | None:
    return _sum_known([one.sent_bytes for one in run.iterations])


def _sum_known(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
