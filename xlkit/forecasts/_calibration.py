"""Forecasts against what happened."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from xlkit.forecasts._learn import History, flat
from xlkit.model import Forecast, Knowledge, Phase, Range, Run, Status

if TYPE_CHECKING:
    import pandas as pd

_SCORES: Final = {
    "run_id": "string",
    "backend": "string",
    "origin": "string",
    "domain": "string",
    "model": "string",
    "passes_known": "Int64",
    "learned_from": "Int64",
    "level": "Float64",
    "quantity": "string",
    "low": "Float64",
    "likely": "Float64",
    "high": "Float64",
    "outcome": "Float64",
    "outcome_knowledge": "string",
    "within": "boolean",
    "relative_error": "Float64",
}
_KEYS: Final = ["origin", "model", "when", "quantity", "level"]
_CALIBRATION: Final = {
    **{name: _SCORES.get(name, "string") for name in _KEYS},
    "n_forecasts": "Int64",
    "share_within": "Float64",
    "median_error": "Float64",
    "p90_error": "Float64",
}


def scores(*runs: History) -> "pd.DataFrame":
    """Set what was expected of runs beside what happened, a row a run and quantity.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store; those without a forecast are left out.

    Returns
    -------
    pandas.DataFrame
        In the order of the runs; what is not known is ``<NA>``. Columns:

        run_id, backend, origin, domain
            Which run it is.
        model, passes_known, learned_from, level
            What made the forecast, how many passes of the run itself were known (0 before it began), from how many runs
            it was learned, and for which share of runs its ranges are meant to hold.
        quantity
            ``total_s`` [s], ``downtime_s`` [s], ``sent_bytes`` [B], ``live_passes``, ``final_pages`` [page].
        low, likely, high
            What was expected.
        outcome, outcome_knowledge
            What happened, and whether that is exact or, as a downtime may be, at most so much.
        within
            Whether the range held.
        relative_error
            Distance of the likely value from the outcome, as a share of the outcome; ``<NA>`` where that is 0.

    See Also
    --------
    calibration : How often the ranges held.
    """
    rows = [row for run in flat(runs) if run.start.forecast is not None for row in _rows(run, run.start.forecast)]
    return _table(rows, _SCORES)


def calibration(*runs: History) -> "pd.DataFrame":
    """Tell how often the ranges of forecasts held, a row a quantity, model and moment.

    Parameters
    ----------
    *runs : Run or iterable of Run
        Runs, lists of them, or a store; those without a forecast are left out.

    Returns
    -------
    pandas.DataFrame
        Columns:

        origin
            Whether the runs were measured, simulated or imported; these are never mixed.
        model
            What made the forecasts.
        when
            ``before`` the run, or ``under way``.
        quantity
            As in `scores`.
        level
            Share of runs for which the ranges are meant to hold.
        n_forecasts
            How many of them can be scored, as the outcome is known.
        share_within
            Share of them whose range held; beside `level` it tells whether the forecasts are as sure as they say.
        median_error, p90_error
            Median and 90th percentile of the relative error of the likely value.

    See Also
    --------
    scores : The forecasts one by one.

    Examples
    --------
    >>> calibration([]).empty
    True
    """
    scored = scores(*runs)
    scored["when"] = scored["passes_known"].gt(0).map({True: "under way", False: "before"}).astype("string")
    known = scored[scored["within"].notna()]
    rows = [
        {
            **dict(zip(_KEYS, key, strict=True)),
            "n_forecasts": len(group),
            "share_within": group["within"].mean(),
            "median_error": _quantile(group["relative_error"], 0.5),
            "p90_error": _quantile(group["relative_error"], 0.9),
        }
        for key, group in known.groupby(_KEYS, sort=False)
    ]
    return _table(rows, _CALIBRATION)


def _rows(run: Run, told: Forecast) -> list[dict[str, object]]:
    head = {
        "run_id": run.run_id,
        "backend": run.start.backend,
        "origin": run.start.origin,
        "domain": run.start.migration.domain,
        "model": told.model,
        "passes_known": told.passes_known,
        "learned_from": len(told.learned_from),
        "level": told.level,
    }
    return [head | _row(name, getattr(told, name), *_outcome(run, name)) for name in _OUTCOMES]


def _row(quantity: str, told: Range | None, outcome: float | None, knowledge: Knowledge) -> dict[str, object]:
    known = told is not None and outcome is not None
    return {
        "quantity": quantity,
        "low": told.low if told else None,
        "likely": told.likely if told else None,
        "high": told.high if told else None,
        "outcome": outcome,
        "outcome_knowledge": knowledge,
        "within": outcome in told if told is not None and outcome is not None else None,
        "relative_error": abs(told.likely - outcome) / outcome if told is not None and known and outcome else None,
    }


def _outcome(run: Run, quantity: str) -> tuple[float | None, Knowledge]:
    value = _OUTCOMES[quantity](run) if run.stop.status is Status.COMPLETED else None
    if value is None:
        return None, Knowledge.UNKNOWN
    bounded = quantity == "downtime_s" and any(part.knowledge is Knowledge.AT_MOST for part in run.stop.downtime)
    return value, Knowledge.AT_MOST if bounded else Knowledge.EXACT


def _sent_bytes(run: Run) -> float | None:
    sent = [one.sent_bytes for one in run.iterations]
    return None if None in sent else float(sum(one for one in sent if one is not None))


def _live_passes(run: Run) -> float:
    return float(sum(one.phase is Phase.PRECOPY for one in run.iterations))


def _final_pages(run: Run) -> float | None:
    final = next((one for one in run.iterations if one.phase is Phase.STOP_AND_COPY), None)
    return None if final is None or final.dirty_pages is None else float(final.dirty_pages)


_OUTCOMES: Final[Mapping[str, Callable[[Run], float | None]]] = {
    "total_s": lambda run: run.stop.ended_s,
    "downtime_s": lambda run: run.stop.downtime_s,
    "sent_bytes": _sent_bytes,
    "live_passes": _live_passes,
    "final_pages": _final_pages,
}


def _quantile(values: "pd.Series[Any]", share: float) -> float | None:
    known = values.dropna()
    return float(known.quantile(share)) if len(known) else None


def _table(rows: list[dict[str, object]], columns: Mapping[str, str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({name: pd.array([row[name] for row in rows], dtype=kind) for name, kind in columns.items()})  # type: ignore[call-overload]
