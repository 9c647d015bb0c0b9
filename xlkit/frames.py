"""Runs as tidy tables: iterations, summary, compare. Derived numbers are computed here and only here."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from xlkit.errors import InvalidValueError
from xlkit.model import Iteration, Phase, Run, Status
from xlkit.policies import to_settings, to_text

Runs = Run | Iterable[Run]
"""A run, or whatever yields runs: a list, a store."""

_RUN_COLUMNS = {"run_id": "string", "backend": "string", "origin": "string", "policy": "string", "domain": "string"}
_ITERATION_COLUMNS = {
    **_RUN_COLUMNS,
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
_SUMMARY_COLUMNS = {
    "run_id": "string",
    "started_at": "datetime64[us, UTC]",
    **_RUN_COLUMNS,
    "min_remaining": "Int64",
    "max_iters": "Int64",
    "status": "string",
    "stop_reason": "string",
    "iterations": "Int64",
    "total_s": "Float64",
    "downtime_s": "Float64",
    "last_live_pages": "Int64",
    "final_pages": "Int64",
    "sent_pages": "Int64",
    "sent_bytes": "Int64",
    "memory_pages": "Int64",
    "amplification": "Float64",
    "precopy_share": "Float64",
    "runs_at": "string",
    "verified": "boolean",
}
_COMPARED = {
    "iterations": "Float64",
    "total_s": "Float64",
    "downtime_s": "Float64",
    "final_pages": "Float64",
    "sent_bytes": "Float64",
    "amplification": "Float64",
}
_COMPARE_COLUMNS = {
    "backend": "string",
    "origin": "string",
    "domain": "string",
    "policy": "string",
    "min_remaining": "Int64",
    "max_iters": "Int64",
    "settings": "string",
    "runs": "Int64",
    "completed": "Int64",
    **{f"{statistic}_{name}": kind for name, kind in _COMPARED.items() for statistic in ("median", "min", "max")},
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
        {**_identity(run), **_iteration_row(one, before)}
        for run in _flat(runs)
        for before, one in zip((None, *run.iterations), run.iterations, strict=False)
    ]
    return _table(rows, _ITERATION_COLUMNS)


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
        total_s, downtime_s
            Whole run, and the time during which the guest stood still [s].
        last_live_pages, final_pages
            The set of the last pass sent while the guest ran, which is what `min_remaining` bounds, and the set that
            was sent while it stood still, which no rule bounds [page].
        sent_pages, sent_bytes
            What went out over all passes [page], [B].
        memory_pages, amplification
            Size of the guest [page], and how many times its size went out.
        precopy_share
            Share of the pages that went out while the guest ran, from 0 to 1.

    Examples
    --------
    >>> len(summary())
    0
    """
    return _table([_summary_row(run) for run in _flat(runs)], _SUMMARY_COLUMNS)


def compare(*runs: Runs) -> pd.DataFrame:
    """Compare settings: runs of the same settings are repetitions, and share a row.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of backend, origin, domain, policy and backend settings (the seed left aside), in the
        order in which they first come. Columns:

        backend, origin, domain, policy, min_remaining, max_iters
            What the repetitions share.
        settings
            Those settings of the backend in which the rows differ.
        runs, completed
            How many repetitions there are, and how many of them completed.
        median_, min_ and max_ of iterations, total_s, downtime_s, final_pages, sent_bytes, amplification
            Over the completed ones, units as in `summary`; ``<NA>`` where there is none or none is known.

    Notes
    -----
    A run that is given twice counts once.

    Examples
    --------
    >>> len(compare())
    0
    """
    groups: dict[str, list[Run]] = {}
    for run in {run.run_id: run for run in _flat(runs)}.values():
        groups.setdefault(_settings_key(run), []).append(run)
    differing = _differing([group[0].start.setup.settings for group in groups.values()])
    return _table([_compare_row(group, differing) for group in groups.values()], _COMPARE_COLUMNS)


