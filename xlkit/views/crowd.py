"""Figures of many runs: a few are named, the others are one grey crowd that a browser draws quickly."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from xlkit.model import Run

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_NAMED: Final = 12
MOST_POINTS: Final = 60_000
CROWD_INK: Final = "rgba(118,118,118,.15)"
CROWD_NAME: Final = "the other runs"


def named_runs(runs: Sequence[Run]) -> dict[str, str]:
    """Choose the runs that a figure names, and say why where it cannot name all.

    Parameters
    ----------
    runs : sequence of Run
        The runs of the figure.

    Returns
    -------
    dict of str to str
        By the run's id, what sets it apart; empty text where all runs are named. Of a crowd: the shortest, the middle
        and the longest downtime, and the latest run.
    """
    if len(runs) <= MOST_NAMED:
        return {run.run_id: "" for run in runs}
    known = sorted((run for run in runs if run.stop.downtime_s is not None), key=lambda run: run.stop.downtime_s or 0.0)
    chosen = [(known[0], "shortest downtime"), (known[len(known) // 2], "median downtime"),
              (known[-1], "longest downtime")] if known else []  # fmt: skip
    reasons: dict[str, str] = {}
    for run, reason in [*chosen, (runs[-1], "the latest")]:
        reasons[run.run_id] = f"{reasons[run.run_id]}, {reason}" if run.run_id in reasons else reason
    return reasons


def crowd_trace(rows: "DataFrame", x: str, y: str) -> dict[str, Any]:
    """Put the lines of many runs into one trace, thinned to what a browser draws at once.

    Parameters
    ----------
    rows : pandas.DataFrame
        A row a point; ``run_id`` tells which run it is of, and runs stand one after the other.
    x, y : str
        Columns to draw.

    Returns
    -------
    dict
        A trace for WebGL; None in its data separates the runs. Its ``name`` says how many of them are drawn.
    """
    runs = [
        list(points) for _, points in groupby(zip(rows["run_id"], rows[x], rows[y], strict=True), lambda one: one[0])
    ]
    step = -(-len(rows) // MOST_POINTS) if len(rows) else 1
    drawn = runs[::step]
    points = [point for run in drawn for point in (*((at, value) for _, at, value in run), (None, None))]
    share = "" if step == 1 else f", {len(drawn):,} of {len(runs):,} drawn"
    return {
        "type": "scattergl",
        "mode": "lines",
        "x": [None if at is None else float(at) for at, _ in points],
        "y": [None if value is None else float(value) for _, value in points],
        "name": f"{CROWD_NAME} ({len(runs):,}{share})",
        "line": {"color": CROWD_INK, "width": 1},
        "hoverinfo": "skip",
    }
