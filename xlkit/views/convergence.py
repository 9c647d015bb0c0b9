"""Whether precopy converges: what the guest dirties against what the link carries, pass by pass."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xlkit import frames
from xlkit.model import Phase, Run
from xlkit.units import PAGE_BYTES
from xlkit.views.crowd import named_runs
from xlkit.views.facts import as_runs, labels
from xlkit.views.template import FINAL_SYMBOL, INK, Figure, folded, room_for_names, series_style

if TYPE_CHECKING:
    from pandas import DataFrame

_MIB_BYTES = 2**20
_COLUMNS = ["run_id", "label", "origin", "iteration", "phase", "throughput_mib_s", "dirty_rate_mib_s", "named"]
_HOVER = "pass %{customdata}: dirties %{y:.4~g} MiB/s, the link carries %{x:.4~g} MiB/s<extra>%{fullData.name}</extra>"
_ROOM = 1.08


def convergence_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_convergence` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    pandas.DataFrame
        A row a pass of which both rates are known and above zero (pass 0 has no dirty rate): ``run_id``; ``label``
        (what tells the run from the others, and its origin); ``origin``; ``iteration``; ``phase``;
        ``throughput_mib_s`` (what the pass sent over the time it took, pages times 4096 B where the bytes are not known
        [MiB/s]); ``dirty_rate_mib_s`` (distinct pages that it found dirty over the time in which they were dirtied
        [MiB/s]); ``named`` (whether the figure names the run).

    See Also
    --------
    xlkit.frames.iterations : The whole table of passes.
    """
    shown = as_runs(*runs)
    named = named_runs(shown)
    table = frames.iterations(*shown)
    texts = dict(zip(named, labels([run for run in shown if run.run_id in named]), strict=True))
    sent_bytes = table["sent_bytes"].astype("Float64").fillna(table["sent_pages"].astype("Float64") * PAGE_BYTES)
    took_s = table["duration_s"].where(table["duration_s"] > 0)
    rows = table.assign(
        label=table["run_id"].map(lambda run_id: texts.get(run_id, run_id)).astype("string"),
        named=table["run_id"].isin(list(named)),
        throughput_mib_s=sent_bytes / took_s / _MIB_BYTES,
        dirty_rate_mib_s=table["dirty_rate_pages_s"] * PAGE_BYTES / _MIB_BYTES,
    )[_COLUMNS]
    known = (rows["throughput_mib_s"] > 0) & (rows["dirty_rate_mib_s"] > 0)
    return rows[known.fillna(value=False).astype(bool)].reset_index(drop=True)


def plot_convergence(*runs: Run | Iterable[Run]) -> Figure:
    """Draw the dirty rate of each pass against the bandwidth that it had.

    Above the line the guest dirties more than the link carries, and the next pass is larger than this one; below it,
    smaller. A star is the set of the blackout.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of more than a dozen, some are named.

    Returns
    -------
    Figure
        Both axes from zero.

    See Also
    --------
    convergence_rows : The same as a table.
    plot_dirty_curve : The dirty rate depends on the window: the whole curve.
    """
    rows = convergence_rows(*runs)
    reasons = named_runs(as_runs(*runs))
    figure = Figure("Dirty rate against bandwidth", height=60 + room_for_names(len(reasons) + 2))
    if rows.empty:
        figure.say("No pass whose dirty rate and bandwidth are known.")
        return figure
    top = float(rows[["throughput_mib_s", "dirty_rate_mib_s"]].max().max()) * _ROOM
    ends = [0.0, top]
    figure.add_scattergl(
        x=ends, y=ends, mode="lines", line={"color": INK, "dash": "dot", "width": 1.5}, hoverinfo="skip",
        name="as much is dirtied as is sent: above it precopy does not converge",
    )  # fmt: skip
    crowd = rows[~rows["named"]]
    if len(crowd):
        _add_crowd(figure, crowd)
    for index, (run_id, passes) in enumerate(rows[rows["named"]].groupby("run_id", sort=False)):
        _add_run(figure, passes, index, reasons[str(run_id)])
    figure.update_xaxes(title="bandwidth of the pass [MiB/s]", range=ends)
    figure.update_yaxes(title="dirty rate [MiB/s]", range=[0.0, float(rows["dirty_rate_mib_s"].max()) * _ROOM])
    return figure


def _add_run(figure: Figure, passes: "DataFrame", index: int, reason: str) -> None:
    style = series_style(index)
    paused = [phase == Phase.STOP_AND_COPY for phase in passes["phase"]]
    figure.add_scattergl(
        x=passes["throughput_mib_s"].astype(float).tolist(), y=passes["dirty_rate_mib_s"].astype(float).tolist(),
        mode="lines+markers", line={**style["line"], "width": 1},
        marker={
            **style["marker"], "size": [14 if one else 8 for one in paused],
            "symbol": [FINAL_SYMBOL if one else style["marker"]["symbol"] for one in paused],
        },
        customdata=passes["iteration"].tolist(), hovertemplate=_HOVER,
        name=folded(f"{passes['label'].iloc[0]}{f': {reason}' if reason else ''}"),
    )  # fmt: skip


def _add_crowd(figure: Figure, crowd: "DataFrame") -> None:
    figure.add_scattergl(
        x=crowd["throughput_mib_s"].astype(float).tolist(), y=crowd["dirty_rate_mib_s"].astype(float).tolist(),
        mode="markers", marker={"color": INK, "size": 4, "opacity": 0.3}, hoverinfo="skip",
        name=f"the other runs ({crowd['run_id'].nunique():,})",
    )  # fmt: skip
