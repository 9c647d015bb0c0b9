"""Downtime against total time: what a policy buys, what it costs, and which ones are beaten in both."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from xlkit import frames, units
from xlkit.model import Run
from xlkit.views.facts import as_runs
from xlkit.views.template import INK, Figure, room_for_names, series_style

if TYPE_CHECKING:
    from pandas import DataFrame

_COLUMNS = [
    "label", "origin", "policy", "settings", "runs", "completed",
    "median_total_s", "low_total_s", "high_total_s", "median_downtime_s", "low_downtime_s", "high_downtime_s",
    "on_front",
]  # fmt: skip
_FEWEST_FOR_INTERVAL = 3


def tradeoff_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_tradeoff` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    pandas.DataFrame
        A row a setting whose downtime and total time are known of at least one completed run: ``label``, ``origin``,
        ``policy``, ``settings`` (those in which the rows differ), ``runs``, ``completed``; ``median_``, ``low_`` and
        ``high_`` of ``total_s`` and ``downtime_s`` over its repetitions [s] (the interval is <NA> below three);
        ``on_front`` (whether no other row is better in one of the two and no worse in the other).

    See Also
    --------
    xlkit.frames.compare : The whole table of settings.
    """
    table = frames.compare(*as_runs(*runs)).dropna(subset=["median_total_s", "median_downtime_s"])
    points = list(zip(table["median_total_s"], table["median_downtime_s"], strict=True))
    policies = table["policy"].astype("string")
    extra = table["settings"].where(table["settings"] != "", "").map(lambda text: f", {text}" if text else "")
    return (
        table.assign(
            label=(policies + extra + " (" + table["origin"] + ")").astype("string"),
            on_front=[not any(_beats(other, one) for other in points) for one in points],
        )
        .astype({"on_front": bool})[_COLUMNS]
        .reset_index(drop=True)
    )


def plot_tradeoff(*runs: Run | Iterable[Run]) -> Figure:
    """Draw downtime against total time, a point a setting.

    Where there are three repetitions or more, a cross shows in which range their median is thought to lie; a setting
    that was run less often is an open symbol. The step line joins the settings that no other one beats (the Pareto
    front).

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    Figure
        The downtime from zero; the total time not, as settings often differ little in it.

    See Also
    --------
    tradeoff_rows : The same as a table.
    """
    rows = tradeoff_rows(*runs)
    figure = Figure("Downtime against total time", height=room_for_names(len(rows) + 1))
    if rows.empty:
        figure.say("No completed run whose downtime and total time are known.")
    front = rows[rows["on_front"]].sort_values("median_total_s")
    if len(front) > 1:
        figure.add_scatter(
            x=front["median_total_s"].tolist(), y=front["median_downtime_s"].tolist(), mode="lines",
            line={"shape": "hv", "color": INK, "width": 1, "dash": "dot"}, name="no setting is better in both",
            hoverinfo="skip",
        )  # fmt: skip
    for index, (_, row) in enumerate(rows.iterrows()):
        _add_point(figure, row, index)
    figure.update_xaxes(title="total time [s]")
    figure.update_yaxes(title="downtime [s]", rangemode="tozero")
    return figure


def _beats(other: Sequence[float], one: Sequence[float]) -> bool:
    return other != one and other[0] <= one[0] and other[1] <= one[1]


def _add_point(figure: Figure, row: Any, index: int) -> None:
    style = series_style(index)["marker"]
    repeated = row["completed"] >= _FEWEST_FOR_INTERVAL
    symbol = style["symbol"] if repeated else f"{style['symbol']}-open"
    count = f"{row['completed']} run{'s' * (row['completed'] > 1)}"
    told = f"{units.format_s(float(row['median_downtime_s']))} in {units.format_s(float(row['median_total_s']))}"
    figure.add_scatter(
        x=[float(row["median_total_s"])], y=[float(row["median_downtime_s"])], mode="markers",
        marker={**style, "size": 11, "symbol": symbol}, name=f"{row['label']}, {count}",
        error_x=_bars(row, "total_s", style["color"]) if repeated else None,
        error_y=_bars(row, "downtime_s", style["color"]) if repeated else None,
        hovertemplate=f"{told}<extra>%{{fullData.name}}</extra>",
    )  # fmt: skip


def _bars(row: Any, name: str, color: str) -> dict[str, Any]:
    median = float(row[f"median_{name}"])
    return {
        "type": "data",
        "symmetric": False,
        "array": [float(row[f"high_{name}"]) - median],
        "arrayminus": [median - float(row[f"low_{name}"])],
        "color": color,
        "thickness": 1.5,
        "width": 5,
    }
