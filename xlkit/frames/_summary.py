"""Runs as a table, one row each."""

import pandas as pd

from xlkit.frames._table import RUN_COLUMNS, Runs, flat, identity, ratio, table, total
from xlkit.model import Iteration, Knowledge, Phase, Run
from xlkit.policies import to_settings

_SUMMARY_COLUMNS = {
    "run_id": "string",
    "started_at": "datetime64[us, UTC]",
    **RUN_COLUMNS,
    "min_remaining": "Int64",
    "max_iters": "Int64",
    "status": "string",
    "stop_reason": "string",
    "iterations": "Int64",
    "total_s": "Float64",
    "downtime_s": "Float64",
    "downtime_knowledge": "string",
    "last_live_pages": "Int64",
    "final_pages": "Int64",
    "sent_pages": "Int64",
    "sent_bytes": "Int64",
    "memory_pages": "Int64",
    "amplification": "Float64",
    "precopy_share": "Float64",
    "precopy_time_share": "Float64",
    "downtime_share": "Float64",
    "runs_at": "string",
    "verified": "boolean",
}


def summary(*runs: Runs) -> pd.DataFrame:
    """Summarise runs, one row each.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.

    Returns
    -------
    pandas.DataFrame
        In the order of the runs; what is not known is ``<NA>``. Columns:

        run_id, started_at, backend, origin, policy, domain
            Which run it is.
        min_remaining, max_iters
            The policy's knobs, where it has them.
        status, stop_reason, runs_at, verified
            How the run ended, which rule ended precopy, where the guest runs, and whether the memories were proved
            equal.
        iterations
            How many passes are recorded, the final one among them.
        total_s, downtime_s, downtime_knowledge
            Whole run, and the time during which the guest stood still [s]; whether that is ``exact``, ``at_most``,
            ``at_least`` or ``unknown``.
        last_live_pages, final_pages
            The set of the last pass sent while the guest ran, which is what `min_remaining` bounds, and the set that
            was sent while it stood still, which no rule bounds [page].
        sent_pages, sent_bytes
            What went out over all passes [page], [B].
        memory_pages, amplification
            Size of the guest [page], and how many times its size went out. Pass 0 of an HVM or PVH guest counts its
            table of frames as dirty, holes included; only pages with memory behind them are sent and count here.
        precopy_share
            Share of the pages that went out while the guest ran, from 0 to 1.
        precopy_time_share, downtime_share
            Shares of the run's time that went by in live passes, and while the guest stood still, from 0 to 1; the rest
            went by before, between and after them.

    Examples
    --------
    >>> len(summary())
    0
    """
    return table([summary_row(run) for run in flat(runs)], _SUMMARY_COLUMNS)


def summary_row(run: Run) -> dict[str, object]:
    """Summarise one run."""
    policy, stop, memory_pages = to_settings(run.start.policy), run.stop, run.start.setup.memory_pages
    live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
    final = [one for one in run.iterations if one.phase is Phase.STOP_AND_COPY]
    sent_pages = total([_sent_pages(run, one) for one in run.iterations])
    return {
        **identity(run),
        "started_at": run.start.started_at,
        "min_remaining": policy.get("min_remaining"),
        "max_iters": policy.get("max_iters"),
        "status": stop.status,
        "stop_reason": stop.stop_reason,
        "iterations": len(run.iterations),
        "total_s": stop.ended_s,
        "downtime_s": stop.downtime_s,
        "downtime_knowledge": _knowledge(run),
        "last_live_pages": live[-1].dirty_pages if live else None,
        "final_pages": final[-1].dirty_pages if final else None,
        "sent_pages": sent_pages,
        "sent_bytes": total([one.sent_bytes for one in run.iterations]),
        "memory_pages": memory_pages,
        "amplification": ratio(sent_pages, memory_pages),
        "precopy_share": ratio(total([_sent_pages(run, one) for one in live]) if live else 0, sent_pages),
        "precopy_time_share": ratio(sum(one.ended_s - one.begun_s for one in live), stop.ended_s),
        "downtime_share": ratio(stop.downtime_s, stop.ended_s),
        "runs_at": stop.runs_at,
        "verified": stop.verified,
    }


def _knowledge(run: Run) -> str:
    """Tell how well the downtime is known: no better than the worst known of its parts."""
    if run.stop.downtime_s is None:
        return Knowledge.UNKNOWN
    parts = {part.knowledge for part in run.stop.downtime}
    return next((one for one in (Knowledge.AT_MOST, Knowledge.AT_LEAST) if one in parts), Knowledge.EXACT)


def _sent_pages(run: Run, one: Iteration) -> int | None:
    backed_pages = run.backed_pages(one)
    if one.sent_pages is None or backed_pages is None:
        return one.sent_pages
    return min(one.sent_pages, backed_pages)
