"""The parts of the downtime as a table."""

import pandas as pd

from xlkit.frames._table import RUN_COLUMNS, Runs, flat, identity, table

_DOWNTIME_COLUMNS = {
    **RUN_COLUMNS,
    "part": "string",
    "duration_s": "Float64",
    "knowledge": "string",
    "clock": "string",
}


def downtime(*runs: Runs) -> pd.DataFrame:
    """Tabulate where the downtime of runs went, a row a part.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.

    Returns
    -------
    pandas.DataFrame
        In the order of the runs and of what happened. Columns:

        run_id, backend, origin, policy, domain
            Which run it is.
        part, duration_s
            What happened meanwhile, and how long it took [s]; some parts overlap, as the account of a guest's heartbeat
            beside that of the host does.
        knowledge
            Whether the duration is ``exact``, ``at_most``, ``at_least`` or ``unknown``.
        clock
            Which clock it was read from; durations of two clocks are never subtracted.

    Examples
    --------
    >>> len(downtime())
    0
    """
    rows = [
        {
            **identity(run),
            "part": part.name,
            "duration_s": part.duration_s,
            "knowledge": part.knowledge,
            "clock": part.clock,
        }
        for run in flat(runs)
        for part in run.stop.downtime
    ]
    return table(rows, _DOWNTIME_COLUMNS)
