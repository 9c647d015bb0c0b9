"""What the commands print for scripts: runs as data that JSON can hold."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from xlkit.journal import to_data
from xlkit.model import Run, Setup
from xlkit.policies import from_settings, to_settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from xlkit.store import RunHead

_CODEC = (to_settings, from_settings)


def record_data(record: Run | Setup) -> dict[str, Any]:
    """Turn a run or a set-up into what JSON can hold.

    Parameters
    ----------
    record : Run or Setup
        What is to be printed.

    Returns
    -------
    dict
        Its fields; of a run also ``run_id`` and ``complete``.
    """
    fields: dict[str, Any] = to_data(record, _CODEC)
    return {"run_id": record.run_id, "complete": record.complete} | fields if isinstance(record, Run) else fields


def head_data(head: "RunHead") -> dict[str, Any]:
    """Turn the head of a run into one flat JSON object.

    Parameters
    ----------
    head : RunHead
        A run without its iterations.

    Returns
    -------
    dict
        ``run_id``, ``status``, ``iterations`` (how many), ``complete``, and what was asked and what it cost.
    """
    return {
        "run_id": head.run_id,
        "status": head.stop.status,
        "iterations": head.n_iterations,
        "complete": head.complete,
        "stop_reason": head.stop.stop_reason,
        "backend": head.start.backend,
        "origin": head.start.origin,
        "domain": head.start.migration.domain,
        "source": head.start.migration.source,
        "destination": head.start.migration.destination,
        "policy": to_settings(head.start.policy),
        "started_at": head.start.started_at.isoformat(),
        "total_s": head.stop.ended_s,
        "downtime_s": head.stop.downtime_s,
        "runs_at": head.stop.runs_at,
        "verified": head.stop.verified,
        "message": head.stop.message,
    }


def records(frame: "DataFrame") -> list[dict[str, Any]]:
    """Turn a table into what JSON can hold.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any table of `xlkit.frames`.

    Returns
    -------
    list of dict
        A row each; None where a value is not known.
    """
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
