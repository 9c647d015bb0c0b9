"""What `xlkit compare` prints: runs side by side, their repetitions in groups, and a rank where there can be one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from xlkit import units
from xlkit.cli.data import records
from xlkit.cli.text import WIDTH, table
from xlkit.model import Run, Status

if TYPE_CHECKING:
    from collections.abc import Callable

RANKED: Final = ("downtime_s", "total_s", "sent_bytes", "iterations", "final_pages", "amplification")
_MOST_COLUMNS = 3
_COMPARED = (
    "run", "backend", "min_remaining", "max_iters", "stopped by", "passes", "last live pages", "paused pages", "sent",
    "total", "downtime",
)  # fmt: skip
_GROUPS = ("policy", "runs", "total", "", "downtime", "", "sent")
_RANKS = ("place", "policy", "runs", "median", "", "told apart")


def comparison_data(runs: Sequence[Run], by: str | None) -> dict[str, Any]:
    """Write runs side by side for a script.

    Parameters
    ----------
    runs : sequence of Run
        At least one.
    by : str or None
        What to rank the settings by; None ranks nothing.

    Returns
    -------
    dict
        ``runs``, an object a run with the columns of `xlkit.frames.summary`; ``settings``, an object for each
        combination of settings with the columns of `xlkit.frames.compare`; where asked for, ``rank``, with those of
        `xlkit.frames.rank`.

    Raises
    ------
    ComparisonError
        If the settings cannot be ranked.
    """
    from xlkit.frames import compare, rank, summary

    data = {"runs": records(summary(*runs)), "settings": records(compare(*runs))}
    return data if by is None else {**data, "rank": records(rank(*runs, by=by))}


def comparison_text(runs: Sequence[Run], by: str | None) -> str:
    """Write runs side by side for a reader.

    Parameters
    ----------
    runs : sequence of Run
        At least one.
    by : str or None
        What to rank the settings by; None ranks nothing.

    Returns
    -------
    str
        A column a run, or a line where they are many; for two completed runs also what the second cost. Then a line for
        each setting that was repeated, and the rank where it was asked for.

    Raises
    ------
    ComparisonError
        If the settings cannot be ranked.
    """
    from xlkit.frames import summary
    from xlkit.views.prose import difference

    rows = [_summary_cells(row) for row in records(summary(*runs))]
    told = difference(runs)
    parts = [_side_by_side(rows), click.wrap_text(told, WIDTH) if told else "", _groups_text(runs)]
    return "\n\n".join(part for part in (*parts, _rank_text(runs, by)) if part)


def _groups_text(runs: Sequence[Run]) -> str:
    """Tabulate settings of which there are several runs; single ones are told already."""
    from xlkit.frames import compare

    groups = records(compare(*runs))
    if all(row["runs"] == 1 for row in groups):
        return ""
    lines = [
        [
            _setting(row), _count(row), *_cells(row, "total_s", units.format_s),
            *_cells(row, "downtime_s", units.format_s), units.format_bytes(row["median_sent_bytes"]),
        ]
        for row in groups
    ]  # fmt: skip
    far = "; ".join(row["outliers"] for row in groups if row["outliers"])
    notes = ["Medians; in brackets, in which range each is thought to lie with 95 % (three runs or more)."]
    notes += [f"Far off the others: {far}."] if far else []
    return "\n".join([table(_GROUPS, lines), *(click.wrap_text(note, WIDTH) for note in notes)])


def _rank_text(runs: Sequence[Run], by: str | None) -> str:
    from xlkit.frames import rank

    if by is None:
        return ""
    write = units.format_s if by.endswith("_s") else units.format_bytes if by.endswith("_bytes") else _number
    lines = [
        [row["place"], _setting(row), _count(row), write(row["median"]), _interval(row["low"], row["high"], write),
         _apart(row)]
        for row in records(rank(*runs, by=by))
    ]  # fmt: skip
    return f"By {by}, smallest first:\n{table(_RANKS, lines)}"


def _setting(row: Mapping[str, Any]) -> str:
    extra = f", {row['settings']}" if row["settings"] else ""
    return f"{row['policy']}{extra} ({row['origin']})"


def _count(row: Mapping[str, Any]) -> str:
    failed = row["runs"] - row["completed"]
    return f"{row['runs']}" + (f", {failed} not completed" if failed else "")


def _cells(row: Mapping[str, Any], name: str, write: "Callable[[float], str]") -> list[str]:
    median = row[f"median_{name}"]
    return [
        "unknown" if median is None else write(median),
        _interval(row[f"low_{name}"], row[f"high_{name}"], write),
    ]


def _interval(low: float | None, high: float | None, write: "Callable[[float], str]") -> str:
    return "" if low is None or high is None else f"({write(low)} to {write(high)})"


def _apart(row: Mapping[str, Any]) -> str:
    if row["p_value"] is None:
        return "the first"
    return f"{'yes' if row['differs'] else 'no'}, p = {row['p_value']:.2g}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4g}"


def _side_by_side(rows: Sequence[Sequence[object]]) -> str:
    if len(rows) > _MOST_COLUMNS:
        return table(_COMPARED, rows)
    titles, *lines = zip(_COMPARED, *rows, strict=True)
    return table([str(title) for title in titles], lines)


def _summary_cells(row: Mapping[str, Any]) -> list[object]:
    return [
        row["run_id"],
        f"{row['backend']} ({row['origin']})",
        row["min_remaining"] if row["min_remaining"] is not None else row["policy"],
        row["max_iters"],
        row["stop_reason"] if row["status"] == Status.COMPLETED else row["status"],
        row["iterations"],
        row["last_live_pages"],
        row["final_pages"],
        units.format_bytes(row["sent_bytes"]),
        units.format_s(row["total_s"]),
        units.format_s(row["downtime_s"]),
    ]
