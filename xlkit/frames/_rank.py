"""Settings put in order, as far as repetitions tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from xlkit.errors import ComparisonError, InvalidValueError
from xlkit.frames._asked import as_json, not_comparable
from xlkit.frames._compare import COMPARED, NAMED, grouped, known_values, named
from xlkit.frames._spread import FEWEST_FOR_INTERVAL, Spread, spread
from xlkit.frames._table import Runs, table
from xlkit.model import Run
from xlkit.policies import to_text

_RANK_COLUMNS = {
    "place": "Int64",
    **NAMED,
    **dict.fromkeys(("median", "low", "high"), "Float64"),
    "p_value": "Float64",
    "differs": "boolean",
    "not_comparable": "string",
}


@dataclass(frozen=True, slots=True)
class _Row:
    group: Sequence[Run]
    values: Sequence[float]
    spread: Spread


def rank(
    *runs: Runs, by: str = "downtime_s", level: float = 0.95, comparable: Literal["refuse", "mark"] = "refuse"
) -> pd.DataFrame:
    """Put settings in order, the smallest median first, as far as repetitions tell them apart.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store.
    by : str, default "downtime_s"
        What to rank by: a quantity of `compare`.
    level : float, default 0.95
        How sure a difference must be, between 0 and 1.
    comparable : {"refuse", "mark"}, default "refuse"
        What to do with settings that differ in more than the policy: refuse them, or say so in a column.

    Returns
    -------
    pandas.DataFrame
        Columns as `compare` has them for what a row is, then:

        place
            From 1; a row that cannot be told apart from the first one shares its place.
        median, low, high
            Of the quantity, with its interval, in its unit.
        p_value, differs
            Of a two-sided Mann-Whitney test against the first row, and whether the two differ at that level; ``<NA>``
            for the first row.
        not_comparable
            What besides the policy differs from the first row; empty where nothing does.

    Raises
    ------
    ComparisonError
        If a setting was run fewer than three times, or the runs are not comparable; it names the settings.
    InvalidValueError
        If there is no such quantity, or `level` is not between 0 and 1.

    Notes
    -----
    Three repetitions against three can never differ at a level of 0.95 (the smallest possible p is 0.1); four against
    four can.

    References
    ----------
    .. [1] H. Mann, D. Whitney, "On a test of whether one of two random variables is stochastically larger than the
       other", Annals of Mathematical Statistics 18 (1947).

    Examples
    --------
    >>> len(rank())
    0
    """
    if by not in COMPARED:
        raise InvalidValueError(f"Runs are ranked by one of {', '.join(COMPARED)}, not {by!r}.")
    if comparable not in {"refuse", "mark"}:
        raise InvalidValueError(f"comparable is 'refuse' or 'mark', not {comparable!r}.")
    groups = grouped(runs)
    rows = [_Row(group, known_values(group, by), spread(known_values(group, by), level)) for group in groups]
    _refuse_single(rows, by)
    differing = not_comparable([group[0] for group in groups])
    if differing and comparable == "refuse":
        raise ComparisonError(
            f"These runs differ in more than their policies, so a rank would mean nothing: {_worded(differing)}. "
            "Choose runs of one guest, link and backend, or ask for comparable='mark'.",
            differing=differing,
        )
    rows.sort(key=lambda row: row.spread.median or 0.0)
    return table(
        [_ranked(row, rows[0], place, list(differing), level) for place, row in enumerate(rows)], _RANK_COLUMNS
    )


def _refuse_single(rows: Sequence[_Row], by: str) -> None:
    if any(len(row.values) < FEWEST_FOR_INTERVAL for row in rows):
        counts = ", ".join(f"{to_text(row.group[0].start.policy)}: {len(row.values)}" for row in rows)
        raise ComparisonError(
            f"One run is no result: a rank by {by} needs at least {FEWEST_FOR_INTERVAL} completed runs of each setting "
            f"in which it is known, and there are {counts}. Repeat the others, for example with `xlkit sweep`.",
            differing={},
        )


def _ranked(row: _Row, best: _Row, place: int, differing: Sequence[str], level: float) -> dict[str, object]:
    p_value = _p_value(best.values, row.values) if place else None
    differs = None if p_value is None else p_value < 1 - level
    return {
        **named(row.group, differing),
        "place": place + 1 if differs else 1,
        "median": row.spread.median,
        "low": row.spread.low,
        "high": row.spread.high,
        "p_value": p_value,
        "differs": differs,
        "not_comparable": _worded(not_comparable([best.group[0], row.group[0]])),
    }


def _p_value(first: Sequence[float], second: Sequence[float]) -> float:
    from scipy.stats import mannwhitneyu

    if set(first) == set(second) and len(set(first)) == 1:
        return 1.0
    return float(mannwhitneyu(first, second, alternative="two-sided").pvalue)


def _worded(differing: dict[str, list[Any]]) -> str:
    return "; ".join(f"{name} is {' or '.join(as_json(one) for one in some)}" for name, some in differing.items())
