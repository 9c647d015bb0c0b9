"""What a policy is shown at its two calls a pass: made by the loop, and made again from a record."""

from xlkit.model import Iteration, PrecopyStats


def stats_before(one: Iteration, last: Iteration | None, memory_pages: int | None) -> PrecopyStats:
    """Tell what the policy is shown before a pass.

    Parameters
    ----------
    one : Iteration
        The pass that is about to begin, as it was recorded.
    last : Iteration or None
        The pass before it; None before pass 0.
    memory_pages : int or None
        Size of the guest [page of 4096 B].

    Returns
    -------
    PrecopyStats
        The dirty count is that of the pass.
    """
    return PrecopyStats(
        iteration=one.iteration,
        dirty_pages=one.dirty_pages,
        total_written_pages=one.total_written_pages,
        memory_pages=memory_pages,
        elapsed_s=last.ended_s if last else 0.0,
        last_sent_pages=last.sent_pages if last else None,
        last_pass_s=last.ended_s - last.begun_s if last else None,
    )


def stats_after(one: Iteration, memory_pages: int | None) -> PrecopyStats:
    """Tell what the policy is shown right after a pass.

    Parameters
    ----------
    one : Iteration
        The pass that has ended.
    memory_pages : int or None
        Size of the guest [page of 4096 B].

    Returns
    -------
    PrecopyStats
        The dirty count is not known.
    """
    return PrecopyStats(
        iteration=one.iteration + 1,
        dirty_pages=None,
        total_written_pages=one.total_written_pages + (one.dirty_pages or 0),
        memory_pages=memory_pages,
        elapsed_s=one.ended_s,
        last_sent_pages=one.sent_pages,
        last_pass_s=one.ended_s - one.begun_s,
    )
