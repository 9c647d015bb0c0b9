"""What happened in a run, a sentence for each part of it; the stop rule is told here and nowhere else."""

from typing import Any

from xlkit import units
from xlkit.model import Iteration, Knowledge, Phase, Run, Side, Status, StopReason
from xlkit.policies import to_settings

_BOUNDS = {Knowledge.AT_MOST: "at most ", Knowledge.AT_LEAST: "at least "}
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
_WHERE = {
    Side.SOURCE: "runs on at the source.",
    Side.DESTINATION: "runs on at the destination.",
}


def live_sentence(run: Run) -> str:
    """Tell what went out while the guest ran.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        A sentence; empty where the log of the run tells no iterations.
    """
    live = live_passes(run)
    if not live:
        return "" if run.start.setup.settings.get("iterations") == "unknown" else "No live pass had ended."
    known = [one.sent_bytes for one in live if one.sent_bytes is not None]
    sent = f"{units.format_bytes(sum(known))} " if len(known) == len(live) else ""
    passes = "One pass" if len(live) == 1 else f"{len(live):,} passes"
    return f"{passes} went out while the guest ran, {sent}in {units.format_s(live[-1].ended_s)}."


def stop_sentence(run: Run) -> str:
    """Tell which rule ended precopy, and whether the pass it looked at was still sent.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        A sentence.

    References
    ----------
    .. [1] Xen, ``tools/libs/guest/xg_sr_save.c``, ``send_memory_live()``: a set that is few enough is still sent while
       the guest runs.
    """
    reason, settings, live = run.stop.stop_reason, to_settings(policy_in_force(run)), live_passes(run)
    if run.stop.status is Status.RUNNING:
        return "The run is still going on."
    if reason is StopReason.MIN_REMAINING and "min_remaining" in settings and live and live[-1].dirty_pages is not None:
        return (
            f"Precopy ended because {pages_text(live[-1].dirty_pages)} were dirty before pass {live[-1].iteration}, "
            f"fewer than min_remaining ({settings['min_remaining']:,}); that pass was still sent live."
        )
    why = _REASONS.get(reason, f"the rule {reason} fired").format(max_iters=settings.get("max_iters", "not recorded"))
    return f"Precopy ended because {why}."


def blackout_sentence(one: Iteration) -> str:
    """Tell what was sent while the guest stood still.

    Parameters
    ----------
    one : Iteration
        The pass of the blackout.

    Returns
    -------
    str
        A sentence.
    """
    sent = "an unknown number of pages" if one.dirty_pages is None else pages_text(one.dirty_pages)
    took = units.format_s(one.ended_s - one.begun_s)
    return f"Then the guest was suspended, and the last set of {sent} went out in {took}."


def end_sentences(run: Run) -> str:
    """Tell how long the guest stood still, where it runs, and whether its memory arrived.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        One to three sentences.
    """
    still = "" if run.stop.downtime_s is None else f"The guest stood still for {downtime_text(run)}. "
    runs_at = _WHERE.get(run.stop.runs_at)
    where = f"{'It' if still else 'The guest'} {runs_at}" if runs_at else "Where the guest runs was not recorded."
    equal = {
        True: " Both memories were proved equal.",
        False: " The two memories were found different.",
        None: "",
    }[run.stop.verified]
    return still + where + equal


def downtime_text(run: Run) -> str:
    """Write the downtime of a run, and whether it is exact.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        For example ``2.4 ms``, ``at most 2.4 ms`` or ``unknown``.
    """
    known = {part.knowledge for part in run.stop.downtime}
    bound = _BOUNDS[Knowledge.AT_MOST] if Knowledge.AT_MOST in known else ""
    bound = bound or (_BOUNDS[Knowledge.AT_LEAST] if Knowledge.AT_LEAST in known else "")
    return "unknown" if run.stop.downtime_s is None else bound + units.format_s(run.stop.downtime_s)


def bounded_text(duration_s: float | None, knowledge: Knowledge) -> str:
    """Write a duration, and how well it is known.

    Parameters
    ----------
    duration_s : float or None
        The duration [s].
    knowledge : Knowledge
        How well it is known.

    Returns
    -------
    str
        For example ``at most 2.4 ms``; ``unknown`` where it is.

    Examples
    --------
    >>> bounded_text(0.0024, Knowledge.AT_MOST)
    'at most 2.4 ms'
    """
    if duration_s is None or knowledge is Knowledge.UNKNOWN:
        return "unknown"
    return _BOUNDS.get(knowledge, "") + units.format_s(duration_s)


def pages_text(count: int) -> str:
    """Write a number of pages.

    Parameters
    ----------
    count : int
        How many [page of 4096 B].

    Returns
    -------
    str
        For example ``1 page`` or ``1,500 pages``.

    Examples
    --------
    >>> pages_text(1500)
    '1,500 pages'
    """
    return "1 page" if count == 1 else f"{count:,} pages"


def policy_in_force(run: Run) -> Any:
    """Give the policy that was in force when precopy ended.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    Policy
        That of the start, or the last one that an operator changed to.
    """
    return [run.start.policy, *(one.policy for one in run.controls if one.policy is not None)][-1]


def live_passes(run: Run) -> list[Iteration]:
    """List the passes that were sent while the guest ran.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    list of Iteration
        In their order.
    """
    return [one for one in run.iterations if one.phase is Phase.PRECOPY]