def _flat(runs: Iterable[Any]) -> Iterator[Run]:
    for one in runs:
        if isinstance(one, Run):
            yield one
        elif isinstance(one, Iterable) and not isinstance(one, str | bytes):
            yield from _flat(one)
        else:
            raise InvalidValueError(f"Wanted runs, or lists or a store of them, not {one!r}.")


def _table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> pd.DataFrame:
    table = {name: pd.array([row[name] for row in rows], dtype=kind) for name, kind in columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(table)


def _identity(run: Run) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "backend": run.start.backend,
        "origin": run.start.origin,
        "policy": to_text(run.start.policy),
        "domain": run.start.migration.domain,
    }


def _iteration_row(one: Iteration, before: Iteration | None) -> dict[str, object]:
    duration_s = one.ended_s - one.begun_s
    since_s = None if before is None else _collected_s(one) - _collected_s(before)
    return {
        "iteration": one.iteration,
        "phase": one.phase,
        "dirty_pages": one.dirty_pages,
        "sent_pages": one.sent_pages,
        "sent_bytes": one.sent_bytes,
        "begun_s": one.begun_s,
        "ended_s": one.ended_s,
        "duration_s": duration_s,
        "throughput_bytes_s": _ratio(one.sent_bytes, duration_s),
        "dirty_rate_pages_s": _ratio(one.dirty_pages, since_s),
        "total_written_pages": one.total_written_pages,
    }


def _collected_s(one: Iteration) -> float:
    return one.begun_s - (one.collect_s or 0.0)


def _summary_row(run: Run) -> dict[str, object]:
    policy, stop, memory_pages = to_settings(run.start.policy), run.stop, run.start.setup.memory_pages
    live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
    final = [one for one in run.iterations if one.phase is Phase.STOP_AND_COPY]
    sent_pages = _total([one.sent_pages for one in run.iterations])
    return {
        **_identity(run),
        "started_at": run.start.started_at,
        "min_remaining": policy.get("min_remaining"),
        "max_iters": policy.get("max_iters"),
        "status": stop.status,
        "stop_reason": stop.stop_reason,
        "iterations": len(run.iterations),
        "total_s": stop.ended_s,
        "downtime_s": stop.downtime_s,
        "last_live_pages": live[-1].dirty_pages if live else None,
        "final_pages": final[-1].dirty_pages if final else None,
        "sent_pages": sent_pages,
        "sent_bytes": _total([one.sent_bytes for one in run.iterations]),
        "memory_pages": memory_pages,
        "amplification": _ratio(sent_pages, memory_pages),
        "precopy_share": _ratio(_total([one.sent_pages for one in live]) if live else 0, sent_pages),
        "runs_at": stop.runs_at,
        "verified": stop.verified,
    }


def _compare_row(group: Sequence[Run], differing: Sequence[str]) -> dict[str, object]:
    first = _summary_row(group[0])
    settings = group[0].start.setup.settings
    completed = summary([run for run in group if run.stop.status is Status.COMPLETED])
    row = {name: first.get(name) for name in _COMPARE_COLUMNS}
    row["settings"] = ", ".join(f"{name}={_as_json(settings.get(name))}" for name in differing)
    row["runs"], row["completed"] = len(group), len(completed)
    for name in _COMPARED:
        for statistic in ("median", "min", "max"):
            row[f"{statistic}_{name}"] = completed[name].astype("Float64").agg(statistic)
    return row


def _settings_key(run: Run) -> str:
    settings = {name: value for name, value in run.start.setup.settings.items() if name != "seed"}
    return _as_json(
        [run.start.backend, run.start.origin, run.start.migration.domain, to_settings(run.start.policy), settings]
    )


def _differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for one in settings for name in one if name != "seed")
    return [name for name in names if len({_as_json(one.get(name)) for one in settings}) > 1]


def _as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _total(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def _ratio(amount: float | None, by: float | None) -> float | None:
    return None if amount is None or not by or by < 0 else amount / by
