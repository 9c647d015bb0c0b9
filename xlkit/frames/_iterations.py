"""The iterations of runs as a table."""

import pandas as pd

from xlkit.frames._table import RUN_COLUMNS, Runs, flat, identity, ratio, table
from xlkit.model import Iteration

_ITERATION_COLUMNS = {
    **RUN_COLUMNS,
    "iteration": "Int64",
    "phase": "string",
    "dirty_pages": "Int64",
    "sent_pages": "Int64",
    "sent_bytes": "Int64",
    "begun_s": "Float64",
    "ended_s": "Float64",
    "duration_s": "Float64",
    "throughput_bytes_s": "Float64",
    "dirty_rate_pages_s": "Float64",
    "total_written_pages": "Int64",
}


def iterations(*runs: Runs) -> pd.DataFrame:
    """Tabulate the iterations of runs, one row a pass.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.

    Returns
    -------
    pandas.DataFrame
        In the order of the runs and their passes; what is not known is ``<NA>``. Columns:

        run_id, backend, origin, policy, domain
            Which run it is; `origin` says whether it was measured, simulated or imported.
        iteration, phase
            Number of the pass from 0, and whether the guest ran.
        dirty_pages, sent_pages, sent_bytes
            The set the pass set out to send [page], and what went out [page], [B].
        begun_s, ended_s, duration_s
            Since the start of the run, by the run's clock [s].
        throughput_bytes_s
            Bytes that went out over the time that the pass took [B/s].
        dirty_rate_pages_s
            Distinct pages found dirty before the pass over the time since the set was last collected [page/s]; unknown
            for the first pass, whose set is the whole memory.
        total_written_pages
            Xen's counter before the pass [page].

    Examples
    --------
    >>> len(iterations())
    0
    """
    rows = [
        {**identity(run), **_iteration_row(one, before)}
        for run in flat(runs)
        for before, one in zip((None, *run.iterations), run.iterations, strict=False)
    ]
    return table(rows, _ITERATION_COLUMNS)


def _iteration_row(one: Iteration, before: Iteration | None) -> dict[str, object]:
    duration_s = one.ended_s - one.begun_s
    since_s = None if before is None else one.collected_s - before.collected_s
    return {
        "iteration": one.iteration,
        "phase": one.phase,
        "dirty_pages": one.dirty_pages,
        "sent_pages": one.sent_pages,
        "sent_bytes": one.sent_bytes,
        "begun_s": one.begun_s,
        "ended_s": one.ended_s,
        "duration_s": duration_s,
        "throughput_bytes_s": ratio(one.sent_bytes, duration_s),
        "dirty_rate_pages_s": ratio(one.dirty_pages, since_s),
        "total_written_pages": one.total_written_pages,
    }
