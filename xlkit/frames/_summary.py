"""Runs as a table, one row each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from xlkit.columns import FINAL, Column, Columnar, RunColumns, columns_of
from xlkit.frames._segments import Segments
from xlkit.frames._table import RUN_COLUMNS, Runs, flat

_COLUMNS = {
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
    return summarised(_columns(runs))


def summarised(runs: RunColumns) -> pd.DataFrame:
    """Summarise runs that are given as columns, as `summary` does."""
    facts, passes, segments = runs.facts, runs.passes, Segments(runs.lengths)
    final = passes[FINAL].numbers
    live, every = ~final, np.ones(len(final), bool)
    memory_pages = _known(facts["memory_pages"], np.int64)
    sent = _sent_pages(runs, memory_pages)
    sent_pages, live_pages = segments.total(sent, every), segments.total(sent, live)
    duration_s = Column(passes["ended_s"].numbers - passes["begun_s"].numbers, every)
    total_s, downtime_s = (_known(facts[name], np.float64) for name in ("ended_s", "downtime_s"))
    numbers = {
        "iterations": Column(runs.lengths, np.ones(len(runs.lengths), bool)),
        "total_s": total_s,
        "downtime_s": downtime_s,
        "last_live_pages": segments.last(passes["dirty_pages"], live),
        "final_pages": segments.last(passes["dirty_pages"], final),
        "sent_pages": sent_pages,
        "sent_bytes": segments.total(passes["sent_bytes"], every),
        "memory_pages": memory_pages,
        "amplification": _ratio(sent_pages, memory_pages),
        "precopy_share": _ratio(_or_none(live_pages, segments.count(live)), sent_pages),
        "precopy_time_share": _ratio(_or_none(segments.total(duration_s, live), segments.count(live)), total_s),
        "downtime_share": _ratio(downtime_s, total_s),
    }
    typed = {name: _typed(numbers[name] if name in numbers else facts[name], kind) for name, kind in _COLUMNS.items()}
    return pd.DataFrame(typed)


def _columns(runs: tuple[Runs, ...]) -> RunColumns:
    # A store tells columns without reading a run as an object, which takes a hundred times as long.
    one: object = runs[0] if len(runs) == 1 else None
    # A table of another library has columns, too, and is no store of runs.
    return one.columns() if isinstance(one, Columnar) and callable(one.columns) else columns_of(flat(runs))


def _sent_pages(runs: RunColumns, memory: Column) -> Column:
    """Count what each pass sent, holes of an HVM or PVH guest left out: `Run.backed_pages`, for many."""
    sent, dirty = runs.passes["sent_pages"], runs.passes["dirty_pages"]
    memory_pages, memory_known = (np.repeat(part, runs.lengths) for part in (memory.numbers, memory.known))
    first = (runs.passes["iteration"].numbers == 0) & ~runs.passes[FINAL].numbers & memory_known
    backed_pages = np.where(first, np.minimum(dirty.numbers, memory_pages), dirty.numbers)
    return Column(np.where(dirty.known, np.minimum(sent.numbers, backed_pages), sent.numbers), sent.known)


def _known(values: Sequence[Any], kind: type) -> Column:
    known = np.array([value is not None for value in values], bool)
    numbers: npt.NDArray[Any] = np.array([0 if value is None else value for value in values], kind)
    return Column(numbers, known & ~np.isnan(numbers))


def _or_none(column: Column, counts: Any) -> Column:
    """Give 0 where there was nothing to add up."""
    return Column(column.numbers, column.known | (counts == 0))


def _ratio(amount: Column, by: Column) -> Column:
    """Divide, where both are known and it makes sense."""
    known = amount.known & by.known & (by.numbers > 0)
    divided = np.zeros(len(known))
    with np.errstate(over="ignore"):  # by next to nothing: without end, as in Python
        divided[known] = amount.numbers[known].astype(float) / by.numbers[known].astype(float)
    return Column(divided, known)


def _typed(column: Column | Sequence[Any], kind: str) -> Any:
    """Make a typed column, <NA> where it is not known."""
    if not isinstance(column, Column):
        return pd.array(column, dtype=kind)  # type: ignore[call-overload]
    values = np.where(column.known, column.numbers, 0)
    if kind == "Int64":
        return pd.arrays.IntegerArray(values.astype(np.int64), ~column.known)
    return pd.arrays.FloatingArray(values.astype(np.float64), ~column.known)
