"""What every table is made of: runs laid out flat, typed columns, sums and ratios that stay unknown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from xlkit.errors import InvalidValueError
from xlkit.model import Run
from xlkit.policies import to_text

Runs = Run | Iterable[Run]
"""A run, or whatever yields runs: a list, a store."""

RUN_COLUMNS: Final = {
    "run_id": "string",
    "backend": "string",
    "origin": "string",
    "policy": "string",
    "domain": "string",
}


def flat(runs: Iterable[Any]) -> Iterator[Run]:
    """Lay out runs that are given one by one, in lists, or as a store."""
    for one in runs:
        if isinstance(one, Run):
            yield one
        elif isinstance(one, Iterable) and not isinstance(one, str | bytes):
            yield from flat(one)
        else:
            raise InvalidValueError(f"Wanted runs, or lists or a store of them, not {one!r}.")


def table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Build a table of typed columns.

    Parameters
    ----------
    rows : sequence of mapping
        A value a column; None is not known, and becomes ``<NA>``.
    columns : mapping of str to str
        Names of the columns in their order, each with its dtype.

    Returns
    -------
    pandas.DataFrame
        A row each.

    Examples
    --------
    >>> table([{"pages": None}], {"pages": "Int64"})["pages"].isna().tolist()
    [True]
    """
    data = {name: pd.array([row[name] for row in rows], dtype=kind) for name, kind in columns.items()}  # type: ignore[call-overload]
    return pd.DataFrame(data)


def identity(run: Run) -> dict[str, object]:
    """Tell which run it is."""
    return {
        "run_id": run.run_id,
        "backend": run.start.backend,
        "origin": run.start.origin,
        "policy": to_text(run.start.policy),
        "domain": run.start.migration.domain,
    }


def ratio(amount: float | None, by: float | None) -> float | None:
    """Divide, where both are known and it makes sense."""
    return None if amount is None or not by or by < 0 else amount / by
