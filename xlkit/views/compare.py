"""Runs over one another: dirty pages of each pass, aligned by iteration, by time, or by bytes sent."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from xlkit import frames
from xlkit.errors import InvalidValueError
from xlkit.model import Phase, Run
from xlkit.units import PAGE_BYTES
from xlkit.views.crowd import crowd_trace, named_runs
from xlkit.views.facts import as_runs, labels
from xlkit.views.iterations import LOWEST_DRAWN_PAGES
from xlkit.views.template import FINAL_SYMBOL, INK, Figure, folded, room_for_names, series_style

if TYPE_CHECKING:
    from pandas import DataFrame, Series

ALIGNMENTS: Mapping[str, str] = MappingProxyType(
    {"iteration": "iteration, from 0", "time": "time since the start of the run [s]", "bytes": "sent before [MiB]"}
)
_MIB_BYTES = 2**20
_COLUMNS = ["run_id", "label", "origin", "iteration", "phase", "x", "dirty_pages", "drawn_pages", "named"]
_HOVER = "pass %{customdata[0]}: %{customdata[1]} dirty pages<extra>%{fullData.name}</extra>"


def compare_rows(*runs: Run | Iterable[Run], align: Literal["iteration", "time", "bytes"] = "iteration") -> "DataFrame":
    """Tabulate what `plot_compare` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.
    align : {"iteration", "time", "bytes"}, default "iteration"
        What runs share a place by.

    Returns
    -------
    pandas.DataFrame
        A row a pass: ``run_id``; ``label`` (what tells the run from the others, and its origin); ``origin``;
        ``iteration``; ``phase``; ``x`` (where the pass stands: its number, its begin [s], or what had been sent before
        it [MiB]; <NA> where not known); ``dirty_pages`` (the set that it set out to send, of pass 0 only what has
        memory behind it [page]); ``drawn_pages`` (the same, but 0 at the lower edge, as a log scale has no 0 [page]);
        ``named`` (whether the figure names the run, or draws it in the crowd).

    Raises
    ------
    InvalidValueError
        If there is no such alignment.

    See Also
    --------
    xlkit.frames.iterations : The whole table of passes.
    """
    if align not in ALIGNMENTS:
        raise InvalidValueError(f"Runs are aligned by one of {', '.join(ALIGNMENTS)}, not {align!r}.")
    shown = as_runs(*runs)
    table = frames.iterations(*shown)
    named = named_runs(shown)
    label = dict(zip((run.run_id for run in shown), _labels(shown), strict=True))
    table["dirty_pages"] = [run.backed_pages(one) for run in shown for one in run.iterations]
    table = table.astype({"dirty_pages": "Int64"})
    return table.assign(
        label=table["run_id"].map(label).astype("string"),
        named=table["run_id"].isin(named),
        x=_places(table, align),
        drawn_pages=table["dirty_pages"].astype("Float64").clip(lower=LOWEST_DRAWN_PAGES),
    )[_COLUMNS]


def plot_compare(*runs: Run | Iterable[Run], align: Literal["iteration", "time", "bytes"] = "iteration") -> Figure:
    """Draw the dirty pages of many runs over one another.

    Up to a dozen runs are named. Of more, those with the shortest, the middle and the longest downtime and the latest
    are, and the others are one grey crowd behind them.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.
    align : {"iteration", "time", "bytes"}, default "iteration"
        What runs share a place by: number of the pass, time since the start, or bytes sent.

    Returns
    -------
    Figure
        A line a run; a star is the set that was sent while the guest stood still.

    Raises
    ------
    InvalidValueError
        If there is no such alignment.

    See Also
    --------
    compare_rows : The same as a table.
    plot_costs : What each run cost.
    """
    shown = as_runs(*runs)
    rows = compare_rows(*shown, align=align).dropna(subset=["x", "drawn_pages"])
    named = named_runs(shown)
    figure = Figure(f"Dirty pages of {len(shown):,} runs, by {align}", height=room_for_names(len(named) + 2))
    if rows.empty:
        figure.say("No passes to show.")
    crowd = rows[~rows["named"]]
    if len(crowd):
        figure.add_trace(crowd_trace(crowd, "x", "drawn_pages"))
    for index, (run_id, passes) in enumerate(rows[rows["named"]].groupby("run_id", sort=False)):
        _add_run(figure, passes, index, named[str(run_id)])
    _add_key(figure, rows)
    last = 1.0 if rows.empty else float(rows["x"].max())
    figure.update_xaxes(title=ALIGNMENTS[align], range=[-0.02 * last, 1.04 * last])
    figure.update_yaxes(title="dirty pages [4 KiB], log scale", type="log", dtick=1)
    return figure


def _labels(runs: list[Run]) -> list[str]:
    named = named_runs(runs)
    texts = dict(zip(named, labels([run for run in runs if run.run_id in named]), strict=True))
    return [texts.get(run.run_id, run.run_id) for run in runs]


def _places(table: "DataFrame", align: str) -> "Series[float]":
    if align == "iteration":
        return table["iteration"].astype("Float64")
    if align == "time":
        return table["begun_s"]
    sent = table["sent_bytes"].astype("Float64").fillna(table["sent_pages"].astype("Float64") * PAGE_BYTES)
    # After a pass whose bytes are not known, nothing is.
    so_far = sent.groupby(table["run_id"], sort=False).cumsum(skipna=False)
    return so_far.groupby(table["run_id"], sort=False).shift(1, fill_value=0.0) / _MIB_BYTES


def _add_run(figure: Figure, passes: "DataFrame", index: int, reason: str) -> None:
    style = series_style(index)
    name = folded(f"{passes['label'].iloc[0]}{f': {reason}' if reason else ''}")
    marks = {**style["marker"], "size": [14 if phase == Phase.STOP_AND_COPY else 7 for phase in passes["phase"]]}
    marks["symbol"] = [
        FINAL_SYMBOL if phase == Phase.STOP_AND_COPY else style["marker"]["symbol"] for phase in passes["phase"]
    ]
    figure.add_scattergl(  # as the crowd is: what WebGL draws would lie above what it does not
        x=[float(value) for value in passes["x"]],
        y=[float(value) for value in passes["drawn_pages"]],
        customdata=[
            [int(number), f"{pages:,}"]
            for number, pages in zip(passes["iteration"], passes["dirty_pages"], strict=True)
        ],
        name=name, mode="lines+markers", line=style["line"], marker=marks, hovertemplate=_HOVER,
    )  # fmt: skip


def _add_key(figure: Figure, rows: "DataFrame") -> None:
    if (rows["phase"] == Phase.STOP_AND_COPY).any():
        key = {"symbol": FINAL_SYMBOL, "size": 14, "color": INK}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=key, name="sent while the guest is paused")
