"""Settings compared: repetitions share a row."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xlkit.frames._summary import summary, summary_row
from xlkit.frames._table import Runs, flat, table
from xlkit.model import Run, Status
from xlkit.policies import to_settings

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
    for run in {run.run_id: run for run in flat(runs)}.values():
        groups.setdefault(_settings_key(run), []).append(run)
    differing = _differing([group[0].start.setup.settings for group in groups.values()])
    return table([_compare_row(group, differing) for group in groups.values()], _COMPARE_COLUMNS)


def _compare_row(group: Sequence[Run], differing: Sequence[str]) -> dict[str, object]:
    first = summary_row(group[0])
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
