"""Settings compared: repetitions share a row."""

from collections.abc import Iterable, Sequence
from typing import Final

import pandas as pd

from xlkit.columns import facts_of
from xlkit.errors import InvalidValueError
from xlkit.frames._asked import as_json, asked, not_comparable, setting_key
from xlkit.frames._spread import outliers, spread
from xlkit.frames._summary import summary
from xlkit.frames._table import Runs, flat, table
from xlkit.model import Run, Status

COMPARED: Final = ("iterations", "total_s", "downtime_s", "final_pages", "sent_bytes", "amplification")
_WATCHED_FOR_OUTLIERS = ("total_s", "downtime_s", "sent_bytes")
_PARTS = {"median": "median", "min": "least", "max": "most", "low": "low", "high": "high"}
NAMED: Final = {
    "backend": "string",
    "origin": "string",
    "domain": "string",
    "policy": "string",
    "min_remaining": "Int64",
    "max_iters": "Int64",
    "settings": "string",
    "runs": "Int64",
    "completed": "Int64",
}
_COMPARE_COLUMNS = {
    **NAMED,
    **{f"{part}_{name}": "Float64" for name in COMPARED for part in _PARTS},
    "outliers": "string",
}


def compare(*runs: Runs, level: float = 0.95) -> pd.DataFrame:
    """Compare settings: runs of the same settings are repetitions, and share a row.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.
    level : float, default 0.95
        How sure the intervals are meant to be, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of backend, origin, domain, policy and backend settings (seed and direction left
        aside), in the order in which they first come. Columns:

        backend, origin, domain, policy, min_remaining, max_iters
            What the repetitions share.
        settings
            Those settings of guest, link and backend in which the rows differ.
        runs, completed
            How many repetitions there are, and how many of them completed.
        median_, min_, max_, low_ and high_ of iterations, total_s, downtime_s, final_pages, sent_bytes, amplification
            Over the completed ones, units as in `summary`: middle, range, and the interval in which the median is
            thought to lie; ``<NA>`` where none is known, the interval also below three repetitions.
        outliers
            Runs that lie far off the others in total time, downtime or bytes, each with the quantity.

    Raises
    ------
    InvalidValueError
        If `level` is not between 0 and 1.

    See Also
    --------
    rank : Put the rows in order, where repetitions allow it.

    Notes
    -----
    A run that is given twice counts once. The interval is a percentile bootstrap of the median with a fixed seed, since
    downtimes are skewed and a single bad run would blow up an interval that assumes otherwise. An outlier has a
    modified z-score above 3.5 [1]_ among at least five repetitions, and lies at least a tenth of the median off it.

    References
    ----------
    .. [1] B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers", ASQC 1993.

    Examples
    --------
    >>> len(compare())
    0
    """
    if not 0 < level < 1:
        raise InvalidValueError(f"level must lie between 0 and 1, not {level!r}.")
    groups = grouped(runs)
    firsts = [group[0] for group in groups]
    differing = not_comparable(firsts)
    rows = [named(group, list(differing)) | _spreads(group, level) for group in groups]
    return table(rows, _COMPARE_COLUMNS)


def grouped(runs: Iterable[Runs]) -> list[list[Run]]:
    """Put repetitions together, in the order in which they first come; a run that is given twice counts once."""
    groups: dict[str, list[Run]] = {}
    for run in {run.run_id: run for run in flat(runs)}.values():
        groups.setdefault(setting_key(run), []).append(run)
    return list(groups.values())


def known_values(group: Sequence[Run], name: str) -> list[float]:
    """List what is known of a quantity over the completed repetitions."""
    return [float(value) for value in _completed(group)[name].dropna()]


def _completed(group: Sequence[Run]) -> pd.DataFrame:
    return summary([run for run in group if run.stop.status is Status.COMPLETED])


def named(group: Sequence[Run], differing: Sequence[str]) -> dict[str, object]:
    """Tell what repetitions share, and how many there are."""
    facts, told = asked(group[0]), facts_of([group[0].start], [group[0].stop])
    shown = [name for name in differing if name not in {"backend", "origin", "domain"}]
    return {
        **{name: told[name][0] for name in NAMED if name in told},
        "settings": ", ".join(f"{name}={as_json(facts.get(name))}" for name in shown),
        "runs": len(group),
        "completed": sum(run.stop.status is Status.COMPLETED for run in group),
    }


def _spreads(group: Sequence[Run], level: float) -> dict[str, object]:
    completed, row, off = _completed(group), dict[str, object](), list[str]()
    for name in COMPARED:
        known = completed[["run_id", name]].dropna()
        values = [float(value) for value in known[name]]
        found = spread(values, level)
        row |= {f"{part}_{name}": getattr(found, attribute) for part, attribute in _PARTS.items()}
        if name in _WATCHED_FOR_OUTLIERS:
            off += [f"{known['run_id'].iloc[place]} ({name} {values[place]:.4g})" for place in outliers(values)]
    return row | {"outliers": ", ".join(off)}
