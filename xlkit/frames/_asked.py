"""What was asked of runs: every setting by name, what repetitions share, and in what runs differ."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xlkit.frames._table import Runs, flat
from xlkit.model import Run
from xlkit.policies import to_settings

# Repetitions differ in these: each simulated one has a seed, and a guest that goes to and fro swaps its hosts.
_BY_TURNS = frozenset({"seed", "source", "destination"})


def settings(*runs: Runs, differing: bool = True) -> pd.DataFrame:
    """Tabulate what was asked of runs, a row a setting.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.
    differing : bool, default True
        Whether only those settings are given in which the runs differ.

    Returns
    -------
    pandas.DataFrame
        ``setting`` (the name; nested ones are joined by a blank, as in ``workload rate_pages_s``, and end in their
        unit), then a column a run, named by its id; ``None`` where a run has no such setting.

    Examples
    --------
    >>> settings().columns.tolist()
    ['setting']
    """
    shown = list(flat(runs))
    facts = [asked(run) for run in shown]
    names = dict.fromkeys(name for one in facts for name in one)
    kept = [name for name in names if not differing or len({as_json(one.get(name)) for one in facts}) > 1]
    columns: dict[str, Any] = {"setting": pd.array(kept, dtype="string")}
    for run, one in zip(shown, facts, strict=True):
        columns[run.run_id] = pd.Series([one.get(name) for name in kept], dtype=object)
    return pd.DataFrame(columns)


def asked(run: Run) -> dict[str, Any]:
    """Tell everything that was asked of a run, by name: policy, migration, backend, guest and link."""
    policy = to_settings(run.start.policy)
    migration = run.start.migration
    return {
        "policy": policy.pop("name"),
        **policy,
        "domain": migration.domain,
        "source": migration.source,
        "destination": migration.destination,
        "backend": run.start.backend,
        "origin": run.start.origin.value,
        "memory_pages": run.start.setup.memory_pages,
        **_flat(run.start.setup.settings),
    }


def setting_key(run: Run) -> str:
    """Name what repetitions share: everything that was asked but what goes by turns."""
    return as_json({name: value for name, value in asked(run).items() if name not in _BY_TURNS})


def not_comparable(groups: Sequence[Run]) -> dict[str, list[Any]]:
    """List the settings besides the policy in which runs differ, each with its values."""
    ruled = {name for run in groups for name in ("policy", *to_settings(run.start.policy))} - {"name"}
    facts = [{name: value for name, value in asked(run).items() if name not in ruled} for run in groups]
    names = dict.fromkeys(name for one in facts for name in one if name not in _BY_TURNS)
    values = {name: list({as_json(one.get(name)): one.get(name) for one in facts}.values()) for name in names}
    return {name: some for name, some in values.items() if len(some) > 1}


def as_json(value: object) -> str:
    """Write a setting so that equal ones are equal text."""
    return json.dumps(value, sort_keys=True, default=str)


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat_one: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            if "name" in value:
                flat_one[prefix + name] = value["name"]
            flat_one |= _flat({key: one for key, one in value.items() if key != "name"}, f"{prefix}{name} ")
        else:
            flat_one[prefix + name] = value
    return flat_one
